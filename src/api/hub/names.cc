#include "api/hub/names.h"

#include <fmt/format.h>
#include <openssl/evp.h>

#include <algorithm>
#include <array>

#include "base/hex.h"
#include "base/request_failure.h"

namespace maru::api::hub {
namespace {

bool stays(char c) {
  return ('a' <= c && c <= 'z') || ('A' <= c && c <= 'Z') || ('0' <= c && c <= '9') ||
         std::string_view("-._~/").find(c) != std::string_view::npos;
}

void check_name(const char* what, const std::string& name) {
  if (const Outcome outcome = platform::check_repository_name(what, name); !outcome)
    refuse(outcome.error().message, what);
}

}  // namespace

std::string path_of(const platform::RepositoryName& name) {
  return (name.kind == kDatasets ? "datasets/" : "") + name.space + "/" + name.name;
}

std::string base_url(const http::Request& request) {
  if (!request.authority || request.authority->empty()) refuse("Host: is missing, so no URL can be told", "Host");
  const bool secure = request.secure || request.header("x-forwarded-proto") == "https";
  return fmt::format("{}://{}{}", secure ? "https" : "http", *request.authority, kPrefix);
}

platform::RepositoryName repository_of(const http::Request& request, const char* kind) {
  return {kind, request.arguments.at(0), request.arguments.at(1)};
}

const char* kind_of(std::string_view type) {
  if (type == "dataset") return kDatasets;
  if (type.empty() || type == "model") return kModels;
  refuse("type: expected model or dataset: this server keeps no others", "type");
}

void check_new_name(const platform::RepositoryName& name) {
  check_name("organization", name.space);
  check_name("name", name.name);
  constexpr std::array<std::string_view, 8> kTaken{"api",     "datasets", "models",  "spaces",
                                                   "buckets", "kernels",  "resolve", "lfs"};
  if (std::find(kTaken.begin(), kTaken.end(), name.space) != kTaken.end())
    refuse("organization: \"" + name.space + "\" is a word of this API, and cannot be a namespace", "organization");
}

std::string author_of(const http::Request& request) { return request.principal ? request.principal->key : "local"; }

std::string url_escape(std::string_view text) {
  std::string escaped;
  for (const char c : text) escaped += stays(c) ? std::string(1, c) : fmt::format("%{:02X}", static_cast<uint8_t>(c));
  return escaped;
}

Pointer pointer_of(const platform::Blob& blob) {
  const std::string text =
      fmt::format("version https://git-lfs.github.com/spec/v1\noid sha256:{}\nsize {}\n", blob.sha256, blob.size);
  const std::string object = fmt::format("blob {}", text.size()) + '\0' + text;
  std::array<char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  CHECK(EVP_Digest(object.data(), object.size(), reinterpret_cast<unsigned char*>(digest.data()), &size, EVP_sha1(),
                   nullptr) == 1);
  return {to_hex({digest.data(), size}), text.size()};
}

}  // namespace maru::api::hub
