// Products of tiles of bfloat16; of floats registers are all there is.
#include "kernels/simd/amx.h"

#include "kernels/ceiling/ceiling.h"

namespace maru::kernels {

template <>
double multiply_adds<kIsa, float>(int64_t rounds) {
  return multiply_adds<Isa::kAvx512, float>(rounds);
}

template <>
double multiply_adds<kIsa, bfloat16>(int64_t rounds) {
  const Tiles tiles;
  clear_tile<0>(), clear_tile<1>(), clear_tile<2>(), clear_tile<3>();
  clear_tile<4>(), clear_tile<5>(), clear_tile<6>(), clear_tile<7>();
  for (int64_t i = 0; i < rounds; ++i)
    multiply_tiles<0, 4, 6>(), multiply_tiles<1, 4, 7>(), multiply_tiles<2, 5, 6>(), multiply_tiles<3, 5, 7>();
  return 2.0 * static_cast<double>(rounds * 4 * kTileSide * kTileSide * kTileDepth);
}

}  // namespace maru::kernels
