#include "nn/batch.h"

#include <utility>

namespace maru {

std::vector<KeySpan> Batch::key_spans(int64_t layer) const {
  std::vector<KeySpan> spans;
  spans.reserve(sequences.size());
  for (const Sequence& s : sequences) {
    KeySpan& span = spans.emplace_back(KeySpan{s.first_row, s.rows, s.past, {}});
    if (cache == nullptr) continue;
    CHECK(static_cast<int64_t>(s.pages.size()) >= pages_for(s.past + s.rows));
    for (int32_t page : s.pages) span.pages.push_back(cache->page(layer, page));
  }
  return spans;
}

void BatchBuilder::clear() {
  tokens_.clear();
  positions_.clear();
  sequences_.clear();
}

void BatchBuilder::add(std::span<const int32_t> tokens, int64_t past, std::vector<int32_t> pages) {
  const int64_t rows = static_cast<int64_t>(tokens.size());
  if (rows == 0) return;
  sequences_.push_back({num_tokens(), rows, past, std::move(pages)});
  tokens_.insert(tokens_.end(), tokens.begin(), tokens.end());
  for (int64_t i = 0; i < rows; ++i) positions_.push_back(static_cast<int32_t>(past + i));
}

Batch BatchBuilder::batch(Context& ctx, KvCache* cache) const {
  const Shape shape{num_tokens(), 1};
  return {.tokens = ctx.upload(tokens_.data(), shape, Dtype::kI32),
          .positions = ctx.upload(positions_.data(), shape, Dtype::kI32),
          .sequences = sequences_,
          .cache = cache};
}

}  // namespace maru
