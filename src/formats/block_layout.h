// What GGUF's block types share in their layouts, for those that read them: block_quant.cc and block_integers.cc.
// Internal to formats. Source: ggml-common.h, as gguf.quants reads it.
#pragma once
#include <array>
#include <cstdint>
#include <cstring>

#include "base/float16.h"

namespace maru::formats {

using Bytes = const uint8_t*;

inline float half_at(Bytes b) {
  float16 h;
  std::memcpy(&h, b, 2);
  return to_float(h);
}

inline uint32_t bits32_at(Bytes b) {
  uint32_t bits;
  std::memcpy(&bits, b, 4);
  return bits;
}

/// The fifth bit of element i, in its place.
inline int high_bit(uint32_t bits, int i) { return static_cast<int>((bits >> i) & 1u) << 4; }

/// A grid of 16 uneven steps. Source: kvalues_iq4nl of ggml.
inline constexpr std::array<int8_t, 16> kUneven{-127, -104, -83, -65, -49, -35, -22, -10,
                                                1,    13,   25,  38,  53,  69,  89,  113};

struct ScaleAndMinimum {
  float scale, minimum;
};

/// Eight six-bit scales and minima in twelve bytes (Q4_K, Q5_K).
inline ScaleAndMinimum q4_scale(Bytes packed, int group) {
  if (group < 4) return {static_cast<float>(packed[group] & 63), static_cast<float>(packed[group + 4] & 63)};
  const int both = packed[group + 4];
  return {static_cast<float>((both & 15) | (packed[group - 4] >> 6) << 4),
          static_cast<float>(both >> 4 | (packed[group] >> 6) << 4)};
}

/// The six-bit scale of a group of 32 (IQ4_XS), with its sign.
inline int iq4_scale(Bytes block, int group) {
  const int high = block[2] | block[3] << 8, low = (block[4 + group / 2] >> (group % 2 * 4)) & 15;
  return (low | ((high >> (group * 2)) & 3) << 4) - 32;
}

}  // namespace maru::formats
