#include "server/openai_chat.h"

#include "base/json.h"
#include "server/api_error.h"
#include "server/openai_error.h"
#include "server/openai_messages.h"

namespace maru::server {
namespace {

// The longest chats take some 10 ms. A template that takes this long on a busy machine would keep others waiting.
constexpr double kRenderSeconds = 2;
constexpr size_t kMaxVariables = 256;

/// A list of objects, or null where there is nothing in it.
const Json* read_list(const Json& list, const char* name) {
  if (list.is_null()) return nullptr;
  if (!list.is_array()) refuse(std::string(name) + ": expected a list of objects", name);
  for (size_t i = 0; i < list.size(); ++i)
    if (const std::string param = std::string(name) + "[" + std::to_string(i) + "]"; !list[i].is_object())
      refuse(param + ": expected an object", param);
  return list.empty() ? nullptr : &list;
}

const Json* read_tools(const ChatRequest& request) {
  const Json& choice = request.tool_choice;
  if (!choice.is_null() && choice != "auto" && choice != "none")
    refuse("'tool_choice' other than \"auto\" and \"none\" is not supported by this server", "tool_choice",
           "unsupported_parameter");
  const Json* tools = read_list(request.tools, "tools");
  return choice == "none" ? nullptr : tools;
}

const Json* read_variables(const Json& variables) {
  if (!variables.is_null() && (!variables.is_object() || variables.size() > kMaxVariables))
    refuse("chat_template_kwargs: expected an object of at most 256 variables", "chat_template_kwargs");
  return &variables;
}

/// "messages[2].role: …" names its field; anything else the template says is about the messages.
[[noreturn]] void fail_template(const Failure& failure) {
  if (failure.code() == ErrorCode::kDeadline) throw ApiFailure(to_api_error(failure.error()));
  const std::string_view what = failure.what();
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

}  // namespace

ChatPrompt chat_prompt(const ChatRequest& request, const text::Tokenizer& tokenizer,
                       const text::ChatTemplate* chat_template) {
  if (chat_template == nullptr)
    refuse("this model has no chat template and cannot chat; use /v1/completions", "messages");
  const bool open = request.continue_final_message;
  text::ChatOptions options{.tools = read_tools(request),
                            .documents = read_list(request.documents, "documents"),
                            .variables = read_variables(request.chat_template_kwargs),
                            .add_generation_prompt = request.add_generation_prompt && !open,
                            .continue_field = open ? "content" : "",
                            .clock = text::jinja::local_clock()};
  options.limits.seconds = kRenderSeconds;
  Messages messages = read_messages(request.messages, chat_template->mentions("developer", options));
  ChatPrompt prompt{.tokens = {}, .warnings = std::move(messages.warnings)};
  for (const auto& [name, list] : {std::pair("tools", options.tools), std::pair("documents", options.documents)})
    if (list != nullptr && !chat_template->mentions(name, options))
      prompt.warnings.push_back(std::string(name) + ": the model's chat template does not show them to the model");
  prompt.tokens = text::encode_chat(tokenizer, render(*chat_template, messages.list, options)).ids;
  if (prompt.tokens.empty()) refuse("messages: the chat template makes an empty text of them", "messages");
  return prompt;
}

}  // namespace maru::server
