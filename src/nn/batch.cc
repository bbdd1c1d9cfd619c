#include "nn/batch.h"

#include <utility>

namespace maru {

namespace {

void add_pages(const Batch::Sequence& s, const KvCache& cache, std::vector<int32_t>& ids) {
  const auto pages = static_cast<size_t>(pages_for(s.past + s.rows));
  CHECK(s.pages.size() >= pages);
  for (size_t i = 0; i < pages; ++i) {
    CHECK(s.pages[i] >= 0 && s.pages[i] < cache.num_pages());
    ids.push_back(s.pages[i]);
  }
}

}  // namespace

KeyPages Batch::key_pages(int64_t layer) const {
  if (cache == nullptr) return {};
  return {cache->layer(layer), static_cast<int64_t>(cache->shape().page_bytes()), cache->shape().int8};
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
  std::vector<KeySpan> spans;
  std::vector<int32_t> page_ids;
  for (const Batch::Sequence& s : sequences_) {
    spans.push_back({s.first_row, s.rows, s.past});
    if (cache != nullptr) add_pages(s, *cache, page_ids);
  }
  return {.tokens = ctx.upload(tokens_.data(), shape, Dtype::kI32),
          .positions = ctx.upload(positions_.data(), shape, Dtype::kI32),
          .sequences = sequences_,
          .cache = cache,
          .key_spans = KeySpans(ctx, std::move(spans), page_ids)};
}

}  // namespace maru
