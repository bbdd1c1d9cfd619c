#include "formats/block_quant.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "base/bfloat16.h"
#include "base/error.h"
#include "base/float16.h"
#include "formats/block_layout.h"

namespace maru::formats {
namespace {

// --- one element per block -------------------------------------------------------------------------------------------

void f32(Bytes b, float* y) { std::memcpy(y, b, 4); }

void f16(Bytes b, float* y) { *y = half_at(b); }

void bf16(Bytes b, float* y) {
  bfloat16 x;
  std::memcpy(&x, b, 2);
  *y = to_float(x);
}

// --- blocks of 32: element i in the lower half of byte i, element i + 16 in the upper
// ----------------------------------

void q4_0(Bytes b, float* y) {
  const float d = half_at(b);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>((b[2 + i] & 15) - 8);
    y[i + 16] = d * static_cast<float>((b[2 + i] >> 4) - 8);
  }
}

void q4_1(Bytes b, float* y) {
  const float d = half_at(b), m = half_at(b + 2);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(b[4 + i] & 15) + m;
    y[i + 16] = d * static_cast<float>(b[4 + i] >> 4) + m;
  }
}

void q5_0(Bytes b, float* y) {
  const float d = half_at(b);
  const uint32_t high = bits32_at(b + 2);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>(((b[6 + i] & 15) | high_bit(high, i)) - 16);
    y[i + 16] = d * static_cast<float>(((b[6 + i] >> 4) | high_bit(high, i + 16)) - 16);
  }
}

void q5_1(Bytes b, float* y) {
  const float d = half_at(b), m = half_at(b + 2);
  const uint32_t high = bits32_at(b + 4);
  for (int i = 0; i < 16; ++i) {
    y[i] = d * static_cast<float>((b[8 + i] & 15) | high_bit(high, i)) + m;
    y[i + 16] = d * static_cast<float>((b[8 + i] >> 4) | high_bit(high, i + 16)) + m;
  }
}

void q8_0(Bytes b, float* y) {
  const float d = half_at(b);
  for (int i = 0; i < 32; ++i) y[i] = d * static_cast<float>(static_cast<int8_t>(b[2 + i]));
}

void uneven32(float d, Bytes q, float* y) {
  for (int i = 0; i < 16; ++i) {
    y[i] = d * kUneven[q[i] & 15];
    y[i + 16] = d * kUneven[q[i] >> 4];
  }
}

void iq4_nl(Bytes b, float* y) { uneven32(half_at(b), b + 2, y); }

// --- blocks of 256: a scale of scales
// ----------------------------------------------------------------------------------

// 16 groups of 16: scale and minimum in four bits each, then two bits per element, 32 elements per shift.
void q2_k(Bytes b, float* y) {
  const Bytes scales = b, q = b + 16;
  const float d = half_at(b + 80), dmin = half_at(b + 82);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(scales[group] & 15), low = dmin * static_cast<float>(scales[group] >> 4);
    const Bytes from = q + group / 8 * 32 + group % 2 * 16;
    const int shift = group / 2 % 4 * 2;
    for (int i = 0; i < 16; ++i) y[group * 16 + i] = scale * static_cast<float>((from[i] >> shift) & 3) - low;
  }
}

// The six-bit scale of group g: four bits in bytes 0–7, two more in bytes 8–11.
int q3_scale(Bytes packed, int group) {
  const int low = group < 8 ? packed[group] & 15 : packed[group - 8] >> 4;
  const int high = (packed[8 + group % 4] >> (group / 4 * 2)) & 3;
  return (low | high << 4) - 32;
}

