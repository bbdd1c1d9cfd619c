// float16 (IEEE 754 binary16) and the two 8-bit floats of checkpoints, as bits. Conversions to half round to nearest
// even and keep NaN. Everything here is always inlined: per-ISA translation units include it and must not emit shared
// symbols.
#pragma once
#include <cstdint>
#include <cstring>

namespace maru {

struct float16 {
  uint16_t bits;
};

namespace detail {

[[gnu::always_inline]] inline float float_of(uint32_t bits) {
  float f;
  std::memcpy(&f, &bits, 4);
  return f;
}

[[gnu::always_inline]] inline uint32_t bits_of(float f) {
  uint32_t bits;
  std::memcpy(&bits, &f, 4);
  return bits;
}

}  // namespace detail

[[gnu::always_inline]] inline float to_float(float16 h) {
  const uint32_t sign = uint32_t{h.bits & 0x8000u} << 16, rest = h.bits & 0x7fffu;
  // Below 2^-14 a half counts in steps of 2^-24.
  if (rest < 0x400u)
    return detail::float_of(sign | detail::bits_of(static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-24f));
  if (rest >= 0x7c00u) return detail::float_of(sign | 0x7f800000u | (rest & 0x3ffu) << 13);
  return detail::float_of(sign | ((rest << 13) + 0x38000000u));
}

[[gnu::always_inline]] inline float16 to_float16(float f) {
  const uint32_t bits = detail::bits_of(f), size = bits & 0x7fffffffu;
  const auto sign = static_cast<uint16_t>((bits >> 16) & 0x8000u);
  if (size > 0x7f800000u) return {static_cast<uint16_t>(sign | 0x7e00u)};
  if (size >= 0x47800000u) return {static_cast<uint16_t>(sign | 0x7c00u)};  // 65536 and up: infinity
  // The last bit of 0.5 is worth 2^-24, so this sum is rounded where a small half ends.
  if (size < 0x38800000u)
    return {static_cast<uint16_t>(sign | (detail::bits_of(detail::float_of(size) + 0.5f) - 0x3f000000u))};
  return {static_cast<uint16_t>(sign | ((size - 0x38000000u + 0xfffu + ((size >> 13) & 1u)) >> 13))};
}

/// E4M3: 1 sign, 4 exponent (bias 7) and 3 mantissa bits; no infinity, all ones is NaN.
/// Source   Micikevicius et al. 2022, arXiv:2209.05433, table 1.
[[gnu::always_inline]] inline float float_of_e4m3(uint8_t bits) {
  const uint32_t sign = uint32_t{bits & 0x80u} << 24, rest = bits & 0x7fu;
  if (rest == 0x7f) return detail::float_of(sign | 0x7fc00000u);
  if (rest < 8)
    return detail::float_of(sign | detail::bits_of(static_cast<float>(static_cast<int32_t>(rest)) * 0x1p-9f));
  return detail::float_of(sign | ((rest << 20) + (120u << 23)));
}

/// E5M2: the upper byte of a half.
[[gnu::always_inline]] inline float float_of_e5m2(uint8_t bits) {
  return to_float(float16{static_cast<uint16_t>(bits << 8)});
}

}  // namespace maru
