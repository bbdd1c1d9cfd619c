// Runs a decoder for the engine: builds the packed batch, keeps the pages, sizes the memory of a step by a dry run.
// Owned by the engine thread.
#pragma once
#include <memory>
#include <vector>

#include "infer/step_model.h"
#include "models/adapter.h"
#include "models/decoder.h"
#include "nn/batch.h"
#include "nn/kv_cache.h"
#include "ops/step_memory.h"

namespace maru::infer {

class DecoderRunner : public StepModel {
 public:
  /// `cache_bytes` of key-value pages, at least enough for one sequence of the model's full length.
  /// The model, which is placed on the device, the device and the adapter must outlive this; the thread that calls
  /// run() uses them. `adapter`: of sequences that name none. `int8_cache`: keys and values in 8 bits, in half the
  /// memory; answers are nearly the same.
  ///
  /// Throws   kInvalidArgument when cache_bytes hold less than one page; kExhausted when there is not that much memory.
  DecoderRunner(Decoder& model, Device& device, int64_t cache_bytes, Adapter* adapter = nullptr,
                bool int8_cache = false);
  /// Bytes of all pages.
  int64_t cache_bytes() const { return cache_.num_pages() * static_cast<int64_t>(cache_.shape().page_bytes()); }
  int64_t vocab_size() const override { return model_.config().vocab_size; }
  int64_t max_context() const override { return model_.config().max_position_embeddings; }
  int64_t num_pages() const override { return cache_.num_pages(); }
  int64_t page_tokens() const override;
  int num_workers() const override;
  void run(std::span<const StepSequence> sequences, const LogitsSink& sink) override;

 private:
  struct Row {
    size_t sequence;
    int64_t row;
  };
  void build(std::span<const StepSequence> sequences);
  void execute(Context& context, const LogitsSink& sink);
  Tensor logits_of(Context& context, const Tensor& hidden, size_t first, int64_t count);
  void hand_out(const Tensor& logits, size_t first, const LogitsSink& sink);

  Decoder& model_;
  ThreadPool& workers_;
  Adapter* adapter_;
  KvCache cache_;
  BatchBuilder builder_;
  std::vector<Row> rows_;             // whose logits are wanted
  std::vector<int32_t> packed_rows_;  // where they lie in the batch
  std::vector<size_t> begins_;        // of each sequence among rows of logits
  std::vector<Adapter*> adapters_;    // of each sequence
  AdapterRuns runs_;                  // of the batch
  StepMemory memory_;
};

}  // namespace maru::infer
