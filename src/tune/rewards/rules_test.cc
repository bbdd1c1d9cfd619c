#include "tune/rewards/rules.h"

#include <gtest/gtest.h>

#include <chrono>

#include "models/answer_forms.h"
#include "tune/rewards/tool_call.h"

namespace maru::tune {
namespace {

TEST(Rules, ExactIsWithoutTheSpaceAround) {
  EXPECT_EQ(1, exact_reward(" 서울\n", "서울"));
  EXPECT_EQ(0, exact_reward("서울 시", "서울시"));
  EXPECT_EQ(1, exact_reward("", " \n"));
  EXPECT_EQ(0, exact_reward("서울", "서"));
}

TEST(Rules, TheLastNumberIsReadAsPeopleWriteIt) {
  const std::pair<const char*, double> cases[] = {
      {"12 + 30 = 42", 42},
      {"#### 1,234,567", 1234567},
      {"x = -3.5.", -3.5},
      {"3-5", 5},
      {"about 1e6", 1e6},
      {"2.5E-3 m", 2.5e-3},
      {"1,23", 23},
      {"in 2024, 7", 7},
      {"$1,000.50", 1000.5},
      {"답은 72입니다", 72},
      {"-0", 0},
      {"5,1234", 1234},
      {"the answer is 18%.", 18},
      {"(4)-2", 2},
      {"- 7", 7},
      {"10.", 10},
      {"9e", 9},
      {"1,000,00", 0},
  };
  for (const auto& [text, number] : cases) {
    ASSERT_TRUE(last_number(text)) << text;
    EXPECT_DOUBLE_EQ(number, *last_number(text)) << text;
  }
  for (const char* text : {"", "none", "abc123", "x1", "١٢"}) EXPECT_FALSE(last_number(text)) << text;
  EXPECT_FALSE(last_number("1e999999"));  // beyond any number
  EXPECT_EQ(1, number_reward("so it is 0.30000000000000004", 0.3));
  EXPECT_EQ(0, number_reward("0.3001", 0.3));
  EXPECT_EQ(0, number_reward("no number", 0));
  EXPECT_EQ(1, number_reward("0.0", 0));
}

TEST(Rules, LettersOfAScriptAreCounted) {
  const text::LetterTable letters;
  const text::Script hangul = text::script_of_name("Hang");
  EXPECT_EQ(1, language_reward(letters, "안녕하세요, 123!", hangul));
  EXPECT_EQ(0.5, language_reward(letters, "가나ab", hangul));
  EXPECT_EQ(0, language_reward(letters, "hello", hangul));
  EXPECT_EQ(0, language_reward(letters, "123 !?", hangul));
  EXPECT_EQ(0, language_reward(letters, "", hangul));
  EXPECT_EQ(1, language_reward(letters, "가\xff\xed\x95", hangul));  // broken characters are no letters
}

TEST(Rules, LengthsFallWhereTheyAreTooMuch) {
  EXPECT_EQ(1, target_length_reward(10, 10));
  EXPECT_EQ(0.5, target_length_reward(5, 10));
  EXPECT_EQ(0.5, target_length_reward(15, 10));
  EXPECT_EQ(0, target_length_reward(1000, 10));
  EXPECT_EQ(0, target_length_reward(0, 10));
  EXPECT_EQ(1, limit_length_reward(0, 10));
  EXPECT_EQ(1, limit_length_reward(10, 10));
  EXPECT_EQ(0.5, limit_length_reward(15, 10));
  EXPECT_EQ(0, limit_length_reward(21, 10));
}

TEST(Rules, RepetitionCountsRunsThatHaveBeenThere) {
  EXPECT_EQ(0, repetition_reward(std::vector<int32_t>{1, 2, 3, 4}, 2));
  EXPECT_EQ(-0.5, repetition_reward(std::vector<int32_t>{7, 7, 7}, 2));
  EXPECT_EQ(-0.25, repetition_reward(std::vector<int32_t>{1, 2, 3, 1, 2}, 2));
  EXPECT_EQ(0, repetition_reward(std::vector<int32_t>{1, 2}, 3));
  EXPECT_EQ(0, repetition_reward({}, 1));
  EXPECT_NEAR(-1, repetition_reward(std::vector<int32_t>(100000, 5), 64), 2e-5);  // and it takes no minutes
}

TEST(Rules, TagsStandOnceAndInOrder) {
  const std::vector<std::string> tags{"<think>", "</think>", "<answer>", "</answer>"};
  EXPECT_EQ(1, format_reward("<think>a</think><answer>b</answer>", tags));
  EXPECT_EQ(0, format_reward("<answer>b</answer><think>a</think>", tags));
  EXPECT_EQ(0, format_reward("<think>a</think><answer>b", tags));
  EXPECT_EQ(0, format_reward("<think><think>a</think><answer>b</answer>", tags));
  EXPECT_EQ(0, format_reward("", tags));
}

TEST(Rules, CallsOfToolsAreOfToolsThatAreThere) {
  const text::AnswerForms forms{.calls = find_call_form("hermes", "test")};
  const Json tools = parse_json(R"([{"type":"function","function":{"name":"weather","parameters":{}}}])", "t").value();
  const auto call = [](const std::string& inner) { return "<tool_call>" + inner + "</tool_call>"; };
  EXPECT_EQ(1, tool_call_reward(call(R"({"name":"weather","arguments":{"city":"서울"}})"), forms, tools));
  EXPECT_EQ(0, tool_call_reward(call(R"({"name":"news","arguments":{}})"), forms, tools));
  EXPECT_EQ(1, tool_call_reward(call(R"({"name":"news","arguments":{}})"), forms, Json()));
  EXPECT_EQ(0, tool_call_reward("It rains in Seoul.", forms, tools));
  EXPECT_EQ(0, tool_call_reward("<tool_call>{\"name\":\"weather\",\"arguments\":{\"city\":", forms, tools));
  EXPECT_EQ(0, tool_call_reward(call("weather"), forms, tools));
  EXPECT_EQ(0, tool_call_reward("", forms, tools));
}

// A model that has gone astray writes what no answer looks like; judging it takes no minutes.
TEST(Rules, LongAndDegenerateAnswersAreJudgedInTime) {
  const text::LetterTable letters;
  const auto start = std::chrono::steady_clock::now();
  for (const char* piece : {"1", "1,", "1,000,", "-", "1e", "0.", "가", "\xff", "<a>", " "}) {
    std::string text;
    while (text.size() < 200000) text += piece;
    last_number(text);
    exact_reward(text, "1");
    language_reward(letters, text, text::script_of_name("Hang"));
    EXPECT_LE(format_reward(text, std::vector<std::string>{"<a>", "</a>"}), 0);
  }
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(3));
}

}  // namespace
}  // namespace maru::tune
