// Answers that the model samples while it is trained, by the engine that serves, in this process and over the same
// weights: never at the same time as a step of training.
//
// Engine and pages are made anew for each call. What was computed with the weights of before is gone with them, and
// their memory is free while the model is trained.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "models/adapter.h"
#include "models/decoder.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::tune {

/// An answer that was sampled.
struct Rollout {
  std::vector<int32_t> tokens;  // the one that ended it among them
  std::vector<float> logprobs;  // of the sampler, at temperature 1
  bool ended = false;           // by itself, not by its length
};

struct RolloutRequest {
  std::vector<int32_t> prompt;
  uint64_t seed = 0;  // each of its answers has randomness of its own that follows from it
  int64_t answers = 1;
};

struct RolloutOptions {
  double temperature = 1;
  int64_t max_tokens = 16;  // of an answer
  std::vector<int32_t> end_tokens;
};

class Rollouts {
 public:
  /// All must outlive it. The model is placed on the device; `adapter`: what it is seen with, or null.
  Rollouts(Decoder& model, Device& device, Adapter* adapter, const text::Tokenizer& tokenizer, RolloutOptions options)
      : model_(model), device_(device), adapter_(adapter), tokenizer_(tokenizer), options_(std::move(options)) {}

  /// Of each request its answers. The same for the same seeds, whatever else is asked for and on any number of threads.
  ///
  /// Throws   kExhausted when the device has not the memory for keys and values; what the engine throws.
  std::vector<std::vector<Rollout>> sample(std::span<const RolloutRequest> requests);
  /// Bytes of the device that sampling takes for that many answers at once to prompts of at most that many tokens.
  size_t planned_bytes(int64_t longest_prompt, int64_t answers) const;

 private:
  int64_t cache_bytes(int64_t longest_prompt, int64_t running) const;
  Decoder& model_;
  Device& device_;
  Adapter* adapter_;
  const text::Tokenizer& tokenizer_;
  RolloutOptions options_;
};

}  // namespace maru::tune
