// Choosing the next token from logits.
//
// The steps, in this order (that of Hugging Face's logits processors):
//   repetition penalty (over prompt and answer), presence and frequency penalties (over the answer), logit bias,
//   allowed tokens, bad words, temperature, top-k, top-p, min-p, then one draw. Temperature 0 takes the highest logit,
//   the lowest id of equals.
// Log-probabilities are those of the model itself, before any of this.
//
// A choice's randomness comes from its own seed alone: the same seed gives the same text whatever else runs.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "base/random.h"
#include "infer/logits_processor.h"
#include "infer/token_weights.h"

namespace maru::infer {

struct SamplingOptions {
  double temperature = 1;
  int64_t top_k = 0;  // 0: all
  double top_p = 1, min_p = 0;
  double presence_penalty = 0, frequency_penalty = 0, repetition_penalty = 1;
  std::vector<std::pair<int32_t, double>> logit_bias;
  std::vector<int32_t> allowed_tokens = {};          // only these; empty: all
  std::vector<std::vector<int32_t>> bad_words = {};  // never the last token of one behind the others of it
  int64_t top_logprobs = -1;                         // -1: no log-probabilities; n: the token's own and the n highest
};

/// Throws kInvalidArgument, naming the option that is out of its range.
void check(const SamplingOptions& options, int64_t vocab_size);

struct TokenLogprob {
  int32_t token = 0;
  float logprob = 0;
};

struct Sample {
  int32_t token = 0;
  float logprob = 0;                       // meaningful when log-probabilities were asked for
  std::span<const TokenLogprob> top = {};  // highest first; valid until the scratch is used again
  int64_t rank = 0;                        // as logprob
};

/// Room for one vocabulary, shared by all sampling on a thread.
class SamplerScratch {
 public:
  explicit SamplerScratch(int64_t vocab_size);

 private:
  friend class Sampler;
  friend Sample logprobs_of(std::span<const float>, int32_t, int64_t, SamplerScratch&);
  std::vector<float> logits_;
  TokenWeights weights_;
  std::vector<Candidate> candidates_;
  std::vector<TokenLogprob> top_;
};

/// The log-probability of `token` and the `count` highest. Throws kInternal when the logits are not finite.
Sample logprobs_of(std::span<const float> logits, int32_t token, int64_t count, SamplerScratch& scratch);

/// The state of one choice: its random numbers and what it has said. Used by one thread at a time.
class Sampler {
 public:
  Sampler(SamplingOptions options, uint64_t seed, std::span<const int32_t> prompt);
  /// Behind those that the options ask for.
  void add(std::unique_ptr<LogitsProcessor> processor) { processors_.push_back(std::move(processor)); }
  /// Chooses a token and remembers it.
  ///
  /// Throws   kInternal when the logits are not finite (-inf is); kInvalidArgument when the processors leave nothing.
  /// Cost     O(vocab): some passes that are vector code; no allocation.
  Sample sample(std::span<const float> logits, SamplerScratch& scratch);

 private:
  std::span<const float> processed(std::span<const float> logits, SamplerScratch& scratch);
  int32_t draw(std::span<const float> logits, float highest, SamplerScratch& scratch);
  float lowest_weight(const TokenWeights& weights) const;

  SamplingOptions options_;
  Random random_;
  std::vector<std::unique_ptr<LogitsProcessor>> processors_;
};

}  // namespace maru::infer
