// Products, the packing that they want, masks and scores. Included by cpu.cc and amx.cc only.
#pragma once
#include "kernels/activation/functions.h"
#if defined(MARU_ISA_AMX)
#include "kernels/attention/amx_product.h"
#else
#include "kernels/attention/register_product.h"
#endif

namespace maru::kernels {
namespace {

// Columns of scores are used up to a multiple of this: whole registers, and whole words where the scores become a left
// factor.
constexpr int64_t kColumnStep = kLanes > 2 ? kLanes : 2;

constexpr float kMasked = -1e30f;  // finite, so that kMasked - kMasked is 0
constexpr float kLog2e = 1.44269504088896341f, kLn2 = 0.693147180559945309f;

/// 0 for kPageTokens columns, kMasked for as many, 0 again: a window of it masks the last or the first columns.
struct MaskTable {
  float values[3 * kPageTokens];
  constexpr MaskTable() : values{} {
    for (int64_t i = kPageTokens; i < 2 * kPageTokens; ++i) values[i] = kMasked;
  }
  MARU_INLINE const float* keep_first(int64_t n) const { return values + kPageTokens - n; }
  MARU_INLINE const float* drop_first(int64_t n) const { return values + 2 * kPageTokens - n; }
};
constexpr MaskTable kMasks;

MARU_INLINE bool is_restricted(const AttentionShape& s) { return s.window != 0 || s.softcap != 0; }
/// What scores are still to be multiplied with, once a soft cap had its turn.
MARU_INLINE float score_scale(const AttentionShape& s) { return s.softcap != 0 ? 1.0f : static_cast<float>(s.scale); }

/// scores = cap · tanh(scale_over_cap · scores)
MARU_INLINE void cap_scores(float* scores, int64_t from, int64_t lanes, float scale_over_cap, float cap) {
  for (int64_t j = from; j < lanes; j += kLanes)
    store(scores + j, F32(cap) * Tanh::value(load(scores + j) * F32(scale_over_cap)));
}

MARU_INLINE void add_mask(float* scores, int64_t from, int64_t lanes, const float* mask) {
  for (int64_t j = from; j < lanes; j += kLanes) store(scores + j, load(scores + j) + load(mask + j));
}

MARU_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
MARU_INLINE int64_t round_up(int64_t n, int64_t step) { return divide_up(n, step) * step; }

/// The span whose tasks include this one.
inline const SpanTasks& find_span(const TaskPlan& plan, int64_t task) {
  int64_t low = 0, high = plan.num_spans;
  while (high - low > 1) {
    const int64_t middle = (low + high) / 2;
    (plan.spans[middle].first <= task ? low : high) = middle;
  }
  return plan.spans[low];
}

template <class T>
MARU_INLINE const Word* words(const T* p) {
  return reinterpret_cast<const Word*>(p);
}

/// panel[word][token] = word of the token's row, for tokens [first, last); steps of the panel are `columns` words long.
/// `rows` is the row of token `first`.
template <class T>
void pack_columns(Word* panel, int64_t columns, const T* rows, int64_t stride, int64_t first, int64_t last,
                  int64_t elements) {
  const int64_t num_words = elements / kPerWord<T>;
  int64_t t = first;
  while (t < last) {
    const T* row = rows + (t - first) * stride;
    if (t % kLanes != 0 || t + kLanes > last) {
      for (int64_t w = 0; w < num_words; ++w)
        __builtin_memcpy(panel + w * columns + t, row + w * kPerWord<T>, sizeof(Word));
      ++t;
      continue;
    }
    for (int64_t w = 0; w < num_words; w += kLanes) {
      const int64_t n = smaller(num_words - w, kLanes);
      Words block[kLanes];
      for (int i = 0; i < kLanes; ++i) block[i] = load_elements(row + i * stride + w * kPerWord<T>, n * kPerWord<T>);
      transpose(block);
      for (int64_t i = 0; i < n; ++i) store_words(panel + (w + i) * columns + t, block[i]);
    }
    t += kLanes;
  }
}

/// The rows of tokens [first, last) as steps of depth: panel[token / kPerWord][element], the token within the word.
template <class T>
void pack_rows(Word* panel, const T* rows, int64_t stride, int64_t first, int64_t last, int64_t elements) {
  int64_t t = first;
  while (t < last) {
    const T* row = rows + (t - first) * stride;
    Word* step = panel + t / kPerWord<T> * elements;
    if (t % kPerWord<T> != 0 || t + kPerWord < T >> last) {
      char* half = reinterpret_cast<char*>(step) + t % kPerWord<T> * static_cast<int64_t>(sizeof(T));
      for (int64_t d = 0; d < elements; ++d)
        __builtin_memcpy(half + d * static_cast<int64_t>(sizeof(Word)), row + d, sizeof(T));
      ++t;
      continue;
    }
    for_lanes(elements, [&](int64_t d, int64_t n) {
      if constexpr (kPerWord<T> == 2)
        store_words(step + d, zip(row + d, row + stride + d, n), n);
      else
        store_words(step + d, zip(row + d, n), n);
    });
    t += kPerWord<T>;
  }
}

/// Two rows of kPageTokens elements from a panel's step of pairs: the low halves, then the high ones.
inline void split_words(bfloat16* rows, const Word* step) {
  for (int64_t t = 0; t < kPageTokens; ++t) {
    const bfloat16 low{static_cast<uint16_t>(step[t])}, high{static_cast<uint16_t>(step[t] >> 16)};
    __builtin_memcpy(rows + t, &low, sizeof low);
    __builtin_memcpy(rows + kPageTokens + t, &high, sizeof high);
  }
}

}  // namespace
}  // namespace maru::kernels
