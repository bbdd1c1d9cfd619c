// bfloat16: the upper half of a float. Conversions round to nearest even and keep NaN.
// Everything here is always inlined: per-ISA translation units include it and must not emit shared symbols.
#pragma once
#include <cstdint>
#include <cstring>

namespace maru {

struct bfloat16 {
  uint16_t bits;
};

[[gnu::always_inline]] inline float to_float(float x) { return x; }

[[gnu::always_inline]] inline float to_float(bfloat16 x) {
  const uint32_t wide = uint32_t{x.bits} << 16;
  float f;
  std::memcpy(&f, &wide, 4);
  return f;
}

[[gnu::always_inline]] inline bfloat16 to_bfloat16(float f) {
  uint32_t u;
  std::memcpy(&u, &f, 4);
  if ((u & 0x7fffffffu) > 0x7f800000u) return {static_cast<uint16_t>((u >> 16) | 0x40u)};  // quiet NaN
  return {static_cast<uint16_t>((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)};
}

}  // namespace maru
