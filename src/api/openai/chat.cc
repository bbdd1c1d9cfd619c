#include "api/openai/chat.h"

#include "api/openai/messages.h"
#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxVariables = 256;

/// A list of objects, or null where there is nothing in it.
const Json* read_list(const Json& json, const char* name) {
  if (json.is_null()) return nullptr;
  const JsonNode list = JsonNode::of_request(json, name);
  if (!list.is_array()) list.fail("a list of objects");
  for (size_t i = 0; i < list.size(); ++i) list.at(i).object();
  return json.empty() ? nullptr : &json;
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
    JsonNode::of_request(variables, "chat_template_kwargs").fail("an object of at most 256 variables");
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
