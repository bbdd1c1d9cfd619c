#include "base/random.h"
#include "text/chat/answer/test_answer.h"

namespace maru::text {
namespace {

constexpr std::string_view kTag[] = {"<tool_call>"}, kEndTag[] = {"</tool_call>"};
constexpr std::string_view kNamedMark[] = {"[TOOL_CALLS]"};
constexpr std::string_view kPython[] = {"<|python_tag|>"};
constexpr std::string_view kRole[] = {"<|im_end|>\n<|im_start|>assistant -> tool/function_call\n",
                                      " -> tool/function_call\n"};
constexpr std::string_view kRoleEnd[] = {"<|im_end|>"};
const CallForm kTagged{.name = "tagged", .signs = {}, .begins = kTag, .ends = kEndTag};
const CallForm kNamedForm{.name = "named", .signs = {}, .syntax = CallSyntax::kNamed, .begins = kNamedMark};
const CallForm kBare{.name = "bare", .signs = {}, .begins = kPython, .bare = true};
const CallForm kRoles{.name = "roles", .signs = {}, .begins = kRole, .ends = kRoleEnd};
const ReasoningForm kThink{.name = "thought", .signs = {}, .begin = "<think>", .end = "</think>"};
const ReasoningForm kTurns{.name = "turns",
                           .signs = {},
                           .begin = "/think\n",
                           .end = "<|im_end|>\n<|im_start|>assistant",
                           .turn_part = "<|im_end|>"};

AnswerReading reading(const CallForm* calls, const ReasoningForm* reasoning = nullptr, bool in_reasoning = false) {
  return {.forms = {.calls = calls, .reasoning = reasoning},
          .in_reasoning = in_reasoning,
          .tools = tools_named({"weather", "time"})};
}

using Calls = std::vector<ParsedCall>;
const std::string kWeather = R"({"city": "서울"})";
const ParsedCall kAsked{"weather", R"({"city": "서울"})", true};

TEST(AnswerParser, WithoutFormsAllIsText) {
  const std::string text = "  a <tool_call>{\"name\": \"weather\"}</tool_call> <think>b</think>\n\n";
  EXPECT_EQ((ParsedAnswer{.text = text, .order = "t"}), parse({}, text));
  EXPECT_EQ(ParsedAnswer{}, parse({}, ""));
}

TEST(AnswerParser, OneCallAlone) {
  EXPECT_EQ((ParsedAnswer{.calls = {kAsked}, .order = "c"}),
            parse(reading(&kTagged),
                  "\n<tool_call>\n{\"name\": \"weather\", \"arguments\": " + kWeather + "}\n</tool_call>\n"));
}

TEST(AnswerParser, ProseBeforeBetweenAndBehindCalls) {
  const std::string call = "<tool_call>{\"name\": \"weather\", \"arguments\": " + kWeather + "}</tool_call>";
  const ParsedAnswer got =
      parse(reading(&kTagged), "Let me see. \n" + call + "\n" + call + "\n\nand then " + call + "done");
  EXPECT_EQ("Let me see.and thendone", got.text);
  EXPECT_EQ("tcctct", got.order);
  EXPECT_EQ((Calls{kAsked, kAsked, kAsked}), got.calls);
}

TEST(AnswerParser, SeveralObjectsInOneTag) {
  for (const char* between : {"", "\n", ", ", ";"}) {
    const std::string one = "{\"name\": \"weather\", \"arguments\": " + kWeather + "}";
    EXPECT_EQ((Calls{kAsked, kAsked}),
              parse(reading(&kTagged), "<tool_call>" + one + between + one + "</tool_call>").calls);
    EXPECT_EQ((ParsedAnswer{.calls = {kAsked, kAsked}, .order = "cc"}),
              parse(reading(&kTagged), "<tool_call>[" + one + between + one + "]</tool_call>"));
  }
}

TEST(AnswerParser, EndTagsAndQuotesInsideOfStrings) {
  const std::string arguments = R"({"city": "a \"b\" </tool_call> <tool_call>{\"name\": 1} \\"})";
  const ParsedAnswer got =
      parse(reading(&kTagged), "<tool_call>{\"name\": \"weather\", \"arguments\": " + arguments + "}</tool_call>");
  EXPECT_EQ((ParsedAnswer{.calls = {{"weather", arguments, true}}, .order = "c"}), got);
}

