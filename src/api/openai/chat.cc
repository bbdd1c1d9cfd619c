#include "api/openai/chat.h"

#include <utility>

#include "api/openai/messages.h"
#include "api/openai/tools.h"
#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::openai {
namespace {

constexpr size_t kMaxVariables = 256;

/// A list of objects, or null where there is nothing in it.
const Json* read_documents(const Json& json) {
  if (json.is_null()) return nullptr;
  const JsonNode list = JsonNode::of_request(json, "documents");
  if (!list.is_array()) list.fail("a list of objects");
  for (size_t i = 0; i < list.size(); ++i) list.at(i).object();
  return json.empty() ? nullptr : &json;
}

const Json& read_variables(const Json& variables) {
  if (!variables.is_null() && (!variables.is_object() || variables.size() > kMaxVariables))
    JsonNode::of_request(variables, "chat_template_kwargs").fail("an object of at most 256 variables");
  return variables;
}

}  // namespace

serving::Conversation read_conversation(const ChatRequest& request, const serving::ChatModel& model) {
  if (model.chat_template == nullptr)
    refuse("this model has no chat template and cannot chat; use /v1/completions", "messages");
  serving::Conversation conversation{.messages = {},
                                     .tools = {},
                                     .tool_choice = read_tool_choice(request.tool_choice),
                                     .one_call = !request.parallel_tool_calls,
                                     .schema = {},
                                     .documents = read_documents(request.documents),
                                     .variables = read_variables(request.chat_template_kwargs),
                                     .effort = request.reasoning_effort,
                                     .reasons = {},
                                     .begin_answer = request.add_generation_prompt,
                                     .continue_last = request.continue_final_message,
                                     .warnings = {}};
  conversation.tools = read_tools(request.tools);
  const bool knows_developer = serving::mentions(model, "developer", conversation);
  Messages messages = read_messages(request.messages, knows_developer);
  conversation.messages = std::move(messages.list);
  for (std::string& warning : messages.warnings) conversation.warnings.push_back(std::move(warning));
  return conversation;
}

}  // namespace maru::api::openai