// Two bits per element as in q2_k; the third, in the mask, says that nothing is taken off.
void q3_k(Bytes b, float* y) {
  const Bytes mask = b, q = b + 32, scales = b + 96;
  const float d = half_at(b + 108);
  for (int group = 0; group < 16; ++group) {
    const float scale = d * static_cast<float>(q3_scale(scales, group));
    const int begin = group % 2 * 16, shift = group / 2 % 4 * 2;
    const Bytes from = q + group / 8 * 32 + begin;
    for (int i = 0; i < 16; ++i) {
      const int kept = (mask[begin + i] >> (group / 2)) & 1;
      y[group * 16 + i] = scale * static_cast<float>(((from[i] >> shift) & 3) - (kept ^ 1) * 4);
    }
  }
}

// Eight groups of 32; two of them share 32 bytes.
void q4_k(Bytes b, float* y) {
  const float d = half_at(b), dmin = half_at(b + 2);
  for (int group = 0; group < 8; ++group) {
    const auto [scale, minimum] = q4_scale(b + 4, group);
    const float step = d * scale, low = dmin * minimum;
    const Bytes q = b + 16 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) y[group * 32 + i] = step * static_cast<float>((q[i] >> shift) & 15) - low;
  }
}

void q5_k(Bytes b, float* y) {
  const float d = half_at(b), dmin = half_at(b + 2);
  const Bytes high = b + 16;
  for (int group = 0; group < 8; ++group) {
    const auto [scale, minimum] = q4_scale(b + 4, group);
    const float step = d * scale, low = dmin * minimum;
    const Bytes q = b + 48 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) {
      const int value = ((q[i] >> shift) & 15) | ((high[i] >> group) & 1) << 4;
      y[group * 32 + i] = step * static_cast<float>(value) - low;
    }
  }
}

// Eight rows of 32 with two scales each: four bits low, two bits high.
void q6_k(Bytes b, float* y) {
  const Bytes low = b, high = b + 128, scales = b + 192;
  const float d = half_at(b + 208);
  for (int row = 0; row < 8; ++row) {
    const Bytes l = low + row / 4 * 64 + row % 2 * 32, h = high + row / 4 * 32;
    const int low_shift = row % 4 / 2 * 4, high_shift = row % 4 * 2;
    for (int i = 0; i < 32; ++i) {
      const float scale = d * static_cast<float>(static_cast<int8_t>(scales[row * 2 + i / 16]));
      const int value = ((l[i] >> low_shift) & 15) | ((h[i] >> high_shift) & 3) << 4;
      y[row * 32 + i] = scale * static_cast<float>(value - 32);
    }
  }
}

void iq4_xs(Bytes b, float* y) {
  const float d = half_at(b);
  for (int group = 0; group < 8; ++group)
    uneven32(d * static_cast<float>(iq4_scale(b, group)), b + 8 + group * 16, y + group * 32);
}

// --- the other way
// -----------------------------------------------------------------------------------------------------

void put_half(float x, uint8_t* to) {
  const float16 h = to_float16(x);
  std::memcpy(to, &h, 2);
}

void to_f32(const float* x, uint8_t* b) { std::memcpy(b, x, 4); }
void to_f16(const float* x, uint8_t* b) { put_half(*x, b); }

void to_bf16(const float* x, uint8_t* b) {
  const bfloat16 y = to_bfloat16(*x);
  std::memcpy(b, &y, 2);
}

float inverse(float d) { return d == 0 ? 0 : 1 / d; }

void require_finite(const float* x) {
  for (int i = 0; i < 32; ++i)
    if (!std::isfinite(x[i]))
      throw Failure(ErrorCode::kInvalidArgument, "a weight is not finite; such a block cannot be quantized");
}

void to_q8_0(const float* x, uint8_t* b) {
  require_finite(x);
  float largest = 0;
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[i]));
  const float d = largest / 127, id = inverse(d);
  put_half(d, b);
  for (int i = 0; i < 32; ++i) b[2 + i] = static_cast<uint8_t>(static_cast<int8_t>(std::round(x[i] * id)));
}

