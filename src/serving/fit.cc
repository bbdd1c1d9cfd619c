#include "serving/fit.h"

#include <algorithm>

#include "base/request_failure.h"

namespace maru::serving {

void fit(infer::GenerationRequest& generation, std::optional<int64_t> wanted, const RequestLimits& limits,
         const std::string& prompt_field, std::vector<std::string>& warnings) {
  const auto size = static_cast<int64_t>(generation.prompt.size());
  const int64_t room = limits.max_context - size;
  if (room < 0 || (room == 0 && wanted != 0))
    refuse("This model's maximum context length is " + std::to_string(limits.max_context) + " tokens. However, your " +
               prompt_field + " resulted in " + std::to_string(size) +
               " tokens, which leaves no room for an answer. Please reduce the length of the " + prompt_field + ".",
           prompt_field, "context_length_exceeded");
  generation.max_tokens = std::min(wanted.value_or(room), room);
  if (wanted && *wanted > room)
    warnings.push_back("max_tokens: " + std::to_string(*wanted) + " do not fit beside the " + std::to_string(size) +
                       " tokens of the " + prompt_field + " into the context of " + std::to_string(limits.max_context) +
                       "; the answer has at most " + std::to_string(room));
}

void check_stop(const std::string& stop, const std::string& field) {
  if (stop.empty() || stop.size() > kMaxStopBytes) refuse(field + ": expected 1 to 1024 bytes", field);
}

}  // namespace maru::serving
