#include "api/hub/names.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace maru::api::hub {
namespace {

http::Request request_of(const char* host, http::Headers headers = {}) {
  http::Request request;
  if (host != nullptr) request.authority = host;
  request.headers = std::move(headers);
  return request;
}

TEST(HubNames, DatasetsStandBelowAFolderOfTheirOwn) {
  EXPECT_EQ(path_of({"datasets", "team", "talks"}), "datasets/team/talks");
  EXPECT_EQ(path_of({"models", "team", "talks"}), "team/talks");
}

TEST(HubNames, UrlsLeadToWhereTheServerWasAsked) {
  EXPECT_EQ(base_url(request_of("maru.lan:8000")), "http://maru.lan:8000/v1/hf");
  EXPECT_EQ(base_url(request_of("maru.lan", {{"x-forwarded-proto", "https"}})), "https://maru.lan/v1/hf");
  EXPECT_EQ(base_url(request_of("maru.lan", {{"x-forwarded-proto", "gopher"}})), "http://maru.lan/v1/hf");
  http::Request secure = request_of("maru.lan");
  secure.secure = true;
  EXPECT_EQ(base_url(secure), "https://maru.lan/v1/hf");
  EXPECT_THROW(base_url(request_of(nullptr)), Failure);
}

TEST(HubNames, TypesAndNewNamesAreChecked) {
  EXPECT_EQ(kind_of("dataset"), kDatasets);
  EXPECT_EQ(kind_of("model"), kModels);
  EXPECT_EQ(kind_of(""), kModels);
  for (const char* other : {"space", "datasets", "kernel", "Model"}) EXPECT_THROW(kind_of(other), Failure) << other;
  EXPECT_NO_THROW(check_new_name({"datasets", "팀", "말뭉치-1.0"}));
  for (const char* taken : {"api", "datasets", "models", "spaces", "lfs", "resolve", "..", "a/b", ""})
    EXPECT_THROW(check_new_name({"models", taken, "x"}), Failure) << taken;
  EXPECT_THROW(check_new_name({"models", "team", "x.git"}), Failure);
}

TEST(HubNames, WhatIsNoLetterIsEscaped) {
  EXPECT_EQ(url_escape("a/b c?d=\xea\xb0\x80&\"\n"), "a/b%20c%3Fd%3D%EA%B0%80%26%22%0A");
}

// What `git hash-object` says of the pointer that `git lfs pointer` writes for a file of the three bytes "abc".
TEST(HubNames, APointerIsAsGitHasIt) {
  const Pointer pointer = pointer_of({"ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad", 3});
  EXPECT_EQ(pointer.size, 126u);
  EXPECT_EQ(pointer.oid, "80d7d501c2b256023dc42e46d958b9ac2ec283ee");
}

}  // namespace
}  // namespace maru::api::hub
