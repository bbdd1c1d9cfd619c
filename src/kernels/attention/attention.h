// Attention over paged keys and values: append, forward, backward.
//
// Forward reads keys and values from pages only, so that training, prefill, chunked prefill and cached decode are one
// kernel. The bits of an output row depend on its query and on the keys and values that it sees, and on nothing else:
// not on the rows, chunks or other sequences of the call, nor on the thread count.
// Neither pass ever holds a score matrix: scores live in blocks of 64 keys per worker.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

inline constexpr int64_t kPageTokens = 64;

/// A page holds 64 tokens of one layer: K of every kv head, then V of every kv head, packed for the multiplication.
///   bfloat16  K of a head [head_dim/2][64 tokens][2]   V of a head [64/2][head_dim][2]   (pairs for vdpbf16ps)
///   else      K of a head [head_dim][64 tokens]        V of a head [64][head_dim]
/// A page must be aligned to 64 bytes.
constexpr int64_t page_elements(int64_t kv_heads, int64_t head_dim) { return 2 * kPageTokens * kv_heads * head_dim; }

/// The same in 8 bits: elements in the order of the type that is computed in, then f32 scales [2, kv_heads, 64], one
/// for each token's key and value of a head: the greatest magnitude / 127. A number is its element times its scale,
/// rounded to the type. A multiple of 64 bytes.
constexpr int64_t int8_page_bytes(int64_t kv_heads, int64_t head_dim) {
  const int64_t bytes = page_elements(kv_heads, head_dim) + 2 * kv_heads * kPageTokens * 4;
  return (bytes + 63) / 64 * 64;
}

struct AttentionShape {
  int64_t heads;  // of queries; a multiple of kv_heads: query head h reads kv head h / (heads / kv_heads)
  int64_t kv_heads;
  int64_t head_dim;         // even
  double scale;             // of q·k, usually 1 / sqrt(head_dim)
  bool causal = true;       // a token sees itself and the tokens before it; otherwise every token of its sequence
  int64_t window = 0;       // causal only: a token sees itself and the window - 1 tokens before it; 0: all of them
  double softcap = 0;       // a score s becomes softcap · tanh(s / softcap); 0: off. Source: Bello et al. 2017,
                            // arXiv:1611.09940, §5 (as in Gemma 2, arXiv:2408.00118, §2.1)
  bool int8_pages = false;  // f32 and bf16 only
};

/// The first key that the token at `position` sees.
constexpr int64_t first_key_seen(const AttentionShape& s, int64_t position) {
  return s.window > 0 && position >= s.window ? position - s.window + 1 : 0;
}

/// One sequence of a packed batch: rows [first_row, first_row + rows) are its newest tokens, `past` tokens precede them
/// in its pages, which stand in the batch's table from `first_page` on; the i-th holds tokens [64 i, 64 i + 64).
/// Sequences may share pages that lie wholly in the past of both.
struct AttentionSpan {
  int64_t first_row, rows, past, first_page;
};

/// The pages of one layer. Of numbers, not of addresses: one table serves all layers, and a captured graph.
template <class T>
struct PageTable {
  T* memory;           // of page 0, aligned to 64
  int64_t stride;      // elements from a page to the next, a multiple of 64 bytes
  const int32_t* ids;  // the pages of each sequence, one sequence after the other; null: 0, 1, 2, …

  [[gnu::always_inline]] T* page(const AttentionSpan& span, int64_t i) const {
    const int64_t entry = span.first_page + i;
    return memory + (ids != nullptr ? ids[entry] : entry) * stride;
  }
};

/// Writes the keys and values of all rows into their sequences' pages. A page is cleared when its first token arrives,
/// so that lanes without a token are finite; before that its contents do not matter.
///
/// Shapes   k, v [rows, kv_heads · head_dim], rows k_stride and v_stride elements apart (even).
template <class T>
struct AppendKeys {
  AttentionShape shape;
  const T* k;
  const T* v;
  int64_t k_stride, v_stride;
  PageTable<T> pages;
  const AttentionSpan* spans;
  int64_t num_spans;
};

/// out = softmax(scale · q kᵀ) v for every row and head, over the keys in the pages (append_keys first).
///
/// Shapes   q, out [rows, heads · head_dim] with row strides in elements; lse [rows, heads].
/// Types    scores, softmax and sums in Accumulator<T>; for bfloat16 the weights are rounded to it before they meet v.
/// Saves    lse = log Σ exp(scale · q·k), natural; may be null.
/// Source   Milakov & Gimelshein 2018, arXiv:1805.02867 (online softmax); Dao 2023, arXiv:2307.08691, algorithm 1.
template <class T>
struct AttentionForward {
  AttentionShape shape;
  T* out;
  int64_t out_stride;
  Accumulator<T>* lse;
  const T* q;
  int64_t q_stride;
  PageTable<const T> pages;
  const AttentionSpan* spans;
  int64_t num_spans;
  std::byte* scratch;  // attention_forward_scratch_bytes
};

/// Gradients of q, k and v from that of out. Reads no pages and needs spans with past = 0.
///
/// Shapes   q, dq, out, dout [rows, heads · head_dim]; k, dk, v, dv [rows, kv_heads · head_dim]; lse [rows, heads].
///          Row strides in elements, even.
/// Types    dq, dk, dv are summed in Accumulator<T>; for bfloat16 the blocks of weights and of their gradients are
///          rounded to it before they are multiplied.
/// Source   Dao 2023, arXiv:2307.08691, algorithm 2.
template <class T>
struct AttentionBackward {
  AttentionShape shape;
  T* dq;
  T* dk;
  T* dv;
  int64_t dq_stride, dk_stride, dv_stride;
  bool add_dq, add_dk, add_dv;  // add to it, or overwrite it
  const T* dout;
  const T* out;
  const T* q;
  const T* k;
  const T* v;
  int64_t dout_stride, out_stride, q_stride, k_stride, v_stride;
  const Accumulator<T>* lse;
  const AttentionSpan* spans;
  int64_t num_spans;
  std::byte* scratch;  // attention_backward_scratch_bytes
};

/// Scratch for any call with at most `num_spans` sequences.
template <class T>
int64_t attention_forward_scratch_bytes(const CpuStream& stream, const AttentionShape& shape, int64_t num_spans);
/// The same for at most `rows` rows in all and `longest` in one sequence.
template <class T>
int64_t attention_backward_scratch_bytes(const CpuStream& stream, const AttentionShape& shape, int64_t num_spans,
                                         int64_t rows, int64_t longest);

template <class T>
void append_keys(CpuStream& stream, const AppendKeys<T>& a);
template <class T>
void attention_forward(CpuStream& stream, const AttentionForward<T>& a);
template <class T>
void attention_backward(CpuStream& stream, const AttentionBackward<T>& a);

}  // namespace maru::kernels
