#include "serving/conversation.h"

#include <gtest/gtest.h>

#include "base/request_failure.h"
#include "infer/fake_model.h"
#include "models/answer_forms.h"

namespace maru::serving {
namespace {

class ConversationTest : public testing::Test {
 protected:
  text::Tokenizer tokenizer_ = infer::byte_tokenizer();
  Json tools_ = Json::array({{{"type", "function"}, {"function", {{"name", "f"}}}}});

  ChatPrompt prompt(Conversation conversation, std::string_view source, text::AnswerForms forms = {}) {
    const auto chat_template = text::ChatTemplate::create(source, {}, "own").value();
    if (conversation.messages.is_null()) conversation.messages = Json::array({{{"role", "user"}, {"content", "hi"}}});
    return chat_prompt(std::move(conversation),
                       {.id = "m", .tokenizer = &tokenizer_, .chat_template = &chat_template, .forms = forms});
  }
  std::string shown(Conversation conversation, std::string_view source, text::AnswerForms forms = {}) {
    return tokenizer_.decode(prompt(std::move(conversation), source, forms).tokens);
  }
  std::string refused_field(Conversation conversation, std::string_view source) {
    try {
      prompt(std::move(conversation), source);
    } catch (const RequestFailure& failure) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, failure.code());
      message_ = failure.what();
      return failure.field();
    }
    return "";
  }
  std::string message_;
  text::AnswerForms hermes_{.calls = find_call_form("hermes", ""), .reasoning = find_reasoning_form("think_tags", "")};
};

TEST_F(ConversationTest, AModelWhoseTemplateKnowsNoToolsIsNotGivenAny) {
  EXPECT_EQ("tools", refused_field({.tools = tools_}, "{{ messages }}"));
  EXPECT_NE(std::string::npos, message_.find("\"m\"")) << message_;
  Conversation none{.tools = tools_};
  none.tool_choice.kind = ToolChoice::Kind::kNone;
  EXPECT_EQ("", refused_field(none, "{{ messages }}"));
  EXPECT_EQ("", refused_field({.tools = Json::array()}, "{{ messages }}"));
  EXPECT_EQ("", refused_field({.tools = tools_}, "{{ tools }}"));
}

TEST_F(ConversationTest, OnlyAnswersToShownToolsAreReadForCalls) {
  const char* source = "{{ tools | length if tools else 'none' }}";
  const ChatPrompt with = prompt({.tools = tools_, .one_call = true}, source, hermes_);
  EXPECT_EQ(hermes_.calls, with.reading.forms.calls);
  EXPECT_TRUE(with.reading.tools->contains("f"));
  EXPECT_TRUE(with.reading.one_call);
  EXPECT_TRUE(with.warnings.empty());
  EXPECT_EQ("1", shown({.tools = tools_}, source, hermes_));
  Conversation none{.tools = tools_};
  none.tool_choice.kind = ToolChoice::Kind::kNone;
  EXPECT_EQ("none", shown(none, source, hermes_));
  EXPECT_EQ(nullptr, prompt(none, source, hermes_).reading.forms.calls);
  EXPECT_EQ(1u, prompt({.tools = tools_}, source).warnings.size()) << "how it calls is not known";
}

TEST_F(ConversationTest, ReasoningIsAskedForInTheTemplatesWords) {
  const char* source = "{{ enable_thinking }}";
  EXPECT_EQ("", [&] {
    try {
      return shown({}, source, hermes_);
    } catch (const RequestFailure&) {
      return std::string();  // undefined writes nothing, and an empty prompt is refused
    }
  }());
  EXPECT_EQ("True", shown({.reasons = true}, source, hermes_));
  EXPECT_EQ("False", shown({.reasons = false}, source, hermes_));
  EXPECT_EQ("True", shown({.variables = {{"enable_thinking", true}}, .reasons = false}, source, hermes_))
      << "the client's own word goes first";
  EXPECT_EQ(1u, prompt({.reasons = false}, "x", hermes_).warnings.size()) << "it cannot do without";
  EXPECT_EQ(1u, prompt({.reasons = true}, "x").warnings.size()) << "it does not reason";
  EXPECT_EQ(0u, prompt({.reasons = false}, "x").warnings.size());
}

TEST_F(ConversationTest, AnAnswerMayBeginInTheMiddleOfReasoning) {
  EXPECT_TRUE(prompt({}, "assistant\n<think>\n", hermes_).reading.in_reasoning);
  EXPECT_FALSE(prompt({}, "assistant\n<think>\n\n</think>\n\n", hermes_).reading.in_reasoning);
  EXPECT_FALSE(prompt({}, "assistant\n<think>\n").reading.in_reasoning);
  const auto continued = [&](const char* content) {
    Conversation conversation{.continue_last = true};
    conversation.messages = Json::array({{{"role", "assistant"}, {"content", content}}});
    return prompt(std::move(conversation), "{{ messages[0].content }}", hermes_).reading.in_reasoning;
  };
  EXPECT_TRUE(continued("<think>\nfirst I"));
  EXPECT_FALSE(continued("<think>\nfirst I</think>then"));
}

TEST_F(ConversationTest, IdsOfCallsFitTheTemplate) {
  Conversation conversation;
  conversation.messages = parse_json(R"([{"role": "assistant", "content": "", "tool_calls": [
      {"id": "call_0123456789", "type": "function", "function": {"name": "f", "arguments": {}}}]},
      {"role": "tool", "tool_call_id": "call_0123456789", "content": "3"}])",
                                     "m")
                              .value();
  const std::string text =
      shown(conversation, "{{ messages[0].tool_calls[0].id }} {{ messages[1].tool_call_id }} {{ messages[1].name }}",
            {.calls = find_call_form("mistral", ""), .reasoning = nullptr});
  ASSERT_EQ(21u, text.size()) << text;
  EXPECT_EQ(text.substr(0, 9), text.substr(10, 9));
  EXPECT_EQ('f', text.back());
}

TEST_F(ConversationTest, EffortIsWhatTheTemplateMakesOfIt) {
  const char* source = "{{ reasoning_effort if reasoning_effort else 'usual' }}";
  EXPECT_EQ("usual", shown({}, source));
  EXPECT_EQ("low", shown({.effort = "low"}, source));
  EXPECT_EQ("own", shown({.variables = {{"reasoning_effort", "own"}}, .effort = "low"}, source));
  EXPECT_EQ((std::vector<std::string>{"reasoning_effort: the model's chat template does not read it"}),
            prompt({.effort = "low"}, "{{ messages }}").warnings);
}

}  // namespace
}  // namespace maru::serving
