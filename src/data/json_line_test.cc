#include "data/json_line.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace maru::data {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

TEST(JsonLine, TextsAreRead) {
  const std::pair<std::string, std::string> kLines[] = {
      {R"({"text": "글"})", "글"},
      {"\xEF\xBB\xBF{\"text\": \"글\"}", "글"},
      {R"({"id": 1, "text": "", "more": [null, {"text": 3}]})", ""},
      {R"({"text": "a\u0000b\ud83d\ude00"})", "a\0b😀"s},
      {"{\"text\": \"글\"}\r", "글"},
      {"  {\"text\": \"NaN, Infinity\"}  ", "NaN, Infinity"},
  };
  for (const auto& [line, text] : kLines)
    EXPECT_EQ(text, *read_document_line(line, "f:1", "text", 0).value().text) << line;
}

TEST(JsonLine, ErrorsSayWhatWasExpectedAndWhatCame) {
  const std::pair<std::string, const char*> kLines[] = {
      {R"({"text": NaN})", "NaN is not JSON, expected a number or null"},
      {R"({"text": "a", "score": -Infinity})", "Infinity is not JSON"},
      {R"({"text": null})", R"(expected an object with a string "text", got "text" as null)"},
      {R"({"text": 3})", R"(got "text" as number)"},
      {R"({"text": ["a"]})", R"(got "text" as array)"},
      {R"({"body": "a", "id": 3})", "got the fields body, id"},
      {R"({"data": {"text": "a"}})", R"(got the fields data (with a "text" inside))"},
      {R"([{"text": "a"}, {"text": "b"}])", "got an array; each of its elements must stand on a line of its own"},
      {"\"a\"", "got string"},
      {"null", "got null"},
      {"{}", "got no fields"},
      {"{", "a part of a value that takes several lines"},
      {"[", "a part of a value that takes several lines"},
      {"  \"text\": \"a\",", "a part of a value that takes several lines"},
      {"},", "a part of a value that takes several lines"},
      {"{\"text\": [\"a\",", "a part of a value that takes several lines"},
      {"{'text': 'a'}", "f.jsonl:7"},
      {R"({"text": "a"} {"text": "b"})", "f.jsonl:7"},
      {R"({"text": "a)", "f.jsonl:7"},
      {"text", "f.jsonl:7"},
      {"\xFF\xFE{\0"s, "looks like UTF-16, expected JSON Lines in UTF-8"},
      {"{\0\"\0"s, "looks like UTF-16"},
      {"\0\xfe{\0"s, "looks like UTF-16"},
      {R"({"text": "a", "text": "b"})", "\"text\" appears twice"},
  };
  for (const auto& [line, message] : kLines) {
    const auto read = read_document_line(line, "f.jsonl:7", "text", 0.005);
    ASSERT_FALSE(read.ok()) << line;
    EXPECT_THAT(read.error().message, HasSubstr(message)) << line;
    EXPECT_THAT(read.error().message, HasSubstr("f.jsonl:7"));
    EXPECT_EQ(ErrorCode::kInvalidArgument, read.error().code);
  }
}

TEST(JsonLine, BadBytesAreReplacedUpToTheirShare) {
  std::string text(400, 'a');
  const DocumentLine one = read_document_line("{\"text\": \"" + text + "\xff\"}", "f:1", "text", 0.005).value();
  EXPECT_EQ(text + "\uFFFD", *one.text);
  EXPECT_EQ(1, one.replaced);
  EXPECT_FALSE(read_document_line("{\"text\": \"\xff\"}", "f:1", "text", 0.005).value().text);
}

}  // namespace
}  // namespace maru::data
