#include "api/anthropic/request.h"

#include <utility>

#include "api/anthropic/messages.h"
#include "api/anthropic/tools.h"
#include "base/request_failure.h"
#include "http/json_body.h"

namespace maru::api::anthropic {

MessagesRequest parse_messages_request(std::string_view body) {
  auto request = http::read_fields<MessagesRequest>(http::read_object(body));
  if (request.model.empty()) refuse("model: is required", "model");
  if (!request.max_tokens) refuse("max_tokens: is required", "max_tokens");
  if (!request.messages.is_array() || request.messages.empty())
    JsonNode::of_request(request.messages, "messages").fail("a list of at least one message");
  if (request.stop_sequences.size() > serving::kMaxStops)
    refuse("stop_sequences: expected at most 16 strings", "stop_sequences");
  for (size_t i = 0; i < request.stop_sequences.size(); ++i)
    serving::check_stop(request.stop_sequences[i], numbered("stop_sequences", i));
  return request;
}

serving::Conversation read_conversation(const MessagesRequest& request) {
  serving::Conversation conversation;
  Json& messages = conversation.messages = read_messages(request.messages);
  conversation.tools = read_tools(request.tools);
  read_tool_choice(request.tool_choice, conversation);
  read_thinking(request.thinking, conversation);
  conversation.continue_last = messages.back()["role"] == "assistant";
  if (conversation.continue_last && messages.back().contains("tool_calls"))
    refuse("messages: the last one calls tools; what they returned must follow", "messages");
  if (request.system.is_null()) return conversation;
  if (std::string system = read_text(JsonNode::of_request(request.system, "system")); !system.empty())
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", std::move(system)}});
  return conversation;
}

PreparedRequest prepare(const MessagesRequest& request, const serving::ChatModel& model,
                        const serving::RequestLimits& limits) {
  serving::Conversation conversation = read_conversation(request);
  PreparedRequest prepared;
  infer::GenerationRequest& generation = prepared.generation;
  generation.sampling = {.temperature = request.temperature, .top_k = request.top_k, .top_p = request.top_p};
  generation.stop = request.stop_sequences;
  generation.timeout_seconds = limits.timeout_seconds;
  generation.continues_prompt = conversation.continue_last;
  serving::ChatPrompt prompt = serving::chat_prompt(std::move(conversation), model);
  generation.prompt = std::move(prompt.tokens);
  generation.constraint = std::move(prompt.constraint);
  prepared.reading = std::move(prompt.reading);
  prepared.warnings = std::move(prompt.warnings);
  serving::fit(generation, request.max_tokens, limits, "messages", prepared.warnings);
  return prepared;
}

}  // namespace maru::api::anthropic