TEST(AnswerParser, WhatIsNoCallIsText) {
  for (const char* text : {"<tool_call>", "<tool_call", "a <tool_call> is a tag", "<tool_call>[]</tool_call>",
                           "<tool_call>{\"name\": 5}</tool_call>", "<tool_call>{\"arguments\": {}}</tool_call>",
                           "<tool_call>{'name': 'weather'}</tool_call>", "<tool_call>{\"name\": \"\"}</tool_call>",
                           "<tool_call>{\"name\": \"weather\", \"arguments\": [1]}</tool_call>",
                           "<tool_call>weather(city)</tool_call> so", "</tool_call>", "<tool <tool_c"})
    EXPECT_EQ((ParsedAnswer{.text = text, .order = "t"}), parse(reading(&kTagged), text));
}

TEST(AnswerParser, ACallInsideOfWhatWasNoneIsFound) {
  const ParsedAnswer got =
      parse(reading(&kTagged),
            "<tool_call>\n<tool_call>{\"name\": \"weather\", \"arguments\": " + kWeather + "}</tool_call>");
  EXPECT_EQ("<tool_call>", got.text);
  EXPECT_EQ((Calls{kAsked}), got.calls);
}

// A call that is whole, cut in the middle of the tag behind it: the piece of the tag is no text.
TEST(AnswerParser, APieceOfTheEndOfACallIsNoText) {
  const std::string call = "<tool_call>{\"name\": \"weather\", \"arguments\": " + kWeather + "}\n</tool_call";
  for (size_t size = call.size(); call[size - 1] != '}'; --size)
    EXPECT_EQ((ParsedAnswer{.calls = {kAsked}, .order = "c"}), parse(reading(&kTagged), call.substr(0, size))) << size;
  EXPECT_EQ("</tool!", parse(reading(&kTagged), call.substr(0, call.size() - 5) + "!").text);
}

TEST(AnswerParser, ACallThatIsCutOffKeepsWhatItHas) {
  const std::string head = R"(<tool_call>{"name": "weather", "arguments": )";
  for (const std::string arguments : {"{\"city\": \"서", "{\"days\": 12", "{\"city\": \"\\u11", "{}"})
    EXPECT_EQ((Calls{{"weather", arguments, true}}), parse(reading(&kTagged), head + arguments).calls);
  EXPECT_EQ(head, parse(reading(&kTagged), head).text) << "nothing of it was sure";
}

TEST(AnswerParser, ForgottenAndWrongBracesLoseNothing) {
  const std::string head = R"(<tool_call>{"name": "weather", "arguments": )";
  const ParsedAnswer forgotten = parse(reading(&kTagged), head + kWeather + "</tool_call>");
  EXPECT_EQ((ParsedAnswer{.calls = {kAsked}, .order = "c"}), forgotten);
  const ParsedAnswer no_end = parse(reading(&kTagged), head + kWeather + "}");
  EXPECT_EQ((Calls{kAsked}), no_end.calls);
  const ParsedAnswer broken = parse(reading(&kTagged), head + R"({"city": yes}}</tool_call> so)");
  EXPECT_EQ((Calls{{"weather", R"({"city": yes}})", true}}), broken.calls) << "as the model wrote it";
  EXPECT_EQ(" so", broken.text);
}

TEST(AnswerParser, OneCallEndsTheAnswerWhereOnlyOneMayBe) {
  AnswerReading one = reading(&kTagged);
  one.one_call = true;
  const std::string call = "<tool_call>{\"name\": \"weather\", \"arguments\": " + kWeather + "}</tool_call>";
  EXPECT_EQ((ParsedAnswer{.text = "a", .calls = {kAsked}, .order = "tc"}), parse(one, "a" + call + call + "b"));
}

TEST(AnswerParser, NamesBeforeArguments) {
  const Calls two{kAsked, {"time", "{}", true}};
  for (const char* text : {R"([TOOL_CALLS]weather[ARGS]{"city": "서울"}[TOOL_CALLS]time[ARGS]{})",
                           R"([TOOL_CALLS]weather{"city": "서울"}[TOOL_CALLS] time {})",
                           R"([TOOL_CALLS]weather[CALL_ID]abcdefghi[ARGS]{"city": "서울"}[TOOL_CALLS]time[ARGS]{})",
                           R"([TOOL_CALLS][{"name": "weather", "arguments": {"city": "서울"}, "id": "abcdefghi"}, )"
                           R"({"name": "time", "arguments": {}}])",
                           R"([TOOL_CALLS] [{"arguments": {"city": "서울"}, "name": "weather"},{"name": "time"}])"})
    EXPECT_EQ((ParsedAnswer{.calls = two, .order = "cc"}), parse(reading(&kNamedForm), text));
  for (const char* text : {"[TOOL_CALLS]", "[TOOL_CALLS]not a name[ARGS]{}", "[TOOL_CALLS]weather", "[TOOL_C"})
    EXPECT_EQ((ParsedAnswer{.text = text, .order = "t"}), parse(reading(&kNamedForm), text));
}

