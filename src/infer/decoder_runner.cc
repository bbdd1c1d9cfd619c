#include "infer/decoder_runner.h"

#include <algorithm>
#include <string>

#include "base/error.h"
#include "models/weights.h"
#include "ops/attention.h"
#include "ops/embedding.h"

namespace maru::infer {
namespace {

constexpr int64_t kPageTokens = 64;
constexpr int64_t kLogitsBytes = int64_t{64} << 20;  // of logits at once, for at least 32 rows

int64_t pages_in(const KvCacheShape& shape, int64_t cache_bytes) {
  const auto page = static_cast<int64_t>(shape.page_bytes());
  if (cache_bytes < page)
    throw Failure(ErrorCode::kInvalidArgument, "key-value memory of " + std::to_string(cache_bytes) +
                                                   " bytes: expected at least one page, " + std::to_string(page));
  return cache_bytes / page;
}

size_t rows_at_once(int64_t vocab_size) {
  return static_cast<size_t>(std::max<int64_t>(32, kLogitsBytes / (vocab_size * int64_t{sizeof(float)})));
}

AdapterWeights* weights_of(Adapter* adapter) { return adapter != nullptr ? &adapter->weights() : nullptr; }

/// Null where all rows see the model as it is.
const AdapterRuns* needed(const AdapterRuns& runs) {
  return runs.size() == 1 && runs.front().adapter == nullptr ? nullptr : &runs;
}

}  // namespace

DecoderRunner::DecoderRunner(Decoder& model, Device& device, int64_t cache_bytes, Adapter* adapter, bool int8_cache)
    : model_(model),
      workers_(*device.host().pool),
      adapter_(adapter),
      cache_(device, model.cache_shape(int8_cache), pages_in(model.cache_shape(int8_cache), cache_bytes)),
      memory_(device) {
  place(device, model);
  CHECK(pages_for(kPageTokens) == 1 && pages_for(kPageTokens + 1) == 2);
}

int64_t DecoderRunner::page_tokens() const { return kPageTokens; }

int DecoderRunner::num_workers() const { return workers_.size(); }

void DecoderRunner::run(std::span<const StepSequence> sequences, const LogitsSink& sink) {
  build(sequences);
  memory_.run([&](Context& context) { execute(context, sink); });
}

void DecoderRunner::build(std::span<const StepSequence> sequences) {
  builder_.clear();
  rows_.clear();
  packed_rows_.clear();
  adapters_.clear();
  runs_.clear();
  for (size_t i = 0; i < sequences.size(); ++i) {
    const StepSequence& s = sequences[i];
    const int64_t first = builder_.num_tokens(), count = static_cast<int64_t>(s.tokens.size());
    builder_.add(s.tokens, s.past, {s.pages.begin(), s.pages.end()});
    adapters_.push_back(s.adapter != nullptr ? s.adapter : adapter_);
    add_rows(runs_, count, weights_of(adapters_.back()));
    for (int64_t row = s.first_logits_row; row < count; ++row) {
      rows_.push_back({i, row});
      packed_rows_.push_back(static_cast<int32_t>(first + row));
    }
  }
}

void DecoderRunner::execute(Context& context, const LogitsSink& sink) {
  context.adapters = needed(runs_);
  const Tensor hidden = model_.forward(context, builder_.batch(context, &cache_));
  const size_t most = rows_at_once(vocab_size());
  for (size_t at = 0; at < rows_.size(); at += most) {
    const auto count = static_cast<int64_t>(std::min(most, rows_.size() - at));
    const Tensor logits = logits_of(context, hidden, at, count);
    if (!context.arena.dry()) hand_out(to_host(logits), at, sink);
  }
}

Tensor DecoderRunner::logits_of(Context& context, const Tensor& hidden, size_t first, int64_t count) {
  AdapterRuns runs;
  for (size_t i = first; i < first + static_cast<size_t>(count); ++i)
    add_rows(runs, 1, weights_of(adapters_[rows_[i].sequence]));
  Context rows = context;
  rows.adapters = needed(runs);
  const Tensor wanted = rows.upload(packed_rows_.data() + first, {count, 1}, Dtype::kI32);
  return model_.logits(rows, gather_rows(rows, hidden, wanted));
}

/// A sequence's rows to one worker, which takes them in order.
void DecoderRunner::hand_out(const Tensor& logits, size_t first, const LogitsSink& sink) {
  const auto vocab = static_cast<size_t>(logits.cols()), rows = static_cast<size_t>(logits.rows());
  begins_.clear();
  for (size_t i = 0; i < rows; ++i)
    if (i == 0 || rows_[first + i].sequence != rows_[first + i - 1].sequence) begins_.push_back(i);
  begins_.push_back(rows);
  workers_.parallel_for(std::ssize(begins_) - 1, [&](int64_t sequence, int worker) {
    const auto at = static_cast<size_t>(sequence);
    for (size_t i = begins_[at]; i < begins_[at + 1]; ++i)
      sink({.sequence = rows_[first + i].sequence,
            .row = rows_[first + i].row,
            .logits = {logits.data<float>() + i * vocab, vocab},
            .worker = worker});
  });
}

}  // namespace maru::infer
