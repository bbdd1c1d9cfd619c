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
/// The sequences of a batch: on the host to plan with, on the device for kernels. Uploaded once a step, for all layers.
struct KeySpans {
  std::vector<KeySpan> host;
  int64_t rows = 0, longest = 0, num_pages = 0;  // of all; the most keys that one has; pages that all fill
  Tensor table;                                  // kernels::AttentionSpan, one for each
  // i32 [pages, 1]: those of each span, pages_for(past + rows), one span after the other; empty: no cache.
  Tensor pages;

  KeySpans(Context&, std::vector<KeySpan> spans, std::span<const int32_t> page_ids = {});
  int64_t size() const { return static_cast<int64_t>(host.size()); }
};

/// Where one layer's keys and values are kept, on the device.
struct KeyPages {
  std::byte* base = nullptr;  // of page 0; null: nowhere, they are needed in this step alone
  int64_t stride_bytes = 0;   // from a page to the next
  bool int8 = false;          // in 8 bits, with a scale for each token and head
};

struct AttentionOptions {
  int64_t heads, kv_heads, head_dim;
  double scale;
  bool causal = true;
  int64_t window = 0;  // a token sees itself and the window - 1 tokens before it; 0: all
  double softcap = 0;  // scores become softcap · tanh(score / softcap); 0: off
};

/// Bytes of one page of one layer (64 tokens, keys and values of all kv heads).
size_t page_bytes(int64_t kv_heads, int64_t head_dim, Dtype dtype, bool int8 = false);
int64_t pages_for(int64_t num_tokens);

/// softmax(q kᵀ · scale) v for every sequence and head, each query seeing the keys up to itself (causal) or all; with a
/// window only the newest of them.
/// Writes k and v to the pages first; without a place (not serving: past is 0) to temporary ones. The score matrix is
/// never held.
///
/// Shapes   q, y [rows, heads · head_dim]; k, v [rows, kv_heads · head_dim]; the spans cover all rows.
/// Types    alike; statistics in f32. A row's bits do not depend on chunking or on other sequences.
/// Saves    q, k, v, y (no copy) and lse, f32 [rows, heads].
/// Source   Dao 2023, arXiv:2307.08691 (FlashAttention-2).
Tensor attention(Context&, const Tensor& q, const Tensor& k, const Tensor& v, const KeySpans& spans,
                 const AttentionOptions& options, const KeyPages& pages = {});

}  // namespace maru
