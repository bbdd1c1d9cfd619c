// Log-likelihood of continuations given prompts.
#pragma once
#include <cstdint>
#include <vector>

#include "models/decoder.h"
#include "ops/step_memory.h"

namespace maru::eval {

struct ScoreRequest {
  std::vector<int32_t> prompt, continuation;  // the prompt begins with bos
};

/// log p(continuation | prompt) in nats, one number per request. A result does not depend on the other requests.
/// A prompt that does not fit into the context loses tokens behind its first.
///
/// Throws   kInvalidArgument when a continuation alone does not fit.
std::vector<double> score(StepMemory&, Decoder&, const std::vector<ScoreRequest>& requests,
                          int64_t batch_tokens = 4096);

}  // namespace maru::eval
