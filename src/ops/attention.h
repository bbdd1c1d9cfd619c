// Scaled dot-product attention over packed sequences, keys read from pages.
#pragma once
#include <vector>

#include "ops/context.h"

namespace maru {

/// One sequence of a batch: rows [first_row, first_row + rows) are its newest tokens, `past` tokens precede them.
/// `pages` are this layer's pages of the sequence's cache; empty when not serving: then past is 0 and keys live in
/// temporary pages.
struct KeySpan {
  int64_t first_row = 0, rows = 0, past = 0;
  std::vector<std::byte*> pages;
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
/// Writes k and v to the pages first. The score matrix is never held.
///
/// Shapes   q, y [rows, heads · head_dim]; k, v [rows, kv_heads · head_dim]; the spans cover all rows.
/// Types    alike; statistics in f32. A row's bits do not depend on chunking or on other sequences.
/// Saves    q, k, v, y (no copy) and lse, f32 [rows, heads].
/// Source   Dao 2023, arXiv:2307.08691 (FlashAttention-2).
Tensor attention(Context&, const Tensor& q, const Tensor& k, const Tensor& v, const std::vector<KeySpan>& spans,
                 const AttentionOptions& options);

}  // namespace maru
