#include "text/chat/answer/test_answer.h"

namespace maru::text {
namespace {

constexpr std::string_view kBegins[] = {"<tool_call>"}, kEnds[] = {"</tool_call>"};
const CallForm kForm{.name = "tags", .signs = {}, .syntax = CallSyntax::kTags, .begins = kBegins, .ends = kEnds};

std::vector<ParsedCall> calls_in(const std::string& body) {
  const AnswerReading reading{.forms = {.calls = &kForm, .reasoning = nullptr}, .tools = tools_named({"weather"})};
  return parse(reading, "<tool_call>\n" + body + "\n</tool_call>").calls;
}

std::string arguments_of(const std::string& parameters) {
  const auto calls = calls_in("<function=weather>\n" + parameters + "</function>");
  EXPECT_EQ(1u, calls.size());
  return calls.empty() ? "" : calls[0].arguments;
}

TEST(CallTags, ValuesAreWhatTheSchemaSays) {
  EXPECT_EQ("{}", arguments_of(""));
  EXPECT_EQ(R"({"city": "서울", "days": 3})",
            arguments_of("<parameter=city>\n서울\n</parameter>\n<parameter=days>\n3\n</parameter>\n"));
  EXPECT_EQ(R"({"city": "3", "note": null})",
            arguments_of("<parameter=city>\n3\n</parameter>\n<parameter=note>\nnull\n</parameter>\n"));
  EXPECT_EQ(R"({"note": "nulls", "days": "three"})",
            arguments_of("<parameter=note>nulls</parameter><parameter=days>three</parameter>"));
  EXPECT_EQ(R"({"other": "true"})", arguments_of("<parameter=other>\ntrue\n</parameter>")) << "no schema: text";
}

TEST(CallTags, TextIsEscapedAndKeepsItsLines) {
  const std::string code = "if (a < b && c) {\n\tsay(\"<parameter>\\n\");\n}\n\n</para";
  const Json arguments = parse_json(arguments_of("<parameter=city>\n" + code + "\n</parameter>\n"), "t").value();
  EXPECT_EQ(code, arguments["city"]);
  EXPECT_EQ(R"({"city": ""})", arguments_of("<parameter=city>\n</parameter>"));
  EXPECT_EQ(R"({"city": "\n"})", arguments_of("<parameter=city>\n\n\n</parameter>"));
}

TEST(CallTags, WhatIsNoCallIsNone) {
  for (const char* body : {"<function>weather</function>", "<function=>", "{\"name\": \"weather\"}", "weather"})
    EXPECT_TRUE(calls_in(body).empty()) << body;
}

TEST(CallTags, ACallThatIsCutOffKeepsWhatItHas) {
  const AnswerReading reading{.forms = {.calls = &kForm, .reasoning = nullptr}, .tools = tools_named({"weather"})};
  EXPECT_EQ(R"({"city": "서)", parse(reading, "<tool_call><function=weather><parameter=city>서").calls.at(0).arguments);
  EXPECT_EQ(R"({"days": 3)", parse(reading, "<tool_call><function=weather><parameter=days>3").calls.at(0).arguments);
  EXPECT_EQ("<tool_call><function=wea", parse(reading, "<tool_call><function=wea").text);
}

TEST(CallTags, APieceOfATagIsNoArgument) {
  const AnswerReading reading{.forms = {.calls = &kForm, .reasoning = nullptr}, .tools = tools_named({"weather"})};
  const auto cut_after = [&](const std::string& body) {
    return parse(reading, "<tool_call><function=weather>" + body).calls.at(0).arguments;
  };
  EXPECT_EQ(R"({"city": "서)", cut_after("<parameter=city>서</param"));
  EXPECT_EQ(R"({"days": 3)", cut_after("<parameter=days>3</param"));
  EXPECT_EQ(R"({"city": "서")", cut_after("<parameter=city>서</parameter></func"));
  EXPECT_EQ(R"({"city": "서")", cut_after("<parameter=city>서</parameter>\n<parameter=da"));
}

TEST(CallTags, ForgottenEndTags) {
  EXPECT_EQ(R"({"city": "서울", "days": 3})", arguments_of("<parameter=city>\n서울\n<parameter=days>\n3\n"));
  EXPECT_EQ(R"({"city": "a <parameter=b"})", arguments_of("<parameter=city>a <parameter=b</parameter>"))
      << "within a line it is text";
}

TEST(CallTags, ANameIsOneWord) {
  EXPECT_EQ("{<parameter=\ndays>3</parameter></function>\n", arguments_of("<parameter=\ndays>3</parameter>"))
      << "as the model wrote it";
  EXPECT_TRUE(calls_in("<function=two words>\n</function>").empty());
}

TEST(CallTags, WhatStandsBetweenTagsIsNotLost) {
  EXPECT_EQ(R"({"city": "a"hello</function>)"
            "\n",
            arguments_of("<parameter=city>a</parameter>hello"))
      << "not JSON, and what the model wrote";
}

}  // namespace
}  // namespace maru::text
