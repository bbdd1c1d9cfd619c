// Reading request bodies: JSON, unknown and unsupported fields, types and ranges.
#include <algorithm>
#include <array>

#include "api/openai/request.h"
#include "base/excerpt.h"
#include "http/json_body.h"

namespace maru::api::openai {
namespace {

/// Fields of OpenAI's, NIM's and vLLM's APIs that this server does not act on, and the values that ask for nothing:
/// JSON values separated by '|'; "*" where any value is harmless.
struct NeutralField {
  std::string_view name, values;
};

constexpr std::array kNeutral = std::to_array<NeutralField>({
    {"add_generation_prompt", "true"},
    {"add_special_tokens", "true"},
    {"audio", ""},
    {"best_of", "1"},
    {"chat_template", ""},
    {"chat_template_kwargs", "{}"},
    {"continue_final_message", "false"},
    {"documents", "[]"},
    {"function_call", "\"none\"|\"auto\""},
    {"functions", "[]"},
    {"include_stop_str_in_output", "false"},
    {"length_penalty", "1|1.0"},
    {"metadata", "*"},
    {"modalities", "[\"text\"]"},
    {"parallel_tool_calls", "*"},
    {"prediction", ""},
    {"prompt_cache_key", "*"},
    {"prompt_logprobs", ""},
    {"reasoning_effort", "\"none\""},
    {"request_id", "*"},
    {"return_token_ids", "false"},
    {"safety_identifier", "*"},
    {"service_tier", "\"auto\"|\"default\""},
    {"skip_special_tokens", "true"},
    {"store", "false"},
    {"suffix", "\"\""},
    {"tool_choice", "\"none\"|\"auto\""},
    {"tools", "[]"},
    {"use_beam_search", "false"},
    {"verbosity", "\"medium\""},
    {"web_search_options", ""},
});

bool is_neutral(const NeutralField& field, const Json& value) {
  if (field.values == "*") return true;
  const std::string text = value.dump();
  for (std::string_view left = field.values; !left.empty();) {
    const std::string_view one = left.substr(0, left.find('|'));
    if (one == text) return true;
    left.remove_prefix(std::min(left.size(), one.size() + 1));
  }
  return false;
}

/// False when the field is not one that may be left out; throws when it asks for something.
bool drop_neutral(const std::string& name, const Json& value) {
  const auto it = std::find_if(kNeutral.begin(), kNeutral.end(), [&](const auto& field) { return field.name == name; });
  if (it == kNeutral.end()) return false;
  if (!is_neutral(*it, value)) refuse("'" + name + "' is not supported by this server", name, "unsupported_parameter");
  return true;
}

[[noreturn]] void fail_unknown(const std::string& name, const std::vector<std::string_view>& known) {
  constexpr size_t kLongestName = 64;  // of those that are compared with the known ones
  std::string message = "Unrecognized request argument supplied: " + excerpt(name);
  if (const std::string near = name.size() <= kLongestName ? nearest(name, known) : ""; !near.empty())
    message += "; did you mean '" + near + "'?";
  refuse(message, name, "unknown_parameter");
}

/// The fields of an object that are known; others may only ask for nothing.
Json known_fields(Json object, const std::vector<std::string_view>& known) {
  Json kept = Json::object();
  for (auto& [name, value] : object.items())
    if (std::find(known.begin(), known.end(), name) != known.end())
      kept[name] = std::move(value);
    else if (!drop_neutral(name, value))
      fail_unknown(name, known);
  return kept;
}

template <class T>
T parse(std::string_view body) {
  return http::read_fields<T>(known_fields(http::read_object(body), detail::names_of<T>()));
}

template <class T>
void check_common(const T& request) {
  if (request.model.empty()) refuse("you must provide a model parameter", "model", "missing_required_parameter");
  if (request.stream_options && !request.stream)
    refuse("'stream_options' is only allowed when 'stream' is true", "stream_options", "invalid_value");
}

}  // namespace

ChatRequest parse_chat_request(std::string_view body) {
  ChatRequest request = parse<ChatRequest>(body);
  check_common(request);
  if (!request.messages.is_array()) refuse("messages: expected a list of messages", "messages", "invalid_value");
  if (request.messages.empty()) refuse("'messages' must hold at least one message", "messages", "invalid_value");
  if (request.top_logprobs && !request.logprobs)
    refuse("'top_logprobs' is only allowed when 'logprobs' is true", "top_logprobs", "invalid_value");
  return request;
}

CompletionRequest parse_completion_request(std::string_view body) {
  CompletionRequest request = parse<CompletionRequest>(body);
  check_common(request);
  if (request.prompt.is_null()) refuse("you must provide a prompt parameter", "prompt", "missing_required_parameter");
  return request;
}

}  // namespace maru::api::openai
