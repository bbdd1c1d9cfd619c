// What one forward and backward pass sees.
#pragma once
#include <cstdint>
#include <vector>

#include "nn/batch.h"

namespace maru::train {

/// A micro-batch ends early rather than hold more than tokens / kMinMeanPiece pieces, so that its memory is bounded.
inline constexpr int64_t kMinMeanPiece = 16;

/// What is known of a sequence whose counted targets were sampled.
struct SampledAnswer {
  double advantage = 0;
  std::vector<double> old = {};  // their log-probabilities when they were; empty: the model has not changed since
};

/// Packed tokens with what is wanted of each. A step divides its loss by the `counted` of all its micro-batches.
struct MicroBatch {
  BatchBuilder builder;
  std::vector<int32_t> targets;        // of each token; -1: not counted
  std::vector<int32_t> types;          // of each token, where an encoder tells two texts apart; empty: all 0
  std::vector<float> weights;          // of each token's loss; empty: 1
  std::vector<double> values;          // of each sequence, what its document is said to be (token_shard.h)
  std::vector<SampledAnswer> answers;  // of each sequence; empty: none was sampled
  std::vector<float> reference;        // of each token: its loss under the reference, 0 where it does not count;
                                       // empty: not known beforehand
  int64_t counted = 0;                 // targets that count, or pairs of answers, or answers

  void clear() {
    builder.clear();
    targets.clear();
    types.clear();
    weights.clear();
    values.clear();
    answers.clear();
    reference.clear();
    counted = 0;
  }
};

}  // namespace maru::train
