#include "api/hub/commit_lines.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/random.h"
#include "base/request_failure.h"

namespace maru::api::hub {
namespace {

using platform::Change;
using testing::HasSubstr;

constexpr const char* kHeader = R"({"key":"header","value":{"summary":"s","description":"d"}})"
                                "\n";

class CommitLinesTest : public testing::Test {
 protected:
  ~CommitLinesTest() override { fs::remove_all(root_); }
  platform::CommitRequest read(std::string_view body, size_t piece = std::string_view::npos) {
    CommitLines lines(blobs_, [this](const std::string& oid) { return blobs_.find(oid); });
    for (size_t i = 0; i < body.size(); i += std::min(piece, body.size()))
      lines.take(body.substr(i, std::min(piece, body.size())));
    lines.finish();
    return std::move(lines).request();
  }
  std::string error_of(std::string_view body, size_t piece = std::string_view::npos) {
    try {
      read(body, piece);
    } catch (const Failure& e) {
      EXPECT_EQ(e.code(), ErrorCode::kInvalidArgument) << e.what();
      return e.what();
    }
    return "no error";
  }
  std::string bytes_of(const Change& change) { return read_file(blobs_.path_of(change.blob.sha256)); }
  size_t files() const { return list_files(root_).size(); }

  const fs::path root_ = fs::temp_directory_path() / ("maru_commit_lines_" + std::to_string(::getpid()));
  platform::BlobStore blobs_{root_};
};

std::string line(const std::string& key, Json value) {
  return Json{{"key", key}, {"value", std::move(value)}}.dump() + "\n";
}
std::string file(const std::string& path, std::string_view bytes) {
  return line("file", {{"content", to_base64(bytes)}, {"path", path}, {"encoding", "base64"}});
}

TEST_F(CommitLinesTest, IsTheSameHoweverItIsCut) {
  Random random(3);
  std::string bytes;
  for (int i = 0; i < 300; ++i) bytes += static_cast<char>(random.below(256));
  const std::string body = std::string(kHeader) + file("가/\"나\" 다.bin", bytes) + "\r\n \n" + file("empty", "") +
                           R"( { "value" : { "path" : "spaced" , "content" : "YS9i" } , "key" : "file" } )" + "\n" +
                           R"({"value":{"x":{"content":["YQ",{"content":"Yg"}]},"content":"\/\/8=","path":"deep"},)" +
                           R"("content":"not this","other":{"content":"nor *this*"},"key":"file"})" + "\n" +
                           line("deletedFile", {{"path", "old"}}) + line("deletedFolder", {{"path", "olds/"}});
  for (size_t piece = 1; piece < 40; ++piece) {
    const platform::CommitRequest request = read(body, piece);
    ASSERT_EQ(request.changes.size(), 6u);
    EXPECT_EQ(request.summary, "s");
    EXPECT_EQ(request.description, "d");
    EXPECT_FALSE(request.parent);
    EXPECT_EQ(request.changes[0].path, "가/\"나\" 다.bin");
    EXPECT_EQ(bytes_of(request.changes[0]), bytes);
    EXPECT_EQ(bytes_of(request.changes[1]), "");
    EXPECT_EQ(bytes_of(request.changes[2]), "a/b");
    EXPECT_EQ(bytes_of(request.changes[3]), "\xff\xff");
    EXPECT_EQ(request.changes[4].kind, Change::Kind::kDelete);
    EXPECT_EQ(request.changes[5].kind, Change::Kind::kDeleteFolder);
    EXPECT_EQ(request.changes[5].path, "olds");
  }
}

TEST_F(CommitLinesTest, LargeFilesAreNamedByTheirHash) {
  platform::BlobWriter writer = blobs_.writer();
  writer.write("abc");
  const std::string oid = writer.commit().sha256;
  for (const Json& size : {Json(3), Json()}) {
    Json value{{"path", "x"}, {"algo", "sha256"}, {"oid", oid}};
    if (!size.is_null()) value["size"] = size;
    EXPECT_EQ(read(kHeader + line("lfsFile", value)).changes.at(0).blob.size, 3u);
  }
  const auto with = [&](const char* field, const Json& other) {
    Json value{{"path", "x"}, {"algo", "sha256"}, {"oid", oid}, {"size", 3}};
    value[field] = other;
    return error_of(kHeader + line("lfsFile", value));
  };
  EXPECT_THAT(with("size", 4), HasSubstr("line 2: value.oid: no 4 bytes with the SHA-256 " + oid + " are here"));
  EXPECT_THAT(with("oid", std::string(64, '0')), HasSubstr("are here: upload them first"));
  EXPECT_THAT(with("oid", "../../etc/passwd"), HasSubstr("value.oid: expected 64 hexadecimal digits"));
  EXPECT_THAT(with("algo", "md5"), HasSubstr("value.algo: expected sha256"));
  EXPECT_THAT(with("size", -1), HasSubstr("value.size"));
}

TEST_F(CommitLinesTest, RefusesByLineAndField) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "the body holds no header"},
      {"\n\n", "the body holds no header"},
      {file("a", "b"), "line 1: expected the key \"header\" first"},
      {std::string(kHeader) + kHeader, "line 2: is a second header"},
      {line("header", {{"description", "d"}}), "line 1: value.summary: is missing"},
      {kHeader + line("file", {{"path", "a"}}), "line 2: value.content: is missing"},
      {kHeader + line("file", {{"path", "a"}, {"content", 5}}), "line 2: value.content: expected"},
      {kHeader + line("file", {{"content", "YQ=="}}), "line 2: value.path: is missing"},
      {kHeader + line("file", {{"content", "YQ=="}, {"path", "a"}, {"encoding", "utf-8"}}), "value.encoding: expected"},
      {kHeader + line("file", {{"content", "YQ="}, {"path", "a"}}), "groups of four"},
      {kHeader + line("file", {{"content", "YQ"}, {"path", "a"}}), "groups of four"},
      {kHeader + line("file", {{"content", "Y*=="}, {"path", "a"}}), "line 2: value.content: expected base64"},
      {kHeader + line("file", {{"content", "YQ==YQ=="}, {"path", "a"}}), "line 2: value.content: expected base64"},
      {kHeader + line("file", {{"content", "YQ\n=="}, {"path", "a"}}), "line 2: value.content: expected base64"},
      {kHeader + line("rename", {{"path", "a"}}), "line 2: key: expected header, file, lfsFile"},
      {kHeader + line("deletedFile", {{"path", "a"}, {"content", "YQ=="}}),
       "only a line with the key \"file\" has one"},
      {std::string(kHeader) + R"({"key":"file","value":{"content":"YQ==","content":"YQ==","path":"a"}})",
       "value.content: stands there twice"},
      {std::string(kHeader) + R"({"key":"file","value":{"content":"YQ)", "ends within value.content"},
      {std::string(kHeader) + "{\"key\":\"file\",\"value\":{\"content\":\"YQ\n==\"}}", "ends within value.content"},
      {std::string(kHeader) + R"({"key":"fi)", "line 2: ends within a text"},
      {std::string(kHeader) + R"({"key":"file")", "line 2"},
      {std::string(kHeader) + "[]\n", "line 2"},
      {std::string(kHeader) + "{} {}\n", "line 2"},
      {std::string(kHeader) + "}}}}{{{{\n", "line 2"},
      {std::string(kHeader) + std::string(100'000, '['), "line 2"},
      {std::string(kHeader) + "\xff\xfe\n", "line 2"},
      {std::string(kHeader) + R"({"key":"file","value":"content"})", "line 2: value: expected an object"}};
  for (const auto& [body, message] : kCases)
    for (const size_t piece : {std::string::npos, size_t{1}, size_t{7}})
      EXPECT_THAT(error_of(body, std::min(piece, body.size() + 1)), HasSubstr(message)) << body.substr(0, 300);
  for (const char* path : {"", "/", "/etc/passwd", "../x", "a/../../x", "a//b", ".git/config", "a\\b", ".", "a/./b"})
    EXPECT_THAT(error_of(kHeader + file(path, "x")), HasSubstr("line 2: value.path: ")) << path;
  EXPECT_THAT(error_of(std::string(kHeader) + R"({"key":"file","value":{"content":"","path":"a\u0000b"}})"),
              HasSubstr("value.path: "));
}

TEST_F(CommitLinesTest, WhatIsCutAnywhereLeavesNothingHalf) {
  const std::string body = kHeader + file("a", "some bytes") + file("b", "more");
  for (size_t end = 0; end < body.size(); ++end) {
    CommitLines lines(blobs_, [this](const std::string& oid) { return blobs_.find(oid); });
    lines.take(std::string_view(body).substr(0, end));  // and its client is gone
  }
  EXPECT_TRUE(fs::is_empty(root_ / "incoming"));
  EXPECT_LE(files(), 2u) << "whole blobs only, by their hashes";
}

TEST_F(CommitLinesTest, NoLineAndNoCommitTakesAllMemory) {
  EXPECT_THAT(error_of(std::string(CommitLines::kLineBytes + 1, ' ')), HasSubstr("line 1: is longer than"));
  EXPECT_THAT(error_of("{\"key\":\"" + std::string(CommitLines::kLineBytes, 'x')), HasSubstr("line 1: is longer than"));
  std::string body = kHeader;
  const std::string one = line("deletedFile", {{"path", std::string(200, 'p')}});
  while (body.size() <= CommitLines::kTextBytes + (1 << 20)) body += one;
  EXPECT_THAT(error_of(body, 1 << 20), HasSubstr("the lines of one commit"));
  std::string many = kHeader;
  for (size_t i = 0; i <= CommitLines::kOperations; ++i) many += line("deletedFile", {{"path", "p"}});
  EXPECT_THAT(error_of(many, 1 << 20), HasSubstr("one commit may change 200000 files"));
}

// A file as large as its line: the content is never in memory whole.
TEST_F(CommitLinesTest, AFileOfManyMegabytesIsOneLine) {
  CommitLines lines(blobs_, [this](const std::string& oid) { return blobs_.find(oid); });
  lines.take(std::string(kHeader) + R"({"key":"file","value":{"content":")");
  std::string piece;
  for (int i = 0; i < 1 << 16; ++i) piece += "QUJD";
  for (int i = 0; i < 128; ++i) lines.take(piece);
  lines.take(R"(","path":"a"}})");
  lines.finish();
  EXPECT_EQ(lines.received_bytes(), int64_t{128} * 3 * (1 << 16));
  const platform::CommitRequest request = std::move(lines).request();
  EXPECT_EQ(request.changes.at(0).blob.size, uint64_t{128} * 3 * (1 << 16));
}

}  // namespace
}  // namespace maru::api::hub
