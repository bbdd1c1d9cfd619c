// What the engine needs of a model: run one step over parts of several sequences, and hand out logits.
#pragma once
#include <cstdint>
#include <functional>
#include <span>

#include "infer/page_pool.h"

namespace maru {
class Adapter;
}

namespace maru::infer {

/// The newest tokens of one sequence; `past` tokens before them are in its pages already.
struct StepSequence {
  std::span<const int32_t> tokens;
  int64_t past = 0;
  std::span<const PageId> pages;
  int64_t first_logits_row = 0;  // logits are wanted from this row of `tokens` on; tokens.size(): none
  Adapter* adapter = nullptr;    // what the sequence sees beside the weights; null: what the model is served with
};

struct LogitsRow {
  size_t sequence = 0;            // its place in the step
  int64_t row = 0;                // of its tokens
  std::span<const float> logits;  // [vocab], valid during the call
  int worker = 0;                 // who calls, in [0, num_workers())
};
/// Called for every wanted row: those of one sequence in order, those of several at the same time.
using LogitsSink = std::function<void(const LogitsRow&)>;

/// Called by the engine thread only. A sequence's logits do not depend on what else is in a step.
class StepModel {
 public:
  virtual ~StepModel() = default;
  virtual int64_t vocab_size() const = 0;
  /// The longest sequence the model knows positions for.
  virtual int64_t max_context() const = 0;
  virtual int64_t num_pages() const = 0;
  virtual int64_t page_tokens() const = 0;
  /// Threads that hand out logits.
  virtual int num_workers() const { return 1; }
  virtual void run(std::span<const StepSequence> sequences, const LogitsSink& sink) = 0;
};

}  // namespace maru::infer
