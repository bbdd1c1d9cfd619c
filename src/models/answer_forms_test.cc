#include "models/answer_forms.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace maru {
namespace {

using Names = std::pair<std::string, std::string>;

Names detected(std::string_view source) {
  const text::AnswerForms forms =
      detect_answer_forms([&](std::string_view sign) { return source.find(sign) != std::string_view::npos; });
  return {forms.calls == nullptr ? "" : std::string(forms.calls->name),
          forms.reasoning == nullptr ? "" : std::string(forms.reasoning->name)};
}

TEST(AnswerForms, TheTemplateSaysWhich) {
  EXPECT_EQ(Names(), detected("{{ messages }}"));
  EXPECT_EQ(Names("hermes", ""), detected("{{ '<tool_call>{\"name\": ' }}"));
  EXPECT_EQ(Names("hermes", "think_tags"), detected("<tool_call> {% if enable_thinking %}<think></think>{% endif %}"));
  EXPECT_EQ(Names("qwen3_coder", ""), detected("<tool_call>\n<function=name>")) << "the one with more signs";
  EXPECT_EQ(Names("llama3_json", ""), detected("'\"parameters\": ' … {% if role == \"ipython\" %}"));
  EXPECT_EQ(Names("", ""), detected("the \"parameters\": of a function"));
  EXPECT_EQ(Names("mistral", ""), detected("[TOOL_CALLS]["));
  EXPECT_EQ(Names("mistral", "mistral"), detected("[TOOL_CALLS]{{ name }}[ARGS] [THINK]"));
  EXPECT_EQ(Names("hyperclovax", "hyperclovax"),
            detected("{% if force_reasoning %}/think assistant -> tool/function_call"));
  EXPECT_EQ(Names("granite", ""), detected("respond with <|tool_call|> followed by a list"));
  EXPECT_EQ(Names("phi4_mini", ""), detected("<|tool_call|>[{{ calls }}]<|/tool_call|>"));
  EXPECT_EQ(Names("", "thought_tags"), detected("[|assistant|]<thought>\n"));
}

TEST(AnswerForms, AreFoundByName) {
  EXPECT_EQ("hermes", find_call_form("hermes", "tool_parser")->name);
  EXPECT_EQ(nullptr, find_call_form("none", "tool_parser"));
  EXPECT_EQ("think_tags", find_reasoning_form("think_tags", "reasoning_parser")->name);
  try {
    find_call_form("hermez", "tool_parser");
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
    EXPECT_TRUE(std::string(failure.what()).starts_with("tool_parser: expected one of auto, none, ")) << failure.what();
  }
}

TEST(AnswerForms, MarksAreWhatAParserLooksFor) {
  const text::AnswerForms forms{.calls = find_call_form("mistral", ""),
                                .reasoning = find_reasoning_form("mistral", "")};
  EXPECT_EQ((std::vector<std::string_view>{"[TOOL_CALLS]", "[ARGS]", "[CALL_ID]", "[THINK]", "[/THINK]"}),
            forms.marks());
}

}  // namespace
}  // namespace maru