TEST(AnswerParser, BareObjectsAreCallsOfToolsThereAre) {
  const std::string one = R"({"name": "weather", "parameters": {"city": "서울"}})";
  EXPECT_EQ((ParsedAnswer{.calls = {kAsked}, .order = "c"}), parse(reading(&kBare), one));
  EXPECT_EQ((Calls{kAsked, kAsked}), parse(reading(&kBare), one + "; " + one).calls);
  EXPECT_EQ((Calls{kAsked}), parse(reading(&kBare), "\n\n<|python_tag|>" + one).calls);
  EXPECT_EQ(
      (Calls{kAsked}),
      parse(reading(&kBare), R"({"type": "function", "function": {"name": "weather", "parameters": {"city": "서울"}}})")
          .calls);
  for (const char* text :
       {R"({"name": "Kim", "parameters": {}})", R"({"title": "x", "name": "weather"})", "{", "[1] says",
        R"(It is {"name": "weather", "parameters": {}})", "<|python_tag|>weather.call(city=\"x\")"})
    EXPECT_EQ((ParsedAnswer{.text = text, .order = "t"}), parse(reading(&kBare), text));
}

TEST(AnswerParser, ReasoningIsSplitOff) {
  const ParsedAnswer want{.text = "Answer\n", .reasoning = "Hm.\n\nWell", .order = "rt"};
  EXPECT_EQ(want, parse(reading(nullptr, &kThink), "<think>\nHm.\n\nWell\n</think>\n\nAnswer\n"));
  EXPECT_EQ(want, parse(reading(nullptr, &kThink, true), "\nHm.\n\nWell\n</think>\n\nAnswer\n"));
  EXPECT_EQ(want, parse(reading(nullptr, &kThink, true), "<think>\nHm.\n\nWell\n</think>\n\nAnswer\n"));
  EXPECT_EQ((ParsedAnswer{.reasoning = "Hm. <thin", .order = "r"}),
            parse(reading(nullptr, &kThink, true), "Hm. <thin"));
  EXPECT_EQ((ParsedAnswer{.text = "a <think>b</think>", .order = "t"}),
            parse(reading(nullptr, &kThink), "a <think>b</think>"));
  EXPECT_EQ((ParsedAnswer{.text = "x", .order = "t"}), parse(reading(nullptr, &kThink), "<think>\n\n</think>\n\nx"));
}

TEST(AnswerParser, CallsBehindAndInsideOfReasoning) {
  const std::string call = "<tool_call>{\"name\": \"weather\", \"arguments\": " + kWeather + "}</tool_call>";
  const ParsedAnswer want{.reasoning = "I ask.", .calls = {kAsked}, .order = "rc"};
  EXPECT_EQ(want, parse(reading(&kTagged, &kThink), "<think>\nI ask.\n</think>\n\n" + call));
  EXPECT_EQ(want, parse(reading(&kTagged, &kThink, true), "I ask.\n" + call)) << "the end was forgotten";
  EXPECT_EQ(want, parse(reading(&kTagged, &kThink), "<think>I ask.\n" + call + "\n</think>\n")) << "or comes behind it";
  const std::string draft = "a <tool_call>{\"name\": \"other\", \"arguments\": {}}</tool_call> b";
  EXPECT_EQ(draft, parse(reading(&kTagged, &kThink, true), draft).reasoning) << "no tool of that name";
}

