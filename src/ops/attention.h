// Scaled dot-product attention over packed sequences, keys read from pages.
#pragma once
#include <span>
#include <vector>

#include "kernels/attention/attention.h"
#include "ops/context.h"

namespace maru {

/// One sequence of a batch: rows [first_row, first_row + rows) are its newest tokens, `past` tokens precede them.
struct KeySpan {
  int64_t first_row = 0, rows = 0, past = 0;
};
/// As the kernels take them: the pages of each span, pages_for(past + rows), follow those of the one before.
std::vector<kernels::AttentionSpan> span_table(const std::vector<KeySpan>& spans);

/// Where one layer's keys and values are kept.
struct KeyPages {
  std::byte* base = nullptr;     // of page 0
  int64_t stride_bytes = 0;      // from a page to the next
  std::span<const int32_t> ids;  // the pages of each span, one span after the other
};

struct AttentionOptions {
  int64_t heads, kv_heads, head_dim;
  double scale;
  bool causal = true;
  int64_t window = 0;  // a token sees itself and the window - 1 tokens before it; 0: all
  double softcap = 0;  // scores become softcap · tanh(score / softcap); 0: off
};

/// Bytes of one page of one layer (64 tokens, keys and values of all kv heads).
size_t page_bytes(int64_t kv_heads, int64_t head_dim, Dtype dtype);
int64_t pages_for(int64_t num_tokens);

/// softmax(q kᵀ · scale) v for every sequence and head, each query seeing the keys up to itself (causal) or all; with a
/// window only the newest of them.
/// Writes k and v to the pages first; without ids (not serving: past is 0) to temporary ones. The score matrix is never
/// held.
///
/// Shapes   q, y [rows, heads · head_dim]; k, v [rows, kv_heads · head_dim]; the spans cover all rows.
/// Types    alike; statistics in f32. A row's bits do not depend on chunking or on other sequences.
/// Saves    q, k, v, y (no copy) and lse, f32 [rows, heads].
/// Source   Dao 2023, arXiv:2307.08691 (FlashAttention-2).
Tensor attention(Context&, const Tensor& q, const Tensor& k, const Tensor& v, const std::vector<KeySpan>& spans,
                 const AttentionOptions& options, const KeyPages& pages = {});

}  // namespace maru
