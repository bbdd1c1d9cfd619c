// The innermost loops with AMX tiles, and the packing of their left factor. Included by amx.cc only.
#pragma once
#include "kernels/matmul/pack.h"
#include "kernels/simd/amx.h"

namespace maru::kernels {
namespace {

constexpr int64_t kGroupRows = kTileSide;      // of op(a): those of a tile
constexpr int64_t kPanelCols = 2 * kTileSide;  // of op(b)
constexpr int64_t kPairRows = 2 * kGroupRows;  // of sums that stay in tiles together
constexpr int64_t kPairSums = kPairRows * kPanelCols;
constexpr int64_t kSumsRowBytes = kPanelCols * static_cast<int64_t>(sizeof(float));

MARU_INLINE int64_t chunks_of(int64_t k) { return divide_up(k, kTileDepth); }

/// One tile of up to 16 rows and 32 elements of k, zeros behind; the rows lie [rows, k] or [k, rows].
MARU_INLINE void pack_tile(Word* to, Lines<bfloat16> from, int64_t rows, int64_t k) {
  Words x[kTileSide];
  if (from.k_major) {
#pragma GCC unroll 16
    for (int64_t w = 0; w < kTileSide; ++w) {
      const bfloat16* pair = from.data + 2 * w * from.ld;
      x[w] = 2 * w + 1 < k ? zip(pair, pair + from.ld, rows) : 2 * w < k ? zip(pair, rows) : no_words();
    }
    transpose(x);
  } else {
#pragma GCC unroll 16
    for (int64_t r = 0; r < kTileSide; ++r) x[r] = r < rows ? load_elements(from.data + r * from.ld, k) : no_words();
  }
#pragma GCC unroll 16
  for (int64_t r = 0; r < kTileSide; ++r) store_words(to + r * kTileSide, x[r]);
}

/// A panel of op(b): words of k as pack_panel makes them, and zeros up to a whole chunk.
MARU_INLINE void end_panel(Word* panel, int64_t width, int64_t k) {
  const int64_t words = words_of<bfloat16>(k), missing = chunks_of(k) * kTileSide - words;
  __builtin_memset(panel + words * width, 0, static_cast<size_t>(missing * width) * sizeof(Word));
}

/// sums [kGroups · 16, 32] = or += a · b, a as tiles [chunks] of each group, b a panel of words [chunks · 16, 32].
template <int kGroups>
void multiply_panel(float* sums, const Word* a, int64_t group_words, const Word* b, int64_t chunks, bool resume) {
  constexpr int64_t kDown = kGroupRows * kPanelCols;
  if (resume) {
    load_tile<0>(sums, kSumsRowBytes), load_tile<1>(sums + kTileSide, kSumsRowBytes);
    if constexpr (kGroups == 2)
      load_tile<2>(sums + kDown, kSumsRowBytes), load_tile<3>(sums + kDown + kTileSide, kSumsRowBytes);
  } else {
    clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  }
  for (int64_t c = 0; c < chunks; ++c, a += kTileWords, b += kTileSide * kPanelCols) {
    load_tile<4>(a), load_tile<6>(b, kSumsRowBytes), load_tile<7>(b + kTileSide, kSumsRowBytes);
    multiply_tiles<0, 4, 6>(), multiply_tiles<1, 4, 7>();
    if constexpr (kGroups == 2) load_tile<5>(a + group_words), multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
  }
  store_tile<0>(sums, kSumsRowBytes), store_tile<1>(sums + kTileSide, kSumsRowBytes);
  if constexpr (kGroups == 2)
    store_tile<2>(sums + kDown, kSumsRowBytes), store_tile<3>(sums + kDown + kTileSide, kSumsRowBytes);
}

/// Up to 16 rows each of a right factor that lies as in files, [columns, k], and serves as the left one where it is.
struct LineTiles {
  const bfloat16* data;
  int64_t ld, lines, k;
};

constexpr int64_t kFetchChunks = 6;  // ahead, in cache lines of every line

/// A tile of a chunk: in place where it is whole, else as a copy filled up with zeros.
template <int kTile>
MARU_INLINE void load_lines(const LineTiles& w, int64_t first, int64_t chunk) {
  const bfloat16* at = w.data + first * w.ld + chunk * kTileDepth;
  const int64_t lines = smaller(w.lines - first, kTileSide), k = smaller(w.k - chunk * kTileDepth, kTileDepth);
  if (lines == kTileSide && k == kTileDepth) {
#pragma GCC unroll 16
    for (int64_t i = 0; i < kTileSide; ++i) __builtin_prefetch(at + i * w.ld + kFetchChunks * kTileDepth, 0, 3);
    return load_tile<kTile>(at, w.ld * static_cast<int64_t>(sizeof(bfloat16)));
  }
  alignas(64) Word copy[kTileWords];
  pack_tile(copy, {at, w.ld, false}, larger(lines, 0), k);
  load_tile<kTile>(copy);
}

/// sums [kDown · 16, kAcross · 16] = w · xᵀ, the rows of x as tiles of words [chunks] each `row_words` apart.
template <int kDown, int kAcross>
void multiply_lines(float* sums, const LineTiles& w, const Word* x, int64_t row_words) {
  static_assert(kDown * kAcross <= 4 && (kDown == 1 || kAcross <= 2));
  clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  for (int64_t c = 0; c < chunks_of(w.k); ++c, x += kTileWords) {
    load_tile<6>(x);
    load_lines<4>(w, 0, c), multiply_tiles<0, 4, 6>();
    if constexpr (kDown == 1) {
      if constexpr (kAcross > 1) load_tile<7>(x + row_words), multiply_tiles<1, 4, 7>();
      if constexpr (kAcross > 2) load_tile<5>(x + 2 * row_words), multiply_tiles<2, 4, 5>();
      if constexpr (kAcross > 3) load_tile<6>(x + 3 * row_words), multiply_tiles<3, 4, 6>();
    } else if constexpr (kAcross == 2) {
      load_tile<7>(x + row_words), multiply_tiles<1, 4, 7>();
      load_lines<5>(w, kTileSide, c), multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
    } else {
      load_lines<5>(w, kTileSide, c), multiply_tiles<1, 5, 6>();
      load_lines<4>(w, 2 * kTileSide, c), multiply_tiles<2, 4, 6>();
      load_lines<5>(w, 3 * kTileSide, c), multiply_tiles<3, 5, 6>();
    }
  }
  // Tile i of the sums: rows first, as they were counted above.
  constexpr int64_t kRowBytes = kAcross * kTileSide * static_cast<int64_t>(sizeof(float));
  const auto at = [&](int i) { return sums + (i / kAcross * kTileSide * kAcross + i % kAcross) * kTileSide; };
  store_tile<0>(at(0), kRowBytes);
  if constexpr (kDown * kAcross > 1) store_tile<1>(at(1), kRowBytes);
  if constexpr (kDown * kAcross > 2) store_tile<2>(at(2), kRowBytes);
  if constexpr (kDown * kAcross > 3) store_tile<3>(at(3), kRowBytes);
}

}  // namespace
}  // namespace maru::kernels