TEST(AnswerParser, ReasoningAndCallsAsTurns) {
  const AnswerReading turns = reading(&kRoles, &kTurns);
  const std::string calls = R"([{"name": "weather", "arguments": {"city": "서울"}}])";
  EXPECT_EQ((ParsedAnswer{.text = "네", .order = "t"}), parse(turns, "\n네<|im_end|>"));
  EXPECT_EQ((ParsedAnswer{.text = "네", .reasoning = "음", .order = "rt"}),
            parse(turns, "/think\n음<|im_end|>\n<|im_start|>assistant\n네<|im_end|>"));
  EXPECT_EQ((ParsedAnswer{.reasoning = "음", .calls = {kAsked}, .order = "rc"}),
            parse(turns, "/think\n음<|im_end|>\n<|im_start|>assistant -> tool/function_call\n" + calls + "<|im_end|>"));
  EXPECT_EQ((ParsedAnswer{.calls = {kAsked}, .order = "c"}), parse(turns, " -> tool/function_call\n" + calls));
  EXPECT_EQ((ParsedAnswer{.text = "잠시", .calls = {kAsked}, .order = "tc"}),
            parse(turns, "\n잠시<|im_end|>\n<|im_start|>assistant -> tool/function_call\n" + calls + "<|im_end|>"));
  EXPECT_EQ("음", parse(reading(&kRoles, &kTurns, true), "음").reasoning) << "cut off in the middle";
}

TEST(AnswerParser, BytesThatAreNoCharacterPass) {
  const ParsedAnswer got =
      parse(reading(&kTagged), "\xEA\xB0<tool_call>{\"name\": \"weather\", \"arguments\": {\"a\": \"\xED\x95\"}}\xFF");
  EXPECT_EQ("\xEA\xB0\xFF", got.text);
  EXPECT_EQ("{\"a\": \"\xED\x95\"}", got.calls.at(0).arguments);
}

// What nobody thought of: marks, pieces of calls and text in any order come out the same however they are cut, and
// what is not called or thought is said.
TEST(AnswerParser, AnythingIsTheSameHoweverItIsCut) {
  const std::vector<std::string> parts{"<tool_call>",
                                       "</tool_call>",
                                       "<think>",
                                       "</think>",
                                       "[TOOL_CALLS]",
                                       "[ARGS]",
                                       "<|python_tag|>",
                                       "<function=weather>",
                                       "</function>",
                                       "<parameter=city>",
                                       "</parameter>",
                                       "/think\n",
                                       "<|im_end|>",
                                       "\n<|im_start|>assistant",
                                       " -> tool/function_call\n",
                                       "{",
                                       "}",
                                       "[",
                                       "]",
                                       "\"name\": ",
                                       "\"weather\"",
                                       "\"arguments\": ",
                                       "{\"a\": 1}",
                                       ", ",
                                       ": ",
                                       "\"",
                                       "\\",
                                       "12",
                                       "tru",
                                       "e",
                                       "서울",
                                       " ",
                                       "\n",
                                       "{\"name\": \"time\", \"arguments\": {}}",
                                       "weather",
                                       "<tool",
                                       "\xEA"};
  const CallForm tags{.name = "tags", .signs = {}, .syntax = CallSyntax::kTags, .begins = kTag, .ends = kEndTag};
  uint64_t state = 7;
  const auto draw = [&](size_t below) { return static_cast<size_t>((state = mix64(state)) % below); };
  size_t called = 0;
  for (const CallForm* calls : {&kTagged, &kNamedForm, &kBare, &kRoles, &tags})
    for (const ReasoningForm* reasoning : std::initializer_list<const ReasoningForm*>{nullptr, &kThink, &kTurns})
      for (int i = 0; i < 150; ++i) {
        std::string text = draw(2) == 0 ? std::string(calls->begins[0]) : "";
        for (size_t n = draw(14); n > 0; --n) text += parts[draw(parts.size())];
        called += parse(reading(calls, reasoning, draw(3) == 0), text).calls.size();
      }
  EXPECT_GT(called, 30u);
}

TEST(AnswerParser, OpenMarksInPrompts) {
  EXPECT_TRUE(opens_reasoning(kThink, "<|im_start|>assistant\n<think>\n", false));
  EXPECT_FALSE(opens_reasoning(kThink, "<|im_start|>assistant\n<think>\n\n</think>\n\n", false));
  EXPECT_FALSE(opens_reasoning(kThink, "what is <think> for<|im_end|>\n<|im_start|>assistant\n", false));
  EXPECT_TRUE(opens_reasoning(kTurns, "<|im_start|>assistant/think\n", false));
  EXPECT_TRUE(opens_reasoning(kThink, "<think>\nAs far as", true));
  EXPECT_FALSE(opens_reasoning(kThink, "<think>\nHm</think> As far as", true));
  EXPECT_FALSE(opens_reasoning(kThink, "", true));
}

}  // namespace
}  // namespace maru::text
