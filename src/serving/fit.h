// What a request may ask of a model: room for its answer, stop strings.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "infer/generation.h"

namespace maru::serving {

/// What requests are measured against.
struct RequestLimits {
  int64_t max_context = 0;
  int64_t vocab_size = 0;
  double timeout_seconds = 0;
};

/// How long the answer to `generation.prompt` may get: `wanted` tokens, as far as there is room for them; empty: as
/// much as fits. Less than was wanted is said in `warnings`: clients ask for 1,024 tokens unasked, and a prompt's
/// tokens are not theirs to count. `prompt_field`: what the client calls the prompt.
///
/// Throws   RequestFailure "context_length_exceeded" when the prompt leaves no room.
void fit(infer::GenerationRequest& generation, std::optional<int64_t> wanted, const RequestLimits& limits,
         const std::string& prompt_field, std::vector<std::string>& warnings);

inline constexpr size_t kMaxStops = 16, kMaxStopBytes = 1024;
/// Throws   RequestFailure naming `field` when it is empty or too long.
void check_stop(const std::string& stop, const std::string& field);

}  // namespace maru::serving
