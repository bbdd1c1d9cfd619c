#include "api/anthropic/request.h"

#include <utility>

#include "http/json_body.h"

namespace maru::api::anthropic {
namespace {

void refuse_unsupported(const MessagesRequest& request) {
  for (const auto& [name, value] : {std::pair("tools", &request.tools), std::pair("tool_choice", &request.tool_choice)})
    if (!value->is_null() && !value->empty())
      refuse(std::string(name) + ": tools are not supported by this server in this API", name);
  const Json& thinking = request.thinking;
  if (!thinking.is_null() && thinking != Json{{"type", "disabled"}})
    refuse("thinking: other than {\"type\": \"disabled\"} is not supported by this server", "thinking");
}

/// A block's text.
const std::string& text_of(const JsonNode& block) {
  const JsonNode type = block.object()["type"];
  if (type.string() != "text") type.fail("\"text\", as this server takes only blocks of that type here");
  return block["text"].string();
}

/// Text, or a list of text blocks put end to end.
std::string read_text(const JsonNode& content) {
  if (content.is_string()) return content.string();
  if (!content.is_array()) content.fail("a string or a list of text blocks");
  std::string text;
  for (const JsonNode& block : content.elements()) text += text_of(block);
  return text;
}

void add_message(const JsonNode& message, Json& to) {
  const JsonNode role = message.object()["role"];
  if (role.json() != "user" && role.json() != "assistant") role.fail("\"user\" or \"assistant\"");
  std::string text = read_text(message["content"]);
  if (!to.empty() && to.back()["role"] == role.json())
    to.back()["content"].get_ref<std::string&>() += "\n\n" + text;  // in place: a body may hold many of them
  else
    to.push_back({{"role", role.json()}, {"content", std::move(text)}});
}

}  // namespace

MessagesRequest parse_messages_request(std::string_view body) {
  auto request = http::read_fields<MessagesRequest>(http::read_object(body));
  if (request.model.empty()) refuse("model: is required", "model");
  if (!request.max_tokens) refuse("max_tokens: is required", "max_tokens");
  if (!request.messages.is_array() || request.messages.empty())
    JsonNode::of_request(request.messages, "messages").fail("a list of at least one message");
  refuse_unsupported(request);
  if (request.stop_sequences.size() > serving::kMaxStops)
    refuse("stop_sequences: expected at most 16 strings", "stop_sequences");
  for (size_t i = 0; i < request.stop_sequences.size(); ++i)
    serving::check_stop(request.stop_sequences[i], numbered("stop_sequences", i));
  return request;
}

serving::Conversation read_conversation(const MessagesRequest& request) {
  serving::Conversation conversation;
  Json& messages = conversation.messages = Json::array();
  for (const JsonNode& message : JsonNode::of_request(request.messages, "messages").elements())
    add_message(message, messages);
  conversation.continue_last = messages.back()["role"] == "assistant";
  if (request.system.is_null()) return conversation;
  if (std::string system = read_text(JsonNode::of_request(request.system, "system")); !system.empty())
    messages.insert(messages.begin(), Json{{"role", "system"}, {"content", std::move(system)}});
  return conversation;
}

PreparedRequest prepare(const MessagesRequest& request, const text::Tokenizer& tokenizer,
                        const text::ChatTemplate* chat_template, const serving::RequestLimits& limits) {
  serving::Conversation conversation = read_conversation(request);
  PreparedRequest prepared;
  infer::GenerationRequest& generation = prepared.generation;
  generation.sampling = {.temperature = request.temperature, .top_k = request.top_k, .top_p = request.top_p};
  generation.stop = request.stop_sequences;
  generation.timeout_seconds = limits.timeout_seconds;
  generation.continues_prompt = conversation.continue_last;
  serving::ChatPrompt prompt = serving::chat_prompt(std::move(conversation), tokenizer, chat_template);
  generation.prompt = std::move(prompt.tokens);
  prepared.warnings = std::move(prompt.warnings);
  serving::fit(generation, request.max_tokens, limits, "messages", prepared.warnings);
  return prepared;
}

}  // namespace maru::api::anthropic
