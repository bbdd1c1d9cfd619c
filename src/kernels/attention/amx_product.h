// Products of small blocks of bfloat16 with AMX tiles. Included by amx.cc only.
//
// Tiles read factors where they lie; those that reach past a factor's end are copied and filled up with zeros, since
// another shape of tile would cost more.
#pragma once
#include "kernels/attention/product.h"
#include "kernels/simd/amx.h"

namespace maru::kernels {
namespace {

/// What a task holds on to while it multiplies.
using ProductUnit = Tiles;

constexpr int kTileRows = kAttentionTileRows;

/// A block of c and how far it reaches: rows and columns in [1, 32].
struct ProductPart {
  int64_t row, col, rows, cols;
};

/// Loads 16 rows of 16 words, of which so many are there.
template <int kTile>
MARU_INLINE void load_factor(const Word* from, int64_t ld, int64_t rows, int64_t columns) {
  constexpr auto kWordBytes = static_cast<int64_t>(sizeof(Word));
  if (rows >= kTileSide && columns >= kTileSide) return load_tile<kTile>(from, ld * kWordBytes);
  alignas(64) Word copy[kTileWords];
  const int64_t n = columns < kTileSide ? columns : kTileSide;
  for (int64_t i = 0; i < kTileSide; ++i)
    store_words(copy + i * kTileSide,
                i < rows ? load_elements(reinterpret_cast<const float*>(from + i * ld), n) : no_words());
  load_tile<kTile>(copy);
}

/// Loads the sums at (i, j) of a part, in tiles, with what they start with.
template <int kTile>
MARU_INLINE void begin_sums(const Product& p, const ProductPart& part, int64_t i, int64_t j) {
  if (p.start == Start::kZero) return clear_tile<kTile>();
  const int64_t row = part.row + i * kTileSide, rows = part.rows - i * kTileSide, cols = part.cols - j * kTileSide;
  float* c = p.c + row * p.ldc + part.col + j * kTileSide;
  if (p.start == Start::kRescale)
    for (int64_t r = 0; r < kTileSide && r < rows; ++r) {
      const int64_t n = cols < kTileSide ? cols : kTileSide;
      store(c + r * p.ldc, load(c + r * p.ldc, n) * F32(p.rescale[row + r]), n);
    }
  load_factor<kTile>(reinterpret_cast<const Word*>(c), p.ldc, rows, cols);
}

template <int kTile>
MARU_INLINE void end_sums(const Product& p, const ProductPart& part, int64_t i, int64_t j) {
  const int64_t rows = part.rows - i * kTileSide, cols = part.cols - j * kTileSide;
  float* c = p.c + (part.row + i * kTileSide) * p.ldc + part.col + j * kTileSide;
  if (rows >= kTileSide && cols >= kTileSide) return store_tile<kTile>(c, p.ldc * static_cast<int64_t>(sizeof(float)));
  alignas(64) float copy[kTileWords];
  store_tile<kTile>(copy, kTileRowBytes);
  for (int64_t r = 0; r < kTileSide && r < rows; ++r)
    store(c + r * p.ldc, load(copy + r * kTileSide), cols < kTileSide ? cols : kTileSide);
}

MARU_INLINE void fetch(const Product& p, int64_t col, int64_t k, int64_t columns) {
  if (p.next == nullptr) return;
  for (int64_t i = 0; i < kTileSide && k + i < p.depth; ++i)
    for (int64_t j = 0; j < columns; j += kTileSide) __builtin_prefetch(p.next + (k + i) * p.ldb + col + j, 0, 2);
}

/// A part of kDown · 16 rows and kAcross · 16 columns, or fewer.
template <int kDown, int kAcross>
void multiply_part(const Product& p, const ProductPart& part) {
  begin_sums<0>(p, part, 0, 0);
  if constexpr (kAcross == 2) begin_sums<1>(p, part, 0, 1);
  if constexpr (kDown == 2) begin_sums<2>(p, part, 1, 0);
  if constexpr (kDown == 2 && kAcross == 2) begin_sums<3>(p, part, 1, 1);
  const Word *a = p.a + part.row * p.lda, *b = p.b + part.col;
  for (int64_t k = 0; k < p.depth; k += kTileSide) {
    fetch(p, part.col, k, part.cols);
    const int64_t words = p.depth - k;
    load_factor<4>(a + k, p.lda, part.rows, words);
    load_factor<6>(b + k * p.ldb, p.ldb, words, part.cols);
    multiply_tiles<0, 4, 6>();
    if constexpr (kAcross == 2) {
      load_factor<7>(b + k * p.ldb + kTileSide, p.ldb, words, part.cols - kTileSide);
      multiply_tiles<1, 4, 7>();
    }
    if constexpr (kDown == 2) {
      load_factor<5>(a + kTileSide * p.lda + k, p.lda, part.rows - kTileSide, words);
      multiply_tiles<2, 5, 6>();
      if constexpr (kAcross == 2) multiply_tiles<3, 5, 7>();
    }
  }
  end_sums<0>(p, part, 0, 0);
  if constexpr (kAcross == 2) end_sums<1>(p, part, 0, 1);
  if constexpr (kDown == 2) end_sums<2>(p, part, 1, 0);
  if constexpr (kDown == 2 && kAcross == 2) end_sums<3>(p, part, 1, 1);
}

/// Rows of a product.
template <class T>
void multiply(const Product& p, int64_t rows) {
  static_assert(kPerWord<T> == 2);
  constexpr int64_t kBoth = 2 * kTileSide;
  for (int64_t row = 0; row < rows; row += kBoth)
    for (int64_t col = 0; col < p.cols; col += kBoth) {
      const ProductPart part{row, col, rows - row < kBoth ? rows - row : kBoth,
                             p.cols - col < kBoth ? p.cols - col : kBoth};
      const bool down = part.rows > kTileSide, across = part.cols > kTileSide;
      (down     ? across ? multiply_part<2, 2> : multiply_part<2, 1>
           : across ? multiply_part<1, 2>
                : multiply_part<1, 1>)(p, part);
    }
}

}  // namespace
}  // namespace maru::kernels
