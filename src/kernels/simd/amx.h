// AMX: eight tiles of 16 rows of 64 bytes, and their products. Include after words.h, in code for Isa::kAmx alone.
//
// multiply_tiles adds to sums [16, 16] of f32 the product of a [16, 32] and b of bfloat16, b as 16 rows of pairs along
// k: pair p of column n is {b[2p, n], b[2p + 1, n]}. The 16 products of the earlier halves are summed from zero in f32,
// one rounding each, those of the later halves too, then both sums together, then to the sum that was there. Subnormal
// numbers count as zero. A row of sums depends on its row of a alone.
// Source: Intel 64 and IA-32 Architectures Software Developer's Manual, vol. 2, TDPBF16PS.
#pragma once
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

constexpr int64_t kTileSide = 16;   // rows; columns of sums
constexpr int64_t kTileDepth = 32;  // elements of k
constexpr int64_t kTileWords = kTileSide * kTileSide;
constexpr int64_t kTileRowBytes = 64;

/// This thread's tiles, for as long as it lives; all of full size.
class Tiles {
 public:
  MARU_INLINE Tiles() {
    alignas(64) static constexpr Layout kFull{};
    asm volatile("ldtilecfg %0" ::"m"(kFull));
  }
  MARU_INLINE ~Tiles() { asm volatile("tilerelease"); }
  Tiles(const Tiles&) = delete;
  Tiles& operator=(const Tiles&) = delete;

 private:
  struct Layout {
    uint8_t palette = 1, start_row = 0, reserved[14] = {};
    uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
  };
};

// Written out, because compilers' own functions take no constants of templates and say nothing of the memory they read.
template <int kTile>
MARU_INLINE void load_tile(const void* from, int64_t row_bytes = kTileRowBytes) {
  asm volatile("tileloadd (%0,%1,1), %%tmm%c2" ::"r"(from), "r"(row_bytes), "i"(kTile) : "memory");
}
template <int kTile>
MARU_INLINE void store_tile(void* to, int64_t row_bytes) {
  asm volatile("tilestored %%tmm%c2, (%0,%1,1)" ::"r"(to), "r"(row_bytes), "i"(kTile) : "memory");
}
template <int kTile>
MARU_INLINE void clear_tile() {
  asm volatile("tilezero %%tmm%c0" ::"i"(kTile));
}
template <int kSums, int kA, int kB>
MARU_INLINE void multiply_tiles() {
  asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" ::"i"(kSums), "i"(kA), "i"(kB));
}

}  // namespace
}  // namespace maru::kernels