// The element of largest magnitude (the first of them) becomes -8.
void to_q4_0(const float* x, uint8_t* b) {
  require_finite(x);
  const float extreme = *std::max_element(x, x + 32, [](float p, float q) { return std::abs(p) < std::abs(q); });
  const float d = extreme / -8, id = inverse(d);
  const auto code = [&](float v) { return static_cast<uint8_t>(std::clamp(static_cast<int>(v * id + 8.5f), 0, 15)); };
  put_half(d, b);
  for (int i = 0; i < 16; ++i) b[2 + i] = static_cast<uint8_t>(code(x[i]) | code(x[i + 16]) << 4);
}

// --- tables
// ------------------------------------------------------------------------------------------------------------

struct Codec {
  GgmlType type;
  void (*expand)(Bytes, float*);
  void (*pack)(const float*, uint8_t*);
};

constexpr std::array<Codec, 15> kCodecs{{{GgmlType::kF32, f32, to_f32},
                                         {GgmlType::kF16, f16, to_f16},
                                         {GgmlType::kBf16, bf16, to_bf16},
                                         {GgmlType::kQ4_0, q4_0, to_q4_0},
                                         {GgmlType::kQ4_1, q4_1, nullptr},
                                         {GgmlType::kQ5_0, q5_0, nullptr},
                                         {GgmlType::kQ5_1, q5_1, nullptr},
                                         {GgmlType::kQ8_0, q8_0, to_q8_0},
                                         {GgmlType::kQ2_K, q2_k, nullptr},
                                         {GgmlType::kQ3_K, q3_k, nullptr},
                                         {GgmlType::kQ4_K, q4_k, nullptr},
                                         {GgmlType::kQ5_K, q5_k, nullptr},
                                         {GgmlType::kQ6_K, q6_k, nullptr},
                                         {GgmlType::kIq4Nl, iq4_nl, nullptr},
                                         {GgmlType::kIq4Xs, iq4_xs, nullptr}}};

const Codec* codec_of(GgmlType type) {
  const auto it = std::find_if(kCodecs.begin(), kCodecs.end(), [&](const Codec& c) { return c.type == type; });
  return it == kCodecs.end() ? nullptr : &*it;
}

size_t blocks_of(const GgmlLayout& layout, size_t elements, size_t bytes) {
  const size_t blocks = elements / static_cast<size_t>(layout.block_elements);
  CHECK(blocks * static_cast<size_t>(layout.block_elements) == elements);
  CHECK(blocks * static_cast<size_t>(layout.block_bytes) == bytes);
  return blocks;
}

}  // namespace

bool can_dequantize(GgmlType type) { return codec_of(type) != nullptr; }

bool can_quantize(GgmlType type) {
  const Codec* codec = codec_of(type);
  return codec != nullptr && codec->pack != nullptr;
}

void dequantize(GgmlType type, std::span<const std::byte> bytes, std::span<float> to) {
  const Codec* codec = codec_of(type);
  CHECK(codec != nullptr);
  const GgmlLayout& layout = layout_of(type);
  const size_t blocks = blocks_of(layout, to.size(), bytes.size());
  const auto* from = reinterpret_cast<Bytes>(bytes.data());
  for (size_t i = 0; i < blocks; ++i)
    codec->expand(from + i * static_cast<size_t>(layout.block_bytes),
                  to.data() + i * static_cast<size_t>(layout.block_elements));
}

void quantize(GgmlType type, std::span<const float> values, std::span<std::byte> to) {
  CHECK(can_quantize(type));
  const Codec* codec = codec_of(type);
  const GgmlLayout& layout = layout_of(type);
  const size_t blocks = blocks_of(layout, values.size(), to.size());
  auto* out = reinterpret_cast<uint8_t*>(to.data());
  for (size_t i = 0; i < blocks; ++i)
    codec->pack(values.data() + i * static_cast<size_t>(layout.block_elements),
                out + i * static_cast<size_t>(layout.block_bytes));
}

}  // namespace maru::formats
