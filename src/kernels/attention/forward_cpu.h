// Forward pass of attention. Included by cpu.cc and amx.cc only.
//
// A task is a block of tokens of one sequence with the query heads that share a kv head. It walks the pages from the
// first one with the online softmax. Rows are ordered token by token, then head by head. Keys that a row does not see
// get the score kMasked, whose weight is exactly 0; leaving out whole lanes or steps of such keys changes no bits,
// since adding 0 does not (the sign of a zero sum aside, which the last step clears). A page of which a row sees
// nothing because its window begins later leaves weights of nothing behind, which the next page's rescaling multiplies
// by 0. Scores are in units of log2, so that exp2 does.
#pragma once
#include "kernels/attention/int8_pages.h"
#include "kernels/attention/plan.h"
#include "kernels/attention/tiles.h"

namespace maru::kernels {
namespace {

template <class T>
struct ForwardBlock {
  const AttentionForward<T>& a;
  const AttentionSpan& span;
  ForwardWorkspace<T> w;
  int64_t kv_head;
  int64_t first;  // position of the first token in its sequence
  int64_t rows;   // tokens times heads of the group
  int64_t group;  // query heads of a kv head

  const T* keys(int64_t page) const {
    return a.shape.int8_pages ? w.keys : a.pages.page(span, page) + kv_head * kPageTokens * a.shape.head_dim;
  }
  const T* values(int64_t page) const {
    return a.shape.int8_pages ? w.values : keys(page) + a.shape.kv_heads * kPageTokens * a.shape.head_dim;
  }
  /// The keys of the next page where they are multiplied as they lie, else nothing to fetch.
  const T* next_keys(int64_t page) const {
    return a.shape.int8_pages || page + 1 >= pages() ? nullptr : keys(page + 1);
  }
  int64_t pages() const { return divide_up(keys_seen(rows - 1), kPageTokens); }
  int64_t first_page() const { return first_key_seen(a.shape, first) / kPageTokens; }
  int64_t total_keys() const { return span.past + span.rows; }
  int64_t keys_seen(int64_t row) const { return a.shape.causal ? first + row / group + 1 : total_keys(); }
  int64_t keys_in_page(int64_t row, int64_t page) const {
    return smaller(keys_seen(row) - page * kPageTokens, kPageTokens);
  }
  /// Columns of a page that lie before the row's window.
  int64_t keys_before(int64_t row, int64_t page) const {
    const int64_t hidden = first_key_seen(a.shape, first + row / group) - page * kPageTokens;
    return hidden < 0 ? 0 : smaller(hidden, kPageTokens);
  }
  int64_t token_row(int64_t row) const { return span.first_row + first - span.past + row / group; }
  int64_t head(int64_t row) const { return kv_head * group + row % group; }
};

template <class T>
void load_queries(const ForwardBlock<T>& b) {
  const int64_t n = b.a.shape.head_dim;
  for (int64_t row = 0; row < b.rows; ++row) {
    const T* q = b.a.q + b.token_row(row) * b.a.q_stride + b.head(row) * n;
    __builtin_memcpy(b.w.q + row * n, q, static_cast<size_t>(n) * sizeof(T));
    b.w.top[row] = kMasked;
    store(b.w.sum + row * kLanes, F32());
  }
}

/// A soft cap, and a mask of the columns before the window: what most models do without.
template <class T>
MARU_INLINE void restrict_scores(const ForwardBlock<T>& b, int64_t page, int64_t row, float* scores, int64_t lanes) {
  const AttentionShape& s = b.a.shape;
  if (s.softcap != 0)
    cap_scores(scores, 0, lanes, static_cast<float>(s.scale / s.softcap), static_cast<float>(s.softcap));
  if (s.window == 0) return;
  if (const int64_t hidden = b.keys_before(row, page); hidden > 0)
    add_mask(scores, 0, lanes, kMasks.drop_first(hidden));
}

/// Scales and masks the scores of a row, returns the greatest of them and of `top`.
MARU_INLINE float finish_scores(float* scores, int64_t keys, int64_t lanes, F32 scale, float top) {
  const float* mask = kMasks.keep_first(keys);
  F32 greatest(top);
  for (int64_t j = 0; j < lanes; j += kLanes) {
    const F32 score = fma(load(scores + j), scale, load(mask + j));
    store(scores + j, score);
    greatest = max(greatest, score);
  }
  return reduce_max(greatest);
}

/// Weights of a row of scores, and their sum.
template <class T>
MARU_INLINE void weigh(const float* scores, T* weights, int64_t lanes, float top, float rescale, float* sum) {
  F32 total = load(sum) * F32(rescale);
  for (int64_t j = 0; j < lanes; j += kLanes) {
    const F32 weight = exp2(load(scores + j) - F32(top));
    total = total + weight;
    store(weights + j, weight);
  }
  store(sum, total);
}

template <class T>
void softmax_tile(const ForwardBlock<T>& b, int64_t page, int64_t row, int64_t rows, int64_t lanes) {
  const F32 scale(score_scale(b.a.shape) * kLog2e);
  const ForwardWorkspace<T>& w = b.w;
  if (is_restricted(b.a.shape))
    for (int64_t i = 0; i < rows; ++i) restrict_scores(b, page, row + i, w.scores + i * kPageTokens, lanes);
  for (int64_t i = 0; i < rows; ++i)
    w.new_top[i] =
        finish_scores(w.scores + i * kPageTokens, b.keys_in_page(row + i, page), lanes, scale, w.top[row + i]);
  for_lanes(rows, [&](int64_t i, int64_t n) {
    store(w.rescale + i, exp2(load(w.top + row + i, n) - load(w.new_top + i, n)), n);
    store(w.top + row + i, load(w.new_top + i, n), n);
  });
  for (int64_t i = 0; i < rows; ++i)
    weigh(w.scores + i * kPageTokens, w.weights + i * kPageTokens, lanes, w.new_top[i], w.rescale[i],
          w.sum + (row + i) * kLanes);
}

/// One page for a tile of rows. The first tile fetches what comes next: decode waits for memory only, and the block of
/// a head is too short for the hardware to run ahead.
template <class T>
void attend_tile(const ForwardBlock<T>& b, int64_t page, int64_t row, int64_t rows) {
  const AttentionShape& s = b.a.shape;
  const int64_t keys = b.keys_in_page(row + rows - 1, page), lanes = round_up(keys, kColumnStep);
  const T *keys_of_head = b.keys(page), *values_of_head = b.values(page);
  multiply<T>({.a = words(b.w.q + row * s.head_dim),
               .lda = s.head_dim / kPerWord<T>,
               .b = words(keys_of_head),
               .ldb = kPageTokens,
               .depth = s.head_dim / kPerWord<T>,
               .c = b.w.scores,
               .ldc = kPageTokens,
               .cols = lanes,
               .next = row == 0 ? words(values_of_head) : nullptr},
              rows);
  softmax_tile(b, page, row, rows, lanes);
  multiply<T>({.a = words(b.w.weights),
               .lda = kPageTokens / kPerWord<T>,
               .b = words(values_of_head),
               .ldb = s.head_dim,
               .depth = divide_up(keys, kPerWord<T>),
               .c = b.w.out + row * s.head_dim,
               .ldc = s.head_dim,
               .cols = s.head_dim,
               .start = page == b.first_page() ? Start::kZero : Start::kRescale,
               .rescale = b.w.rescale,
               .next = row == 0 && b.next_keys(page) != nullptr ? words(b.next_keys(page)) : nullptr},
              rows);
}

template <class T>
void finish_row(const ForwardBlock<T>& b, int64_t row) {
  const int64_t n = b.a.shape.head_dim, token = b.token_row(row), head = b.head(row);
  const float sum = reduce_add(load(b.w.sum + row * kLanes));
  const F32 inverse(1.0f / sum);
  T* out = b.a.out + token * b.a.out_stride + head * n;
  const float* total = b.w.out + row * n;
  for_lanes(n, [&](int64_t d, int64_t lanes) { store(out + d, fma(load(total + d, lanes), inverse, F32()), lanes); });
  if (b.a.lse != nullptr) b.a.lse[token * b.a.shape.heads + head] = b.w.top[row] * kLn2 + __builtin_logf(sum);
}

/// One head of an int8 page, for all rows of the block.
template <class T>
void unpack(const ForwardBlock<T>& b, int64_t page) {
  const auto* memory = reinterpret_cast<const std::byte*>(b.a.pages.page(b.span, page));
  const Int8Page<T> packed{b.a.shape, const_cast<std::byte*>(memory)};
  dequantize_keys(packed, b.kv_head, b.w.scales, b.w.keys);
  dequantize_values(packed, b.kv_head, b.w.scales, b.w.values);
}

template <class T>
void attend(const ForwardBlock<T>& b) {
  load_queries(b);
  for (int64_t page = b.first_page(); page < b.pages(); ++page) {
    if (b.a.shape.int8_pages) unpack(b, page);
    for (int64_t row = 0; row < b.rows; row += kTileRows) attend_tile(b, page, row, smaller(kTileRows, b.rows - row));
  }
  for (int64_t row = 0; row < b.rows; ++row) finish_row(b, row);
}

/// The block of a span's local task: head by head, whose pages then stay in the cache, and later blocks, which see more
/// keys, first.
template <class T>
ForwardBlock<T> forward_block(const AttentionForward<T>& a, const AttentionSpan& span, int64_t local,
                              const ForwardWorkspace<T>& w) {
  const int64_t step = block_tokens(a.shape), group = a.shape.heads / a.shape.kv_heads, total = span.past + span.rows;
  const int64_t blocks = forward_blocks(a.shape, span), begin = ((total - 1) / step - local % blocks) * step;
  const int64_t first = begin > span.past ? begin : span.past, last = smaller(begin + step, total);
  return {a, span, w, local / blocks, first, (last - first) * group, group};
}

template <class T>
void forward(ThreadPool& pool, const AttentionForward<T>& a, const TaskPlan& plan) {
  pool.parallel_for(plan.tasks(), [&](int64_t task, int worker) {
    const SpanTasks& tasks = find_span(plan, task);
    Carver carver{plan.workspace + worker * plan.worker_bytes};
    const ProductUnit unit;
    attend(forward_block(a, a.spans[tasks.span], task - tasks.first, ForwardWorkspace<T>(carver, a.shape)));
  });
}

}  // namespace
}  // namespace maru::kernels
