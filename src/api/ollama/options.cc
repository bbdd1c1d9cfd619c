#include "api/ollama/options.h"

#include <algorithm>

#include "base/json_node.h"
#include "base/request_failure.h"

namespace maru::api::ollama {
namespace {

bool asks_for_penalties(const Options& options) {
  return options.repeat_penalty != 1 || options.presence_penalty != 0 || options.frequency_penalty != 0;
}

/// A string, or a list of strings.
std::vector<std::string> read_stops(const JsonNode& stop) {
  std::vector<std::string> stops;
  if (stop.is_null()) return stops;
  if (stop.is_array() && stop.size() > serving::kMaxStops) stop.fail("at most 16 strings");
  for (const JsonNode& one : stop.is_array() ? stop.elements() : std::vector{stop}) {
    stops.push_back(one.string());
    serving::check_stop(stops.back(), one.where());
  }
  return stops;
}

}  // namespace

Options read_options(const Json& json) {
  if (json.is_null()) return {};
  Json given = Json::object();
  for (const auto& [name, value] : JsonNode::of_request(json, "options").members())
    if (!value.is_null()) given[name] = value.json();  // some clients send all that they know
  auto options = from_json<Options>(JsonNode::of_request(given, "options"));
  if (options.repeat_last_n.value_or(-1) > 0 && asks_for_penalties(options))
    refuse("options.repeat_last_n: penalties here are of all tokens; expected -1, or 0 for none",
           "options.repeat_last_n", "unsupported_parameter");
  if (!options.penalize_newline.is_null() && options.penalize_newline != true)
    refuse("options.penalize_newline: this server penalises line ends as any other token", "options.penalize_newline",
           "unsupported_parameter");
  read_stops(JsonNode::of_request(options.stop, "options.stop"));
  return options;
}

void apply(const Options& options, infer::GenerationRequest& to) {
  to.sampling.temperature = options.temperature;
  to.sampling.top_p = options.top_p;
  to.sampling.min_p = options.min_p;
  to.sampling.top_k = std::max<int64_t>(options.top_k, 0);
  if (options.repeat_last_n != 0) {
    to.sampling.repetition_penalty = options.repeat_penalty;
    to.sampling.presence_penalty = options.presence_penalty;
    to.sampling.frequency_penalty = options.frequency_penalty;
  }
  if (options.seed.value_or(-1) != -1) to.seed = static_cast<uint64_t>(*options.seed);
  to.stop = read_stops(JsonNode::of_request(options.stop, "options.stop"));
}

serving::RequestLimits within(const Options& options, serving::RequestLimits limits,
                              std::vector<std::string>& warnings) {
  if (options.num_ctx && *options.num_ctx > limits.max_context)
    warnings.push_back("options.num_ctx: this model takes " + std::to_string(limits.max_context) + " tokens");
  limits.max_context = std::min(limits.max_context, options.num_ctx.value_or(limits.max_context));
  return limits;
}

std::optional<int64_t> wanted_tokens(const Options& options) {
  return options.num_predict.value_or(0) > 0 ? options.num_predict : std::nullopt;
}

}  // namespace maru::api::ollama
