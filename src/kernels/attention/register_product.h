// Products of small blocks in register tiles. Included by cpu.cc only.
#pragma once
#include "kernels/attention/product.h"

namespace maru::kernels {
namespace {

/// What a task holds on to while it multiplies: nothing.
struct ProductUnit {
  MARU_INLINE ProductUnit() {}
};

constexpr int kTileRows = 6;

// Registers of columns in a tile of so many rows. Each sum waits for itself along the depth, so a tile of few rows, as
// decoding has, needs many of them.
constexpr int tile_columns(int rows) { return kLanes == 16 ? 4 : rows == 1 ? 8 : rows == 2 ? 4 : 2; }

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

}  // namespace
}  // namespace maru::kernels
