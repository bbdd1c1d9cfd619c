#include "tune/rewards/reward.h"

#include <gtest/gtest.h>

#include "infer/fake_model.h"

namespace maru::tune {
namespace {

using train::RewardConfig;

class RewardTest : public testing::Test {
 protected:
  RewardConfig config(const char* json) { return from_json<RewardConfig>(parse_json(json, "r").value(), "r"); }
  std::string error_of(const char* json) {
    try {
      make_reward(config(json), {tokenizer_});
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  Score score(const char* json, const Json& line, std::string_view text) {
    const JudgedAnswer answer{.line = &line, .where = "p.jsonl:7", .text = text};
    return make_reward(config(json), {tokenizer_})->score(std::span(&answer, 1)).at(0);
  }
  std::string score_error_of(const char* json, const Json& line, std::string_view text) {
    try {
      score(json, line, text);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
};

TEST_F(RewardTest, SettingsAreOfTheirKind) {
  const std::string at = "recipe: group_policy.rewards: ";
  EXPECT_EQ("no error", error_of(R"({"kind": "exact"})"));
  EXPECT_EQ(at + "exact: pattern is no setting of kind exact", error_of(R"({"kind": "exact", "pattern": "a"})"));
  EXPECT_EQ(at + "regex: pattern is missing", error_of(R"({"kind": "regex"})"));
  EXPECT_EQ(at + "r: pattern: missing ): (a", error_of(R"({"kind": "regex", "name": "r", "pattern": "(a"})"));
  EXPECT_EQ(at + "json_schema: schema is missing", error_of(R"({"kind": "json_schema"})"));
  EXPECT_NE(std::string::npos,
            error_of(R"({"kind": "json_schema", "schema": {"type": "x"}})").find(at + "json_schema: schema"));
  EXPECT_EQ(at + "language: script: expected an ISO 15924 code such as Hang, Thai or Latn, got Xyz",
            error_of(R"({"kind": "language", "script": "Xyz"})"));
  EXPECT_EQ(at + "length: expected one of target and limit", error_of(R"({"kind": "length"})"));
  EXPECT_EQ(at + "length: expected one of target and limit",
            error_of(R"({"kind": "length", "target": 2, "limit": 2})"));
  EXPECT_EQ(at + "format: tags: expected at least one", error_of(R"({"kind": "format"})"));
  EXPECT_EQ(at + "format: tags: one of them is empty", error_of(R"({"kind": "format", "tags": [""]})"));
  EXPECT_EQ(at + "process: command: expected a program", error_of(R"({"kind": "process"})"));
  EXPECT_EQ(at + "tool_call: the model's chat template teaches no form of calls that is known",
            error_of(R"({"kind": "tool_call"})"));
  EXPECT_THROW(config(R"({"kind": "magic"})"), Failure);
  EXPECT_THROW(config(R"({"kind": "exact", "colunm": "a"})"), Failure);
  EXPECT_THROW(config(R"({"kind": "repetition", "ngram": 0})"), Failure);
}

TEST_F(RewardTest, AnswersAreComparedWithColumns) {
  const Json line{{"prompt", "?"}, {"answer", "서울"}, {"n", 42}, {"text", "so: 7"}, {"no", nullptr}, {"bad", "none"}};
  EXPECT_EQ(1, score(R"({"kind": "exact"})", line, "서울 "));
  EXPECT_EQ(1, score(R"({"kind": "exact", "column": "n"})", line, "42"));
  EXPECT_EQ(1, score(R"({"kind": "number", "column": "n"})", line, "it is 42."));
  EXPECT_EQ(1, score(R"({"kind": "number", "column": "text"})", line, "7"));
  EXPECT_EQ(0, score(R"({"kind": "number", "column": "text"})", line, "8"));
  EXPECT_EQ(std::nullopt, score(R"({"kind": "exact", "column": "no"})", line, "x"));
  EXPECT_EQ(std::nullopt, score(R"({"kind": "number", "column": "no"})", line, "x"));
  EXPECT_EQ("p.jsonl:7: gone: is missing, expected what reward exact compares with",
            score_error_of(R"({"kind": "exact", "column": "gone"})", line, "x"));
  EXPECT_EQ("p.jsonl:7: bad: expected a number, or a text with one, for reward number",
            score_error_of(R"({"kind": "number", "column": "bad"})", line, "x"));
}

TEST_F(RewardTest, PatternsAndSchemasAreMatched) {
  const Json line{{"prompt", "?"}};
  EXPECT_EQ(1, score(R"({"kind": "regex", "pattern": "[0-9]{2}"})", line, "a 12 b"));
  EXPECT_EQ(0, score(R"({"kind": "regex", "pattern": "^[0-9]{2}$"})", line, "a 12 b"));
  EXPECT_EQ(0, score(R"({"kind": "regex", "pattern": "(a*)*b"})", line, std::string(100000, 'a')));  // in linear time
  const char* schema = R"({"kind": "json_schema", "schema": {"type": "object", "properties": {"a": {"type": "integer"}},
                           "required": ["a"], "additionalProperties": false}})";
  EXPECT_EQ(1, score(schema, line, " {\"a\": 3}\n"));
  EXPECT_EQ(0, score(schema, line, "{\"a\": \"3\"}"));
  EXPECT_EQ(0, score(schema, line, "{\"a\": 3"));
  EXPECT_EQ(0, score(schema, line, "{\"a\": 3} and more"));
  EXPECT_EQ(0, score(schema, line, ""));
  EXPECT_EQ(0, score(schema, line, "\xff"));
  EXPECT_EQ(0, score(schema, line, std::string(100000, '[')));
}

TEST_F(RewardTest, WhatIsNotFiniteIsRefusedByRewardAndLine) {
  const Json line{{"prompt", "?"}};
  const JudgedAnswer answer{.line = &line, .where = "p.jsonl:7", .text = "x"};
  RewardSet set(
      {config(R"({"kind": "exact", "column": "prompt", "name": "fine"})"),
       config(
           R"j({"kind": "process", "command": ["/bin/sh", "-c",
                                 "read -r x; echo 1e308; read -r x; echo 1e999; cat"]})j")},
      {tokenizer_});
  const std::vector<JudgedAnswer> answers{answer, answer};
  try {
    set.score(answers);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_NE(std::string::npos, e.error().message.find("p.jsonl:7")) << e.error().message;
    EXPECT_NE(std::string::npos, e.error().message.find("reward process")) << e.error().message;
  }
}

}  // namespace
}  // namespace maru::tune
