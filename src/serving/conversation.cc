#include "serving/conversation.h"

#include <optional>
#include <utility>

#include "base/request_failure.h"

namespace maru::serving {
namespace {

// The longest chats take some 10 ms. A template that takes this long on a busy machine would keep others waiting.
constexpr double kRenderSeconds = 2;

/// "messages[2].role: …" names its field; anything else the template says is about the messages.
[[noreturn]] void fail_template(const Failure& failure) {
  if (failure.code() == ErrorCode::kDeadline) throw Failure(failure.error());
  const std::string what = failure.what();
  refuse(what, what.starts_with("messages[") ? what.substr(0, what.find(": ")) : "messages");
}

/// The messages with empty text where they have none; nothing when all have some.
std::optional<Json> with_empty_contents(const Json& messages) {
  Json filled = messages;
  bool any = false;
  for (Json& message : filled) {
    if (message.contains("content") && !message["content"].is_null()) continue;
    message["content"] = "";
    any = true;
  }
  return any ? std::optional(std::move(filled)) : std::nullopt;
}

// A template that knows calls of tools asks whether there is content; one that does not just writes it. The second is
// given an empty one, as all servers do.
text::RenderedChat render(const text::ChatTemplate& chat_template, const Json& messages,
                          const text::ChatOptions& options) {
  try {
    return chat_template.render(messages, options);
  } catch (const Failure& first) {
    const std::optional<Json> filled =
        first.code() == ErrorCode::kInvalidArgument ? with_empty_contents(messages) : std::nullopt;
    if (!filled) fail_template(first);
    try {
      return chat_template.render(*filled, options);
    } catch (const Failure& second) {
      fail_template(second.code() == ErrorCode::kDeadline ? second : first);
    }
  }
}

text::ChatOptions options_of(const Conversation& conversation) {
  text::ChatOptions options{.tools = conversation.tools,
                            .documents = conversation.documents,
                            .variables = conversation.variables,
                            .add_generation_prompt = conversation.begin_answer && !conversation.continue_last,
                            .continue_field = conversation.continue_last ? "content" : "",
                            .clock = text::jinja::local_clock()};
  options.limits.seconds = kRenderSeconds;
  return options;
}

const text::ChatTemplate& require(const text::ChatTemplate* chat_template) {
  if (chat_template == nullptr) refuse("this model has no chat template and cannot chat", "messages");
  return *chat_template;
}

}  // namespace

bool mentions(const text::ChatTemplate* chat_template, std::string_view word, const Conversation& conversation) {
  return require(chat_template).mentions(word, options_of(conversation));
}

ChatPrompt chat_prompt(Conversation conversation, const text::Tokenizer& tokenizer,
                       const text::ChatTemplate* chat_template) {
  const text::ChatOptions options = options_of(conversation);
  const text::ChatTemplate& shown = require(chat_template);
  ChatPrompt prompt{.tokens = {}, .warnings = std::move(conversation.warnings)};
  for (const auto& [name, list] : {std::pair("tools", options.tools), std::pair("documents", options.documents)})
    if (list != nullptr && !shown.mentions(name, options))
      prompt.warnings.push_back(std::string(name) + ": the model's chat template does not show them to the model");
  prompt.tokens = text::encode_chat(tokenizer, render(shown, conversation.messages, options)).ids;
  if (prompt.tokens.empty()) refuse("messages: the chat template makes an empty text of them", "messages");
  return prompt;
}

}  // namespace maru::serving
