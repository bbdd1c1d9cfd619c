#include "api/anthropic/request.h"

#include <algorithm>
#include <utility>

#include "api/anthropic/messages.h"
#include "api/anthropic/tools.h"
#include "base/request_failure.h"
#include "http/json_body.h"
#include "serving/call_constraint.h"
#include "text/grammar/compile.h"

namespace maru::api::anthropic {
namespace {

std::vector<http::PassedField> passed() {
  return {
      {"cache_control", "*", "Anthropic: where the beginning of a prompt ends; found here without"},
      {"container", "", "Anthropic: where its tools run"},
      {"context_management", "", "Anthropic: leaves out turns of a long conversation"},
      {"diagnostics", "", "Anthropic: why the beginning of a prompt was not known"},
      {"inference_geo", "", "Anthropic: the region that computes; this server is where it is"},
      {"mcp_servers", "", "Anthropic: tools that the server calls"},
      {"metadata", "*", "Anthropic: who the client asks for"},
      {"service_tier", "*", "Anthropic: how a request is billed"},
      {"speed", "*", "Anthropic: how fast and dear the answer is"},
      {"thread", "", "Anthropic: conversations that a server keeps; send the whole one"},
      {"user_profile_id", "*", "Anthropic: who the client asks for"},
      {"workspace_id", "*", "Anthropic: who is billed"},
  };
}

/// Those of a whole request too: clients count with the body that they will send.
const http::BodyFields& prompt_fields() {
  static const http::BodyFields kFields = [] {
    http::BodyFields fields = http::body_fields<PromptRequest>("count_tokens", passed());
    for (const auto& [name, doc] : messages_fields().read)
      if (std::none_of(fields.read.begin(), fields.read.end(), [&](const auto& field) { return field.first == name; }))
        fields.passed.push_back({name, "*", doc});
    return fields;
  }();
  return kFields;
}

template <class T>
T parse(std::string_view body, const http::BodyFields& fields, bool ignore_unknown) {
  std::vector<std::string> warnings;
  T request = http::read_fields<T>(http::take_fields(http::read_object(body), fields, ignore_unknown, warnings));
  request.warnings = std::move(warnings);
  if (request.model.empty()) refuse("model: is required", "model");
  if (!request.messages.is_array() || request.messages.empty())
    JsonNode::of_request(request.messages, "messages").fail("a list of at least one message");
  return request;
}

/// The schema that the answer's text is held to; none: it is free.
std::optional<JsonNode> read_format(const PromptRequest& request) {
  const JsonNode older = JsonNode::of_request(request.output_format, "output_format");
  const JsonNode newer = JsonNode::of_request(request.output_config, "output_config")["format"];
  if (!older.is_null() && !newer.is_null()) older.refuse("an answer has one form, and output_config.format is another");
  const JsonNode& format = newer.is_null() ? older : newer;
  if (format.is_null()) return std::nullopt;
  if (const JsonNode type = format.object()["type"]; type.string() != "json_schema") type.fail("\"json_schema\"");
  return format["schema"];
}

void read_output_config(const Json& config, serving::Conversation& to) {
  if (config.is_null()) return;
  const JsonNode node = JsonNode::of_request(config, "output_config");
  for (const auto& [name, field] : node.object().members())
    if (name != "effort" && name != "format") field.refuse("is not supported by this server");
  to.effort = node["effort"].string("");
}

}  // namespace

const http::BodyFields& messages_fields() {
  static const http::BodyFields kFields = http::body_fields<MessagesRequest>("messages", passed());
  return kFields;
}

PromptRequest parse_prompt_request(std::string_view body, bool ignore_unknown) {
  return parse<PromptRequest>(body, prompt_fields(), ignore_unknown);
}

MessagesRequest parse_messages_request(std::string_view body, bool ignore_unknown) {
  auto request = parse<MessagesRequest>(body, messages_fields(), ignore_unknown);
  if (!request.max_tokens) refuse("max_tokens: is required", "max_tokens");
  if (request.stop_sequences.size() > serving::kMaxStops)
    refuse("stop_sequences: expected at most 16 strings", "stop_sequences");
  for (size_t i = 0; i < request.stop_sequences.size(); ++i)
    serving::check_stop(request.stop_sequences[i], numbered("stop_sequences", i));
  return request;
}

serving::Conversation read_conversation(const PromptRequest& request) {
  serving::Conversation conversation;
  conversation.warnings = request.warnings;
  Json& messages = conversation.messages = read_messages(request.messages);
  conversation.tools = read_tools(request.tools);
  read_tool_choice(request.tool_choice, conversation);
  read_thinking(request.thinking, conversation);
  read_output_config(request.output_config, conversation);
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
  conversation.schema = read_format(request);
  const auto form = conversation.schema ? text::compile_json_schema(*conversation.schema) : nullptr;
  serving::ChatPrompt prompt = serving::chat_prompt(std::move(conversation), model);
  generation.prompt = std::move(prompt.tokens);
  generation.constraint = std::move(prompt.constraint);
  prepared.reading = std::move(prompt.reading);
  if (form && !generation.constraint)  // which holds it too, or leaves no room for text
    generation.constraint = serving::constraint_of(form, model, prepared.reading);
  prepared.warnings = std::move(prompt.warnings);
  serving::fit(generation, request.max_tokens, limits, "messages", prepared.warnings);
  return prepared;
}

}  // namespace maru::api::anthropic
