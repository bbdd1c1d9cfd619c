// What servers are known to get wrong about calls of tools: each kind of trouble, in the form of the models that it was
// met with, whole, byte by byte and cut in two anywhere.
#include "models/answer_forms.h"
#include "text/chat/answer/test_answer.h"

namespace maru::serving {
namespace {

using text::ParsedAnswer;
using text::ParsedCall;
using Calls = std::vector<ParsedCall>;

text::AnswerReading reading(const char* calls, const char* reasoning = "none", bool in_reasoning = false) {
  return {.forms = {.calls = find_call_form(calls, ""), .reasoning = find_reasoning_form(reasoning, "")},
          .in_reasoning = in_reasoning,
          .tools = text::tools_named({"weather", "time"})};
}

const std::string kOne = R"({"name": "weather", "arguments": {"days": 3}})";
const ParsedCall kWeather{"weather", R"({"days": 3})", true}, kTime{"time", "{}", true};

TEST(AnswerTrouble, SeveralCallsInOnePieceOfAStream) {
  const std::string tags = "<tool_call>" + kOne + "</tool_call>";
  EXPECT_EQ((Calls{kWeather, kWeather, kWeather}), parse(reading("hermes"), tags + tags + tags).calls);
  EXPECT_EQ((ParsedAnswer{.text = "Sure, let me check.", .calls = {kWeather}, .order = "tc"}),
            parse(reading("hermes"), "Sure, let me check." + tags));
}

TEST(AnswerTrouble, CallsWithoutArgumentsAndWhatFollowsThem) {
  for (const char* empty : {R"({"name": "time"})", R"({"name": "time", "arguments": {}})",
                            R"({"name": "time", "arguments": null})", R"({"name": "time", "arguments": ""})"}) {
    EXPECT_EQ((Calls{kTime, kWeather}),
              parse(reading("hermes"),
                    "<tool_call>\n" + std::string(empty) + "\n</tool_call>\n<tool_call>" + kOne + "</tool_call>")
                  .calls);
    EXPECT_EQ((Calls{kTime, kWeather}),
              parse(reading("mistral"), "[TOOL_CALLS][" + std::string(empty) + ", " + kOne + "]").calls);
    EXPECT_EQ((Calls{kTime, kWeather}), parse(reading("llama3_json"), std::string(empty) + "; " + kOne).calls);
  }
}

TEST(AnswerTrouble, ACallInTheMiddleOfReasoning) {
  const std::string call =
      "<tool_call>\n<function=weather>\n<parameter=days>\n3\n</parameter>\n</function>\n</tool_call>";
  const ParsedAnswer want{.reasoning = "I ask.", .calls = {kWeather}, .order = "rc"};
  EXPECT_EQ(want, parse(reading("qwen3_coder", "think_tags", true), "I ask.\n" + call + "\n</think>\n\n"));
  EXPECT_EQ(want, parse(reading("qwen3_coder", "think_tags"), "<think>\nI ask.\n" + call));
}

TEST(AnswerTrouble, NoEmptyTextBetweenReasoningAndCalls) {
  EXPECT_EQ(
      (ParsedAnswer{.reasoning = "hm", .calls = {kWeather}, .order = "rc"}),
      parse(reading("hermes", "think_tags", true), "hm\n</think>\n\n<tool_call>\n" + kOne + "\n</tool_call>\n\n"));
}

TEST(AnswerTrouble, ArgumentsThatAreCalledNameOrHoldCalls) {
  for (const char* arguments :
       {R"({"name": "home", "arguments": {"name": "time"}})", R"({"function": {"name": "time"}})",
        R"({"deep": {"er": {"est": [{}, {"a": {}}]}}})", R"({"a": "{\"name\": \"time\"}"})"}) {
    const Calls want{{"weather", arguments, true}};
    const std::string object = R"({"name": "weather", "parameters": )" + std::string(arguments) + "}";
    EXPECT_EQ(want, parse(reading("llama3_json"), object).calls);
    EXPECT_EQ(want, parse(reading("hermes"), "<tool_call>" + object + "</tool_call>").calls);
  }
}

TEST(AnswerTrouble, NumbersThatAreCutInTwo) {
  EXPECT_EQ((Calls{{"weather", R"({"days": 1234567, "x": -1.5e10})", true}}),
            parse(reading("mistral"), R"([TOOL_CALLS]weather[ARGS]{"days": 1234567, "x": -1.5e10})").calls);
}

TEST(AnswerTrouble, ObjectsThatSayTheyAreFunctions) {
  for (const char* said : {R"({"type": "function", "name": "weather", "parameters": {"days": 3}})",
                           R"({"type": "function", "function": {"name": "weather", "parameters": {"days": 3}}})",
                           R"([{"name": "weather", "arguments": {"days": 3}}])"})
    EXPECT_EQ((Calls{kWeather}), parse(reading("llama3_json"), said).calls) << said;
}

TEST(AnswerTrouble, AnAnswerInJsonIsNoCall) {
  for (const char* said : {R"({"name": "Kim", "age": 3})", R"({"name": "weather report", "parameters": {}})",
                           R"([1, 2])", R"({"parameters": {"days": 3}})"})
    EXPECT_EQ((ParsedAnswer{.text = said, .order = "t"}), parse(reading("llama3_json"), said));
}

TEST(AnswerTrouble, AForgottenEndOfTheTag) {
  EXPECT_EQ((Calls{kWeather}), parse(reading("hermes"), "<tool_call>\n" + kOne).calls);
  EXPECT_EQ((Calls{kWeather, kWeather}),
            parse(reading("hermes"), "<tool_call>\n" + kOne + "\n<tool_call>\n" + kOne).calls);
}

TEST(AnswerTrouble, BackslashesInCode) {
  const std::string arguments = R"({"city": "C:\\new\\dir ^\\d+\\.\"$ \u00e9 \\\\"})";
  EXPECT_EQ((Calls{{"weather", arguments, true}}),
            parse(reading("hermes"), "<tool_call>{\"name\": \"weather\", \"arguments\": " + arguments + "}</tool_call>")
                .calls);
  const Calls tags = parse(reading("qwen3_coder"),
                           "<tool_call>\n<function=weather>\n<parameter=city>\nC:\\new ^\\d+\\.\"$\n"
                           "</parameter>\n</function>\n</tool_call>")
                         .calls;
  EXPECT_EQ("C:\\new ^\\d+\\.\"$", parse_json(tags.at(0).arguments, "arguments").value()["city"]);
}

TEST(AnswerTrouble, ValuesThatAreNotWhatTheSchemaSays) {
  const Calls got = parse(reading("qwen3_coder"),
                          "<tool_call>\n<function=weather>\n<parameter=days>\n2026-01-15\n</parameter>\n"
                          "<parameter=city>\n007\n</parameter>\n</function>\n</tool_call>")
                        .calls;
  EXPECT_EQ((Calls{{"weather", R"({"days": "2026-01-15", "city": "007"})", true}}), got);
}

TEST(AnswerTrouble, LongTextsStreamAsTheyCome) {
  for (const auto& [form, head] : {std::pair("qwen3_coder", "<tool_call>\n<function=weather>\n<parameter=city>\n"),
                                   std::pair("hermes", R"(<tool_call>{"name": "weather", "arguments": {"city": ")")}) {
    text::AnswerParser parser(reading(form), [] { return "id"; });
    std::vector<text::AnswerEvent> events;
    parser.push(head, events);
    for (int i = 0; i < 50; ++i) {
      events.clear();
      parser.push("line of code;", events);
      ASSERT_EQ(1u, events.size()) << form;
      EXPECT_EQ("line of code;", events[0].text);
    }
  }
}

}  // namespace
}  // namespace maru::serving
