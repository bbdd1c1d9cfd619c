// The innermost loops: a tile of sums stays in registers while k passes.
#pragma once
#include <utility>

#include "kernels/matmul/pack.h"
#include "kernels/simd/fetch.h"

namespace maru::kernels {
namespace {

// Tiles as large as registers allow, next to the factors: 14 x 2 and 6 x 2 sums.
constexpr int kTileRows = kLanes == 16 ? 14 : kLanes == 8 ? 6 : 4;
constexpr int kTileVectors = 2;
constexpr int64_t kTileCols = kTileVectors * kLanes;

// Whether the lines of a weight that is not packed are fetched while those before them are multiplied: into L2, because
// the rows of a panel may share a few sets of L1. Measured on Zen 3 only.
constexpr bool kFetches = kLanes == 8;
constexpr int64_t kFetchWords = 16;

template <int kRows>
struct TileSums {
  F32 sum[kRows][kTileVectors];

  MARU_INLINE TileSums(const float* from, bool resume) {
    if (!resume) return;
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) sum[r][v] = load(from + r * kTileCols + v * kLanes);
  }
  /// One packed word along k: a [kRows] times `right`, of kTileCols columns.
  template <class T, class Factor>
  MARU_INLINE void add(const Word* a, const Factor (&right)[kTileVectors]) {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r) {
      const Factor left = factor<Packed<T>, 0>(broadcast_word(a + r));
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) sum[r][v] = fma(left, right[v], sum[r][v]);
    }
  }
  MARU_INLINE void store_to(float* to) const {
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) store(to + r * kTileCols + v * kLanes, sum[r][v]);
  }
};

/// sums [kRows, kTileCols] = or += a [words, kRows]ᵀ · b [words, kTileCols]. Fetches once per kFetchWords.
template <class T, int kRows>
void multiply_tile(float* sums, const Word* a, const Word* b, int64_t words, bool resume, Fetch fetch) {
  TileSums<kRows> sum(sums, resume);
  for (int64_t step = 0; words > 0; ++step, words -= kFetchWords) {
    fetch.into_l2(step);
    for (int64_t w = smaller(words, kFetchWords); w > 0; --w, a += kRows, b += kTileCols) {
      decltype(factor<Packed<T>, 0>(no_words())) right[kTileVectors];
#pragma GCC unroll 4
      for (int v = 0; v < kTileVectors; ++v) right[v] = factor<Packed<T>, 0>(load_words(b + v * kLanes));
      sum.template add<T>(a, right);
    }
  }
  sum.store_to(sums);
}

using MultiplyTile = void (*)(float*, const Word*, const Word*, int64_t, bool, Fetch);

template <class T, int... kRows>
MultiplyTile tile_of(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr MultiplyTile kTable[] = {multiply_tile<T, kRows + 1>...};
  return kTable[rows - 1];
}
template <class T>
MultiplyTile tile_of(int64_t rows) {
  return tile_of<T>(rows, std::make_integer_sequence<int, kTileRows>());
}

}  // namespace
}  // namespace maru::kernels
