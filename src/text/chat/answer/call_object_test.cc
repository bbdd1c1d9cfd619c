#include "text/chat/answer/call_object.h"

#include <gtest/gtest.h>

namespace maru::text {
namespace {

struct Heard : CallSink {
  bool begin(const std::string& name) override {
    if (name == "unknown") return false;
    names.push_back(name);
    return true;
  }
  void arguments(std::string_view text) override { pieces.emplace_back(text); }
  std::string all() const {
    std::string text;
    for (const std::string& piece : pieces) text += piece;
    return text;
  }
  std::vector<std::string> names, pieces;
};

CallReader::Step read(std::string_view text, Heard& heard, bool plain = false) {
  CallObject call(heard, plain);
  CallReader::Step step = CallReader::Step::kMore;
  for (size_t i = 0; i < text.size() && step == CallReader::Step::kMore; ++i) step = call.feed(text[i]);
  return step;
}

TEST(CallObject, TakesTheShapesThatModelsWrite) {
  for (const char* text : {R"({"name": "f", "arguments": {"a": 1}})", R"({"name": "f", "parameters": {"a": 1}})",
                           R"({"arguments": {"a": 1}, "name": "f"})", R"({"name": "f", "arguments": "{\"a\": 1}"})",
                           R"({"type": "function", "function": {"name": "f", "arguments": {"a": 1}}, "id": "x"})",
                           R"({"type": "function", "function": "f", "parameters": {"a": 1}})",
                           R"({"id": [1, {"name": 2}], "name": "\u0066", "arguments": {"a": 1}, "more": null})"}) {
    Heard heard;
    EXPECT_EQ(CallReader::Step::kDone, read(text, heard)) << text;
    EXPECT_EQ(std::vector<std::string>{"f"}, heard.names) << text;
    EXPECT_EQ("{\"a\": 1}", heard.all()) << text;
  }
}

TEST(CallObject, NoArgumentsAreAnEmptyObject) {
  for (const char* text :
       {R"({"name": "f"})", R"({"name": "f", "arguments": {}})", R"({"name": "f", "arguments": null})",
        R"({"name": "f", "arguments": ""})", R"({"arguments": {}, "name": "f"})"}) {
    Heard heard;
    EXPECT_EQ(CallReader::Step::kDone, read(text, heard)) << text;
    EXPECT_EQ("{}", heard.all()) << text;
  }
}

TEST(CallObject, GivesArgumentsAsTheyCome) {
  Heard heard;
  EXPECT_EQ(CallReader::Step::kMore, read(R"({"name": "f", "arguments": {"city": "Seo)", heard));
  EXPECT_EQ(R"({"city": "Seo)", heard.all());
  EXPECT_GT(heard.pieces.size(), 5u);
}

TEST(CallObject, FailsOnWhatIsNoCall) {
  for (const char* text : {R"({"name": "f", "arguments": 5})", R"({"name": "f", "arguments": "no object"})",
                           R"({"arguments": {}})", R"({"name": ""})", R"({"name": "f" "b")", R"({"name": "unknown"})",
                           R"({"name": "\ud800"})", "[", R"({"name": tru})"}) {
    Heard heard;
    EXPECT_EQ(CallReader::Step::kFailed, read(text, heard)) << text;
    EXPECT_TRUE(heard.pieces.empty()) << text;
  }
  Heard heard;
  EXPECT_EQ(CallReader::Step::kFailed, read(R"({"title")", heard, true)) << "any JSON";
  EXPECT_EQ(CallReader::Step::kDone, read(R"({"title": 1, "name": "f"})", heard, false));
}

TEST(CallObject, EndsBeforeWhatCannotFollowCompleteArguments) {
  for (const char* text : {R"({"name": "f", "arguments": {}<)", R"({"name": "f", "arguments": {}, <)"}) {
    Heard heard;
    EXPECT_EQ(CallReader::Step::kDoneBefore, read(text, heard)) << text;
  }
}

}  // namespace
}  // namespace maru::text
