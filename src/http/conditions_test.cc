#include "http/conditions.h"

#include <gtest/gtest.h>

#include "http/auth.h"
#include "http/test_request.h"

namespace maru::http {
namespace {

/// "/file": ten digits, or as many bytes as a test wants, with the etag "abc".
class ConditionsTest : public ::testing::Test {
 protected:
  void SetUp() override { write("0123456789"); }
  void TearDown() override { fs::remove(path_); }
  void write(std::string_view bytes) {
    write_file(path_, bytes);
    file_ = std::make_shared<OpenFile>(path_);
  }
  Response ask(Headers headers, Method method = Method::kGet) {
    Router router(std::make_unique<ApiKeys>());
    router.add({.pattern = "/file", .handler = [this](const Request&, const Wake&) {
                  FileAnswer answer{.file = file_};
                  answer.etag = etag_;
                  answer.headers = {{"X-Repo-Commit", "c0ffee"}};
                  return Reply{std::move(answer)};
                }});
    return dispatch(router, make(method, "/file", std::move(headers)));
  }
  /// Status, bytes and Content-Range of one range.
  std::string range(std::string_view value) {
    const Response response = ask({{"range", std::string(value)}});
    const std::string_view content_range = find_header(response.headers, "content-range");
    return std::to_string(response.status) + " " + (response.status == 416 ? "" : response.body) + " " +
           std::string(content_range);
  }
  const fs::path path_ = fs::temp_directory_path() / ("maru_conditions_" + std::to_string(::getpid()));
  std::string etag_ = "abc";
  std::shared_ptr<const OpenFile> file_;
};

TEST_F(ConditionsTest, AFileSaysWhatItIs) {
  const Response response = ask({});
  EXPECT_EQ(200, response.status);
  EXPECT_EQ("0123456789", response.body);
  EXPECT_EQ("\"abc\"", find_header(response.headers, "etag"));
  EXPECT_EQ("bytes", find_header(response.headers, "accept-ranges"));
  EXPECT_EQ("c0ffee", find_header(response.headers, "x-repo-commit"));
}

TEST_F(ConditionsTest, OneRangeIsTaken) {
  const std::pair<const char*, const char*> cases[] = {
      {"bytes=0-0", "206 0 bytes 0-0/10"},
      {"bytes=2-5", "206 2345 bytes 2-5/10"},
      {"bytes=9-9", "206 9 bytes 9-9/10"},
      {"bytes=0-", "206 0123456789 bytes 0-9/10"},
      {"bytes=7-", "206 789 bytes 7-9/10"},
      {"bytes=7-99", "206 789 bytes 7-9/10"},
      {"bytes=7-99999999999999999999999999", "206 789 bytes 7-9/10"},
      {"bytes=0-18446744073709551615", "206 0123456789 bytes 0-9/10"},
      {"bytes=-3", "206 789 bytes 7-9/10"},
      {"bytes=-10", "206 0123456789 bytes 0-9/10"},
      {"bytes=-99999999999999999999999999", "206 0123456789 bytes 0-9/10"},
      {"BYTES=1-2", "206 12 bytes 1-2/10"},
      {"bytes=0001-02", "206 12 bytes 1-2/10"},
  };
  for (const auto& [header, expected] : cases) EXPECT_EQ(expected, range(header)) << header;
}

TEST_F(ConditionsTest, WhatIsNotThereIsSaid) {
  for (const char* header : {"bytes=10-", "bytes=10-12", "bytes=-0", "bytes=99999999999999999999999999-"})
    EXPECT_EQ("416  bytes */10", range(header)) << header;
  EXPECT_EQ("range_not_satisfiable", json_of(ask({{"range", "bytes=10-"}})).at("error").at("code").get<std::string>());
  write("");
  EXPECT_EQ("416  bytes */0", range("bytes=0-"));
  EXPECT_EQ("200  ", range("bytes=-1")) << "the last byte of nothing is nothing, and has no place";
}

TEST_F(ConditionsTest, WhatIsNoRangeGetsAllOfIt) {
  for (const char* header : {"bytes", "bytes=", "bytes=-", "bytes=5-2", "bytes=1-2,4-5", "bytes=1-2,", "bytes=,1-2",
                             "bytes=a-b", "bytes=1", "bytes=1--2", "bytes=--2", "bytes=+1-2", "bytes= 1 - 2",
                             "bytes=0x1-2", "bytes=1-2x", "bytes =1-2", "chars=1-2", "1-2", ""})
    EXPECT_EQ("200 0123456789 ", range(header)) << header;
  const Response twice = ask({{"range", "bytes=1-2"}, {"range", "bytes=3-4"}});
  EXPECT_EQ(200, twice.status);
  EXPECT_EQ(200, ask({{"range", "bytes=1-2"}}, Method::kHead).status) << "a range is of GET (RFC 9110 §14.2)";
}

TEST_F(ConditionsTest, ARangeOfAnotherFileIsNotTaken) {
  const std::pair<const char*, int> cases[] = {{"\"abc\"", 206},
                                               {"\"abd\"", 200},
                                               {"W/\"abc\"", 200},
                                               {"abc", 200},
                                               {"*", 200},
                                               {"\"abc\", \"x\"", 200},
                                               {"Sun, 06 Nov 1994 08:49:37 GMT", 200}};
  for (const auto& [value, status] : cases)
    EXPECT_EQ(status, ask({{"range", "bytes=1-2"}, {"if-range", value}}).status) << value;
  EXPECT_EQ(200, ask({{"range", "bytes=10-"}, {"if-range", "\"abd\""}}).status) << "and it is not judged either";
  etag_ = "";
  EXPECT_EQ(200, ask({{"range", "bytes=1-2"}, {"if-range", "\"\""}}).status);
  EXPECT_EQ(206, ask({{"range", "bytes=1-2"}}).status);
}

TEST_F(ConditionsTest, WhatTheClientHasIsNotSentAgain) {
  const std::pair<const char*, int> cases[] = {
      {"\"abc\"", 304},   {"W/\"abc\"", 304}, {"*", 304},   {"\"x\", \"abc\"", 304}, {"\"x\",W/\"abc\"", 304},
      {" \"abc\" ", 304}, {"\"abd\"", 200},   {"abc", 200}, {"\"ab", 200},           {"\"x\" \"abd\"", 200},
      {"", 200},          {"\"abc", 200}};
  for (const auto& [value, status] : cases) {
    const Response response = ask({{"if-none-match", value}, {"range", "bytes=1-2"}, {"if-range", "\"zz\""}});
    EXPECT_EQ(status, response.status) << value;
    EXPECT_EQ("\"abc\"", find_header(response.headers, "etag"));
    EXPECT_EQ("c0ffee", find_header(response.headers, "x-repo-commit"));
    if (status == 304) {
      EXPECT_EQ("", response.body + response.content_type);
    }
  }
  EXPECT_EQ(304, ask({{"if-none-match", "\"x\""}, {"if-none-match", "\"abc\""}}, Method::kHead).status);
  EXPECT_FALSE(lists_etag("\"a\",\"b\"", ",")) << "a comma between two is none of them";
  etag_ = "";
  EXPECT_EQ(200, ask({{"if-none-match", "*"}}).status) << "a file without an etag is always sent";
}

TEST(OpenFile, IsAFileAndStaysOpen) {
  const fs::path path = fs::temp_directory_path() / ("maru_open_" + std::to_string(::getpid()));
  EXPECT_THROW(OpenFile{path}, Failure);
  EXPECT_THROW(OpenFile{fs::temp_directory_path()}, Failure);
  EXPECT_THROW(OpenFile{"/dev/null"}, Failure);
  write_file(path, "before");
  const OpenFile file(path);
  fs::remove(path);
  write_file(path, "after");
  std::string bytes(4, ' ');
  file.read(2, bytes);
  EXPECT_EQ("fore", bytes);
  EXPECT_EQ(6u, file.size());
  try {
    file.read(3, bytes);
    FAIL() << "more than there is";
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kDataLoss, failure.code());
    EXPECT_EQ(std::string::npos, std::string(failure.what()).find("maru_open")) << "clients need no paths";
  }
  fs::remove(path);
}

}  // namespace
}  // namespace maru::http
