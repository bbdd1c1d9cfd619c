// How attention is cut into tasks, the same for every instruction set and thread count, and where workers keep their
// blocks. Filled in by dispatch.cc, read by cpu.cc; everything is inlined, so that no symbol is shared between
// instruction sets.
#pragma once
#include "kernels/attention/attention.h"

namespace maru::kernels {

#define MARU_ATTENTION_INLINE [[gnu::always_inline]] inline

inline constexpr int64_t kAttentionTileRows = 32;  // at most, of any instruction set
inline constexpr int64_t kMaxLanes = 16;

/// The tasks of one span are [first, first of the next entry); costly spans come first.
struct SpanTasks {
  int64_t first, span;
};

struct TaskPlan {
  const SpanTasks* spans;  // num_spans entries and one behind them, whose `first` is the number of all tasks
  int64_t num_spans;
  std::byte* workspace;  // of worker 0; the next worker's lies worker_bytes behind
  int64_t worker_bytes;
  float*
      partials;  // backward only: sums of the sequences that are split, [row, kv head, range, 2, head_dim] by sequence
  int64_t longest;  // rows of the longest span

  MARU_ATTENTION_INLINE int64_t tasks() const { return spans[num_spans].first; }
};

/// Hands out aligned arrays from one piece of memory; without memory it only counts.
struct Carver {
  std::byte* memory = nullptr;
  int64_t used = 0;

  template <class U>
  MARU_ATTENTION_INLINE U* take(int64_t n) {
    U* const p = memory == nullptr ? nullptr : reinterpret_cast<U*>(memory + used);
    used += (n * static_cast<int64_t>(sizeof(U)) + 63) / 64 * 64;
    return p;
  }
  MARU_ATTENTION_INLINE std::byte* rest() const { return memory + used; }
};

/// Tokens of a forward task: a power of two, so that a block of tokens never straddles a page and all of its rows see
/// the same pages; with the query heads that share a kv head 256 rows at most (or one token).
MARU_ATTENTION_INLINE int64_t block_tokens(const AttentionShape& shape) {
  int64_t tokens = kPageTokens;
  while (tokens > 1 && tokens * (shape.heads / shape.kv_heads) > 256) tokens /= 2;
  return tokens;
}

/// Tasks of a span: each block of tokens times each kv head.
MARU_ATTENTION_INLINE int64_t forward_blocks(const AttentionShape& shape, const AttentionSpan& span) {
  if (span.rows == 0) return 0;
  const int64_t step = block_tokens(shape);
  return (span.past + span.rows - 1) / step - span.past / step + 1;
}

template <class T>
struct ForwardWorkspace {
  T* q;            // [rows, head_dim]
  float* out;      // [rows, head_dim], not yet divided by the sum
  float* top;      // [rows], greatest score so far
  float* sum;      // [rows, lanes]; key j of a page is summed in lane j mod lanes
  float* scores;   // [tile rows, kPageTokens]
  T* weights;      // [tile rows, kPageTokens]
  float* new_top;  // [tile rows]
  float* rescale;  // [tile rows]
  // Of int8 pages: keys and values of a head as full pages have them, and scales, one for each element of a row.
  T *keys, *values;  // [head_dim · kPageTokens]
  float* scales;     // [words of a row, kWord]

  MARU_ATTENTION_INLINE ForwardWorkspace(Carver& carver, const AttentionShape& s) {
    const int64_t rows = block_tokens(s) * (s.heads / s.kv_heads);
    q = carver.take<T>(rows * s.head_dim);
    out = carver.take<float>(rows * s.head_dim);
    top = carver.take<float>(rows);
    sum = carver.take<float>(rows * kMaxLanes);
    scores = carver.take<float>(kAttentionTileRows * kPageTokens);
    weights = carver.take<T>(kAttentionTileRows * kPageTokens);
    new_top = carver.take<float>(kAttentionTileRows);
    rescale = carver.take<float>(kAttentionTileRows);
    keys = carver.take<T>(s.int8_pages ? kPageTokens * s.head_dim : 0);
    values = carver.take<T>(s.int8_pages ? kPageTokens * s.head_dim : 0);
    scales = carver.take<float>(s.int8_pages ? 2 * (kPageTokens + s.head_dim) : 0);
  }
};

/// In how many parts the query blocks of a sequence are walked by the backward, each with its own sums of dk and dv,
/// which are added in order: two where one sequence has few kv heads to share among threads.
MARU_ATTENTION_INLINE bool may_split(const AttentionShape& shape) { return shape.kv_heads < 8; }
MARU_ATTENTION_INLINE int64_t backward_ranges(const AttentionShape& shape, int64_t rows) {
  return may_split(shape) && rows >= 8 * kPageTokens ? 2 : 1;
}

/// Blocks of one worker of the backward: of 64 queries of one head ("packed" for the products, see tiles.h), of the
/// keys of one kv head, and of one tile of keys times 64 queries.
template <class T>
struct BackwardWorkspace {
  static constexpr int64_t kWord = sizeof(uint32_t) / sizeof(T);
  uint32_t *q_columns, *dout_columns;  // [head_dim / kWord, kPageTokens]
  uint32_t *q_rows, *dout_rows;        // [kPageTokens / kWord, head_dim]
  float *lse, *delta;                  // [kPageTokens], lse in units of log2, delta = Σ dout·out
  float* dq_columns;                   // [head_dim, kPageTokens]
  float* dq_rows;                      // [kPageTokens, head_dim]
  float *scores, *dweights;            // [tile rows, kPageTokens]
  T *weights, *dscores;                // [tile rows, kPageTokens]
  uint32_t* dscore_panel;              // [kPageTokens / kWord, kPageTokens]
  T* key_columns;                      // [key blocks, head_dim, kPageTokens]
  float *dk, *dv;                      // [longest, head_dim], sums of a sequence that is not split

  MARU_ATTENTION_INLINE BackwardWorkspace(Carver& carver, const AttentionShape& s, int64_t longest) {
    const int64_t block = kPageTokens * s.head_dim, tile = kAttentionTileRows * kPageTokens;
    q_columns = carver.take<uint32_t>(block / kWord);
    dout_columns = carver.take<uint32_t>(block / kWord);
    q_rows = carver.take<uint32_t>(block / kWord);
    dout_rows = carver.take<uint32_t>(block / kWord);
    lse = carver.take<float>(kPageTokens);
    delta = carver.take<float>(kPageTokens);
    dq_columns = carver.take<float>(block);
    dq_rows = carver.take<float>(block);
    scores = carver.take<float>(tile);
    dweights = carver.take<float>(tile);
    weights = carver.take<T>(tile);
    dscores = carver.take<T>(tile);
    dscore_panel = carver.take<uint32_t>(kPageTokens * kPageTokens / kWord);
    key_columns = carver.take<T>(divide_up(longest, kPageTokens) * block);
    dk = carver.take<float>(longest * s.head_dim);
    dv = carver.take<float>(longest * s.head_dim);
  }
};

/// The same for one instruction set, T = float or bfloat16.
template <Isa kIsa, class T>
void append_keys(ThreadPool& pool, const AppendKeys<T>& a);
template <Isa kIsa, class T>
void attention_forward(ThreadPool& pool, const AttentionForward<T>& a, const TaskPlan& plan);
template <Isa kIsa, class T>
void attention_backward(ThreadPool& pool, const AttentionBackward<T>& a, const TaskPlan& plan);

}  // namespace maru::kernels
