#include <gmock/gmock.h>

#include "base/json.h"

namespace maru {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

std::string read(std::string_view text) {
  const Result<Json> json = parse_yaml(text, "r.yaml");
  return json.ok() ? json.value().dump() : json.error().message;
}

std::string repeat(std::string_view unit, size_t count) {
  std::string text;
  for (size_t i = 0; i < count; ++i) text += unit;
  return text;
}

TEST(Yaml, ScalarsHaveTheTypesTheyLookLike) {
  EXPECT_EQ(R"({"a":1,"b":1.5,"c":0.001,"d":true,"e":null,"f":"1","g":"text","h":"1.2.3","i":"","j":"nan"})",
            read("{a: 1, b: 1.5, c: 1e-3, d: true, e: null, f: '1', g: text, h: 1.2.3, i: '', j: nan}"));
}

TEST(Yaml, ErrorsNameTheLine) {
  EXPECT_THAT(read("a: 1\nb: [1, 2\n"), StartsWith("r.yaml:"));
  EXPECT_THAT(read("a: 1\na: 2\n"), StartsWith("r.yaml:2: key \"a\" appears twice"));
}

TEST(Yaml, ReadsWhatPeopleWrite) {
  const std::pair<std::string, const char*> kCases[] = {
      {"", "null"},
      {"# nothing\n", "null"},
      {"---\na: 1\n...\n", R"({"a":1})"},
      {"a: 1\n---\n", R"({"a":1})"},
      {"\xEF\xBB\xBF"
       "a: 1\n",
       R"({"a":1})"},
      {"a: 1\r\nb: 2\r\n", R"({"a":1,"b":2})"},
      {std::string("\xFF\xFE"
                   "a\0:\0 \0\x00\xAC\n\0",
                   12),
       R"({"a":"가"})"},
      {std::string("\xFE\xFF\0a\0:\0 \xAC\0\0\n", 12), R"({"a":"가"})"},
      {"a: &x [1, 2]\nb: *x\n", R"({"a":[1,2],"b":[1,2]})"},
      {"a: &x {y: &z 1}\nb: [*x, *z]\n", R"({"a":{"y":1},"b":[{"y":1},1]})"},
      {"a: &x k\n*x : 1\n", R"({"a":"k","k":1})"},
      {"&x k: 1\nb: *x\n", R"({"k":1,"b":"k"})"},
      {"a: |\n  [[[\n  [[\nb: 1\n", R"({"a":"[[[\n[[\n","b":1})"},
      {"a: \"[\\t\"\n", R"({"a":"[\t"})"},
      {"- - 1\n  - 2\n- []\n", "[[1,2],[]]"},
      {"1: a\ntrue: b\n", R"({"1":"a","true":"b"})"},
      {"a: !!str 1\nb: !!str true\n", R"({"a":"1","b":"true"})"},
      {"a:\nb: ~\n", R"({"a":null,"b":null})"},
      {"\"<<\": 1\n", R"({"<<":1})"},
  };
  for (const auto& [text, json] : kCases) EXPECT_EQ(json, read(text)) << text;
}

TEST(Yaml, RefusesByNameWhatItWouldMisread) {
  const std::pair<std::string, const char*> kCases[] = {
      {"a: &x [*x]\n", "r.yaml:1: an alias inside the value that its anchor names"},
      {"a: &x {b: *x}\n", "an alias inside the value"},
      {"a: &x {b: &y [*x]}\n", "an alias inside the value"},
      {"a: *x\n", "the referenced anchor is not defined"},
      {"x: &x {a: 1}\ny:\n  <<: *x\n", "r.yaml:3: merge keys (<<) are not read; write the keys out"},
      {"a: 1\n---\nb: 2\n", "expected one document, got more text after its end"},
      {"[1] [2]\n", "expected one document"},
      {",", "expected one document"},
      {repeat("[],", 1000), "expected one document"},
      {"a: 1\n--- b\n", "expected one document"},
      {"? [a, b]\n: 1\n", "a key must be text, got a list or a map"},
      {"{a: 1}: 1\n", "a key must be text"},
      {"~: 1\n", "a key must be text, got null; quote it"},
      {"b: &x [1]\n*x : 1\n", "a key must be text, got [1]"},
      {"b: &x 1\n*x : 1\n", "a key must be text, got 1"},
      {"a:\n\tb: 1\n", "r.yaml:2:"},
      {"a: 1\nb: \xC0\xAF\n", "r.yaml:2: expected UTF-8 text, got other bytes"},
      {"a: \xB0\xA1\n", "expected UTF-8 text"},          // EUC-KR
      {"a: \xED\xA0\x80\n", "expected UTF-8 text"},      // a surrogate
      {"a: \xF4\x90\x80\x80\n", "expected UTF-8 text"},  // above U+10FFFF
      {"a: \xE0\x80\x80\n", "expected UTF-8 text"},      // overlong
      {"a: \xEA\xB0", "expected UTF-8 text"},            // cut
      {"a: 1\n\x04"
       "b: 2\n",
       "r.yaml:2: expected text, got the control character 4"},
      {std::string("a: 1\0b", 6), "got the control character 0"},
      {std::string("\xFF\xFE"
                   "a\0\x04\0",
                   6),
       "got the control character 4"},
      {std::string("\xFF\xFE\0\0a\0\0\0", 8), "got the control character 0"},
      {repeat("[", 1 << 20), "nested more than 256 levels deep"},
      {repeat("{\n", 1 << 20), "r.yaml:257: nested more than 256 levels deep"},
      {repeat("[a, ", 300) + repeat("]", 300), "nested more than 256 levels deep"},
      {repeat("- ", 1 << 20), "nested more than 256 levels deep"},
      {repeat("? ", 1 << 20), "a key must be text"},
      {"a: [\"\\q", "r.yaml:1:8: unknown escape character"},
  };
  for (const auto& [text, error] : kCases) {
    const std::string got = read(text);
    EXPECT_THAT(got, HasSubstr(error)) << text.substr(0, 99);
    EXPECT_LT(got.size(), 400);
  }
}

/// Each line of the file stands for ten of the line before.
TEST(Yaml, AliasesAreBoundedByWhatTheyStandFor) {
  std::string values = "a0: &a0 [x]\n", text = "a0: &a0 \"" + std::string(100'000, 'x') + "\"\n",
              deep = "a0: &a0 [x]\n";
  for (int i = 1; i < 300; ++i) {
    const std::string name = "a" + std::to_string(i), before = "*a" + std::to_string(i - 1);
    const std::string head = name + ": &" + name + " [";
    if (i < 12) values += head + repeat(before + ", ", 10) + "]\n";
    if (i < 12) text += head + repeat(before + ", ", 10) + "]\n";
    deep += head + before + "]\n";
  }
  EXPECT_EQ("r.yaml:7: holds more than 1000000 values, aliases replaced", read(values));
  EXPECT_EQ("r.yaml:4: holds more than 64 MiB of text, aliases replaced", read(text));
  EXPECT_THAT(read(deep), HasSubstr("nested more than 256 levels deep"));
}

}  // namespace
}  // namespace maru
