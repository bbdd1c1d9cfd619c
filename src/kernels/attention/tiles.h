// Products of small blocks in register tiles, and the packing that they want. Included by cpu.cc only.
//
// A panel is the right factor: depth steps of one word per column (simd/words.h). The left factor is row-major, so that
// a step of its row is one word as well.
#pragma once
#include "kernels/activation/functions.h"
#include "kernels/attention/plan.h"
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

constexpr int kTileRows = kAttentionTileRows;

// Registers of columns in a tile of so many rows. Each sum waits for itself along the depth, so a tile of few rows, as
// decoding has, needs many of them.
constexpr int tile_columns(int rows) { return kLanes == 16 ? 4 : rows == 1 ? 8 : rows == 2 ? 4 : 2; }

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

enum class Start { kZero, kAdd, kRescale };

/// c = start + a · b, where start is nothing, c, or c with row r times rescale[r]. Every element is summed in order of
/// depth, whatever tile it falls into. Strides and depth in words.
struct Product {
  const Word* a;
  int64_t lda;
  const Word* b;
  int64_t ldb;
  int64_t depth;
  float* c;
  int64_t ldc, cols;
  Start start = Start::kZero;
  const float* rescale = nullptr;
  const Word* next = nullptr;  // another panel to fetch into the cache meanwhile
};

template <class T>
MARU_INLINE const Word* words(const T* p) {
  return reinterpret_cast<const Word*>(p);
}

// Panels and rows are written as other types, so words are read as bytes where the compiler might assume otherwise.
MARU_INLINE Words word_at(const Word* p) {
  Word word;
  __builtin_memcpy(&word, p, sizeof word);
  return broadcast_word(&word);
}
MARU_INLINE Words words_at(const Word* p) {
  if constexpr (kLanes == 1)
    return word_at(p);
  else
    return load_words(p);
}

template <class T>
MARU_INLINE F32 multiply_add(Words a, Words b, F32 c) {
  const F32 first = fma(factor<T, 0>(a), factor<T, 0>(b), c);
  if constexpr (kHalves<T> == 2)
    return fma(factor<T, 1>(a), factor<T, 1>(b), first);
  else
    return first;
}

template <int kRows, int kCols>
MARU_INLINE void begin_tile(F32 (&sum)[kRows][kCols], const Product& p, int64_t row, int64_t col, int64_t lanes) {
  if (p.start == Start::kZero) return;
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i) {
    const F32 factor(p.start == Start::kRescale ? p.rescale[row + i] : 1.0f);
#pragma GCC unroll 4
    for (int j = 0; j < kCols; ++j) sum[i][j] = load(p.c + (row + i) * p.ldc + col + j * kLanes, lanes) * factor;
  }
}

/// The depth of a tile. `next` lies beside b in the panel to fetch, if kFetch.
template <class T, bool kMasked, bool kFetch, int kRows, int kCols>
MARU_INLINE void accumulate(F32 (&sum)[kRows][kCols], const Word* a, const Word* b, const Word* next, const Product& p,
                            int64_t lanes) {
  for (int64_t k = 0; k < p.depth; ++k, ++a, b += p.ldb) {
    Words right[kCols];
#pragma GCC unroll 4
    for (int j = 0; j < kCols; ++j) {
      if constexpr (kFetch) __builtin_prefetch(next + k * p.ldb + j * kLanes, 0, 2);
      right[j] = kMasked ? load_elements(reinterpret_cast<const float*>(b), lanes) : words_at(b + j * kLanes);
    }
#pragma GCC unroll 6
    for (int i = 0; i < kRows; ++i) {
      const Words left = word_at(a + i * p.lda);
#pragma GCC unroll 4
      for (int j = 0; j < kCols; ++j) sum[i][j] = multiply_add<T>(left, right[j], sum[i][j]);
    }
  }
}

template <class T, int kRows, int kCols, bool kMasked>
MARU_INLINE void tile(const Product& p, int64_t row, int64_t col, int64_t lanes) {
  F32 sum[kRows][kCols];
  begin_tile(sum, p, row, col, lanes);
  const Word *a = p.a + row * p.lda, *b = p.b + col;
  if (p.next != nullptr)
    accumulate<T, kMasked, true>(sum, a, b, p.next + col, p, lanes);
  else
    accumulate<T, kMasked, false>(sum, a, b, nullptr, p, lanes);
#pragma GCC unroll 6
  for (int i = 0; i < kRows; ++i)
#pragma GCC unroll 4
    for (int j = 0; j < kCols; ++j) store(p.c + (row + i) * p.ldc + col + j * kLanes, sum[i][j], lanes);
}

// The columns from `col` on that make whole tiles of kCols registers, then what is left in smaller ones.
template <class T, int kRows, int kCols>
MARU_INLINE void multiply_columns(const Product& p, int64_t row, int64_t col) {
  for (; col + kCols * kLanes <= p.cols; col += kCols * kLanes) tile<T, kRows, kCols, false>(p, row, col, kLanes);
  if constexpr (kCols > 1)
    multiply_columns<T, kRows, kCols == 8 ? 4 : kCols - 1>(p, row, col);
  else if (col < p.cols)
    tile<T, kRows, 1, true>(p, row, col, p.cols - col);
}

template <class T, int kRows>
void multiply_rows(const Product& p, int64_t row) {
  multiply_columns<T, kRows, tile_columns(kRows)>(p, row, 0);
}

/// Rows of a product; fewer than a tile's at the end.
template <class T>
void multiply(const Product& p, int64_t rows) {
  int64_t row = 0;
  for (; row + kTileRows <= rows; row += kTileRows) multiply_rows<T, kTileRows>(p, row);
  switch (rows - row) {
    case 5: return multiply_rows<T, 5>(p, row);
    case 4: return multiply_rows<T, 4>(p, row);
    case 3: return multiply_rows<T, 3>(p, row);
    case 2: return multiply_rows<T, 2>(p, row);
    case 1: return multiply_rows<T, 1>(p, row);
    default: return;
  }
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
