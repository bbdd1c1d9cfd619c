// Backward pass of attention. Included by cpu.cc and amx.cc only.
//
// A task is one kv head of one sequence (or one range of its query blocks): query block by query block, head by head of
// the group, key block by key block, it recomputes weights from lse and adds to dk, dv and dq. Scores are held
// transposed, a row per key: so lse and delta lie along lanes, and weights are ready as left factors for dv and dk.
// dq is summed transposed as well.
#pragma once
#include "kernels/attention/plan.h"
#include "kernels/attention/tiles.h"

namespace maru::kernels {
namespace {

template <class T>
struct BackwardTask {
  const AttentionBackward<T>& a;
  const AttentionSpan& span;
  BackwardWorkspace<T> w;
  int64_t kv_head;
  float *dk, *dv;  // [span.rows, head_dim]

  const T* key(int64_t token) const { return at(a.k, a.k_stride, token, kv_head); }
  const T* value(int64_t token) const { return at(a.v, a.v_stride, token, kv_head); }
  template <class U>
  U* at(U* base, int64_t stride, int64_t token, int64_t head) const {
    return base + (span.first_row + token) * stride + head * a.shape.head_dim;
  }
};

/// 64 (or at the end fewer) queries of one head.
struct QueryBlock {
  int64_t head, first, tokens;
  int64_t first_key;  // of the first block of keys that its queries see
};

/// A tile of keys against a query block; queries before `from` see none of these keys.
struct KeyTile {
  int64_t first, keys;  // first counts from the key block's begin
  int64_t from;
  bool diagonal;
  int64_t before;  // of the first query, counted from the tile's first key: how far the key block lies back
};

template <class T>
void load_queries(const BackwardTask<T>& t, const QueryBlock& b) {
  const AttentionBackward<T>& a = t.a;
  const int64_t n = a.shape.head_dim;
  const T *q = t.at(a.q, a.q_stride, b.first, b.head), *dout = t.at(a.dout, a.dout_stride, b.first, b.head);
  for (Word* panel : {t.w.q_columns, t.w.dout_columns, t.w.q_rows, t.w.dout_rows})
    if (b.tokens < kPageTokens) __builtin_memset(panel, 0, static_cast<size_t>(kPageTokens * n) * sizeof(T));
  pack_columns(t.w.q_columns, kPageTokens, q, a.q_stride, 0, b.tokens, n);
  pack_columns(t.w.dout_columns, kPageTokens, dout, a.dout_stride, 0, b.tokens, n);
  pack_rows(t.w.q_rows, q, a.q_stride, 0, b.tokens, n);
  pack_rows(t.w.dout_rows, dout, a.dout_stride, 0, b.tokens, n);
}

/// lse and delta = Σ dout·out of each query; behind the last one, values that make all weights 0.
template <class T>
void load_statistics(const BackwardTask<T>& t, const QueryBlock& b) {
  const AttentionBackward<T>& a = t.a;
  for (int64_t i = 0; i < kPageTokens; ++i) {
    t.w.lse[i] = -kMasked;
    t.w.delta[i] = 0;
    if (i >= b.tokens) continue;
    const T* out = t.at(a.out, a.out_stride, b.first + i, b.head);
    const T* dout = t.at(a.dout, a.dout_stride, b.first + i, b.head);
    F32 delta;
    for_lanes(a.shape.head_dim, [&](int64_t d, int64_t n) { delta = fma(load(out + d, n), load(dout + d, n), delta); });
    t.w.delta[i] = reduce_add(delta);
    t.w.lse[i] = a.lse[(t.span.first_row + b.first + i) * a.shape.heads + b.head] * kLog2e;
  }
}

/// key_columns[block][d][token] of the whole sequence: the left factor of dq.
template <class T>
void load_keys(const BackwardTask<T>& t) {
  const int64_t n = t.a.shape.head_dim;
  for (int64_t first = 0; first < t.span.rows; first += kPageTokens) {
    const int64_t keys = smaller(kPageTokens, t.span.rows - first);
    T* columns = t.w.key_columns + first * n;
    Word* panel = kPerWord<T> == 1 ? reinterpret_cast<Word*>(columns) : t.w.q_columns;
    if (keys < kPageTokens) __builtin_memset(panel, 0, static_cast<size_t>(kPageTokens * n) * sizeof(T));
    pack_columns(panel, kPageTokens, t.key(first), t.a.k_stride, 0, keys, n);
    if constexpr (kPerWord<T> == 2)
      for (int64_t d = 0; d < n; d += 2) split_words(columns + d * kPageTokens, panel + d / 2 * kPageTokens);
  }
}

/// 1 - (score / cap)², the slope of a soft cap where it gave this score.
MARU_INLINE F32 slope_at(F32 score, F32 inverse_cap) {
  const F32 part = max(F32(-1.0f), score * inverse_cap);  // masked scores are far below: their weight is 0
  return fma(F32(0.0f) - part, part, F32(1.0f));
}

/// Weights and gradients of the scores of a row of a tile, from its scores and the gradients of the weights.
template <bool kCapped, class T>
MARU_INLINE void differentiate_row(const BackwardTask<T>& t, int64_t row, T* dscores, const float* mask, int64_t from,
                                   int64_t lanes) {
  const F32 scale(score_scale(t.a.shape) * kLog2e),
      inverse_cap(kCapped ? static_cast<float>(1 / t.a.shape.softcap) : 0);
  const float *scores = t.w.scores + row * kPageTokens, *dweights = t.w.dweights + row * kPageTokens;
  T* weights = t.w.weights + row * kPageTokens;
  for (int64_t j = from; j < lanes; j += kLanes) {
    const F32 score = load(scores + j), weight = exp2(fma(score, scale, load(mask + j)) - load(t.w.lse + j));
    F32 dscore = weight * (load(dweights + j) - load(t.w.delta + j));
    if constexpr (kCapped) dscore = dscore * slope_at(score, inverse_cap);
    store(weights + j, weight);
    store(dscores + j, dscore);
  }
}

/// Where the gradients of a tile's scores go; for float the panel itself.
template <class T>
MARU_INLINE T* dscore_rows(const BackwardTask<T>& t, const KeyTile& k) {
  return kPerWord<T> == 1 ? reinterpret_cast<T*>(t.w.dscore_panel) + k.first * kPageTokens : t.w.dscores;
}

/// A soft cap, and a mask of the queries whose windows begin behind the key.
template <class T>
MARU_INLINE void restrict_row(const BackwardTask<T>& t, const KeyTile& k, int64_t row, int64_t lanes) {
  const AttentionShape& s = t.a.shape;
  float* scores = t.w.scores + row * kPageTokens;
  const float cap = static_cast<float>(s.softcap);
  if (s.softcap != 0) cap_scores(scores, k.from, lanes, static_cast<float>(s.scale / s.softcap), cap);
  if (s.window == 0) return;
  const int64_t seen = s.window - k.before + row;  // queries of the block that see this key
  if (seen < kPageTokens) add_mask(scores, k.from, lanes, kMasks.keep_first(seen < 0 ? 0 : seen));
}

template <class T>
void differentiate(const BackwardTask<T>& t, const KeyTile& k, int64_t lanes) {
  T* dscores = dscore_rows(t, k);
  for (int64_t i = 0; i < k.keys; ++i) {
    T* row = dscores + i * kPageTokens;
    const float* mask = k.diagonal ? kMasks.drop_first(k.first + i) : kMasks.keep_first(kPageTokens);
    __builtin_memset(row, 0, static_cast<size_t>(k.from) * sizeof(T));
    if (is_restricted(t.a.shape)) restrict_row(t, k, i, lanes);
    if (t.a.shape.softcap != 0)
      differentiate_row<true>(t, i, row, mask, k.from, lanes);
    else
      differentiate_row<false>(t, i, row, mask, k.from, lanes);
  }
  if constexpr (kPerWord<T> == 2) {
    Word* step = t.w.dscore_panel + k.first / 2 * kPageTokens;
    if (k.keys % 2 != 0) __builtin_memset(step + k.keys / 2 * kPageTokens, 0, kPageTokens * sizeof(Word));
    pack_rows(step, dscores, kPageTokens, 0, k.keys, kPageTokens);
  }
}

/// scores = keys · queriesᵀ and gradients of the weights = values · doutᵀ, both [keys, queries].
template <class T>
void score_tile(const BackwardTask<T>& t, int64_t first_key, const KeyTile& k, int64_t lanes) {
  Product p{.a = words(t.key(first_key + k.first)),
            .lda = t.a.k_stride / kPerWord<T>,
            .b = t.w.q_columns + k.from,
            .ldb = kPageTokens,
            .depth = t.a.shape.head_dim / kPerWord<T>,
            .c = t.w.scores + k.from,
            .ldc = kPageTokens,
            .cols = lanes - k.from};
  multiply<T>(p, k.keys);
  p.a = words(t.value(first_key + k.first));
  p.lda = t.a.v_stride / kPerWord<T>;
  p.b = t.w.dout_columns + k.from;
  p.c = t.w.dweights + k.from;
  multiply<T>(p, k.keys);
}

/// dv += weights · dout and dk += dscores · queries.
template <class T>
void add_to_keys(const BackwardTask<T>& t, int64_t first_key, const KeyTile& k, int64_t queries) {
  const int64_t n = t.a.shape.head_dim, skipped = k.from / kPerWord<T>;
  Product p{.a = words(t.w.weights) + skipped,
            .lda = kPageTokens / kPerWord<T>,
            .b = t.w.dout_rows + skipped * n,
            .ldb = n,
            .depth = divide_up(queries, kPerWord<T>) - skipped,
            .c = t.dv + (first_key + k.first) * n,
            .ldc = n,
            .cols = n,
            .start = Start::kAdd};
  multiply<T>(p, k.keys);
  p.a = words(dscore_rows(t, k)) + skipped;
  p.b = t.w.q_rows + skipped * n;
  p.c = t.dk + (first_key + k.first) * n;
  multiply<T>(p, k.keys);
}

template <class T>
void backward_block(const BackwardTask<T>& t, const QueryBlock& b, int64_t first_key) {
  const int64_t n = t.a.shape.head_dim, keys = smaller(kPageTokens, t.span.rows - first_key);
  const int64_t lanes = round_up(b.tokens, kColumnStep);
  const bool diagonal = t.a.shape.causal && first_key == b.first;
  for (int64_t first = 0; first < keys; first += kTileRows) {
    const KeyTile tile{first, smaller(kTileRows, keys - first), diagonal ? first / kColumnStep * kColumnStep : 0,
                       diagonal, b.first - first_key - first};
    score_tile(t, first_key, tile, lanes);
    differentiate(t, tile, lanes);
    add_to_keys(t, first_key, tile, b.tokens);
  }
  multiply<T>({.a = words(t.w.key_columns + first_key * n),
               .lda = kPageTokens / kPerWord<T>,
               .b = t.w.dscore_panel,
               .ldb = kPageTokens,
               .depth = divide_up(keys, kPerWord<T>),
               .c = t.w.dq_columns,
               .ldc = kPageTokens,
               .cols = lanes,
               .start = first_key == b.first_key ? Start::kZero : Start::kAdd},
              n);
}

/// to (+)= (from + more) · scale
template <class T>
MARU_INLINE void finish_gradient(T* to, bool add, const float* from, const float* more, F32 scale, int64_t n) {
  for_lanes(n, [&](int64_t d, int64_t lanes) {
    F32 sum = load(from + d, lanes);
    if (more != nullptr) sum = sum + load(more + d, lanes);
    sum = sum * scale;
    if (add) sum = sum + load(to + d, lanes);
    store(to + d, sum, lanes);
  });
}

template <class T>
void finish_queries(const BackwardTask<T>& t, const QueryBlock& b) {
  const AttentionBackward<T>& a = t.a;
  const int64_t n = a.shape.head_dim;
  pack_columns(reinterpret_cast<Word*>(t.w.dq_rows), n, t.w.dq_columns, kPageTokens, 0, n, b.tokens);
  for (int64_t i = 0; i < b.tokens; ++i)
    finish_gradient(t.at(a.dq, a.dq_stride, b.first + i, b.head), a.add_dq, t.w.dq_rows + i * n, nullptr,
                    F32(static_cast<float>(a.shape.scale)), n);
}

/// dk and dv of one kv head of a span; `more` is the distance to a second sum, or 0.
template <class T>
void finish_keys(const BackwardTask<T>& t, int64_t more) {
  const AttentionBackward<T>& a = t.a;
  const int64_t n = a.shape.head_dim;
  for (int64_t i = 0; i < t.span.rows; ++i) {
    const float *dk = t.dk + i * n, *dv = t.dv + i * n;
    finish_gradient(t.at(a.dk, a.dk_stride, i, t.kv_head), a.add_dk, dk, more != 0 ? dk + more : nullptr,
                    F32(static_cast<float>(a.shape.scale)), n);
    finish_gradient(t.at(a.dv, a.dv_stride, i, t.kv_head), a.add_dv, dv, more != 0 ? dv + more : nullptr, F32(1.0f), n);
  }
}

template <class T>
void backward_queries(const BackwardTask<T>& t, const QueryBlock& b) {
  load_queries(t, b);
  load_statistics(t, b);
  const int64_t last = t.a.shape.causal ? b.first + 1 : t.span.rows;
  for (int64_t first_key = b.first_key; first_key < last; first_key += kPageTokens) backward_block(t, b, first_key);
  finish_queries(t, b);
}

/// Query blocks go to two ranges in the order 0 1 1 0, so that both have the same causal work.
template <class T>
void backward_range(const BackwardTask<T>& t, int64_t range, int64_t ranges) {
  const int64_t group = t.a.shape.heads / t.a.shape.kv_heads;
  const auto bytes = static_cast<size_t>(t.span.rows * t.a.shape.head_dim) * sizeof(float);
  __builtin_memset(t.dk, 0, bytes);
  __builtin_memset(t.dv, 0, bytes);
  load_keys(t);
  for (int64_t first = 0; first < t.span.rows; first += kPageTokens) {
    if ((first / kPageTokens + 1) / 2 % ranges != range) continue;
    const int64_t first_key = first_key_seen(t.a.shape, first) / kPageTokens * kPageTokens;
    for (int64_t g = 0; g < group; ++g)
      backward_queries(t, {t.kv_head * group + g, first, smaller(kPageTokens, t.span.rows - first), first_key});
  }
}

/// Sums of dk of one range of a kv head of a split span; dv follows dk.
template <class T>
float* partial_sums(const AttentionBackward<T>& a, const TaskPlan& plan, const AttentionSpan& span, int64_t slot) {
  const int64_t n = a.shape.head_dim;
  return plan.partials + (span.first_row * a.shape.kv_heads * 2 + slot * span.rows) * 2 * n;
}

template <class T>
void backward_task(const AttentionBackward<T>& a, const TaskPlan& plan, int64_t task, int worker) {
  const SpanTasks& tasks = find_span(plan, task);
  const AttentionSpan& span = a.spans[tasks.span];
  const int64_t ranges = backward_ranges(a.shape, span.rows), slot = task - tasks.first;
  Carver carver{plan.workspace + worker * plan.worker_bytes};
  const ProductUnit unit;
  const BackwardWorkspace<T> w(carver, a.shape, plan.longest);
  if (ranges == 1) {
    const BackwardTask<T> t{a, span, w, slot, w.dk, w.dv};
    backward_range(t, 0, 1);
    return finish_keys(t, 0);
  }
  float* sums = partial_sums(a, plan, span, slot);
  backward_range(BackwardTask<T>{a, span, w, slot / 2, sums, sums + span.rows * a.shape.head_dim}, slot % 2, 2);
}

template <class T>
void backward(ThreadPool& pool, const AttentionBackward<T>& a, const TaskPlan& plan) {
  pool.parallel_for(plan.tasks(), [&](int64_t task, int worker) { backward_task(a, plan, task, worker); });
  if (backward_ranges(a.shape, plan.longest) == 1) return;
  pool.parallel_for(a.num_spans * a.shape.kv_heads, [&](int64_t task, int) {
    const AttentionSpan& span = a.spans[task / a.shape.kv_heads];
    if (backward_ranges(a.shape, span.rows) == 1) return;
    const int64_t head = task % a.shape.kv_heads, block = span.rows * a.shape.head_dim;
    float* sums = partial_sums(a, plan, span, 2 * head);
    Carver unused;
    finish_keys(BackwardTask<T>{a, span, BackwardWorkspace<T>(unused, a.shape, 0), head, sums, sums + block},
                2 * block);
  });
}

}  // namespace
}  // namespace maru::kernels
