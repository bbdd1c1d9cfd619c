#include "api/openai/chat.h"

#include "api/openai/messages.h"
#include "base/json.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxVariables = 256;

/// A list of objects, or null where there is nothing in it.
const Json* read_list(const Json& list, const char* name) {
  if (list.is_null()) return nullptr;
  if (!list.is_array()) refuse(std::string(name) + ": expected a list of objects", name);
  for (size_t i = 0; i < list.size(); ++i)
    if (const std::string param = numbered(name, i); !list[i].is_object())
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

}  // namespace

serving::Conversation read_conversation(const ChatRequest& request, const text::ChatTemplate* chat_template) {
  if (chat_template == nullptr)
    refuse("this model has no chat template and cannot chat; use /v1/completions", "messages");
  serving::Conversation conversation{.messages = {},
                                     .tools = read_tools(request),
                                     .documents = read_list(request.documents, "documents"),
                                     .variables = read_variables(request.chat_template_kwargs),
                                     .begin_answer = request.add_generation_prompt,
                                     .continue_last = request.continue_final_message,
                                     .warnings = {}};
  const bool knows_developer = serving::mentions(chat_template, "developer", conversation);
  Messages messages = read_messages(request.messages, knows_developer);
  conversation.messages = std::move(messages.list);
  conversation.warnings = std::move(messages.warnings);
  return conversation;
}

}  // namespace maru::api::openai
