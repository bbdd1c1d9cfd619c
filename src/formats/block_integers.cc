#include "formats/block_integers.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "base/error.h"
#include "formats/block_layout.h"
#include "formats/block_quant.h"

namespace maru::formats {
namespace {

/// Where one group of 32 goes.
struct Group {
  int8_t* q;
  float* scale;
  float* offset;  // null if the type has none
};

float as_half(float x) { return to_float(to_float16(x)); }

// w = step · q + low for q from 0 on; the integers are stored around `middle`.
void set_affine(const Group& to, float step, float low, int middle) {
  *to.scale = as_half(step);
  *to.offset = as_half(step * static_cast<float>(middle) + low);
}

// --- types whose integers stay as they are -----------------------------------------------------------------------

void nibbles(Bytes q, int8_t* to, int middle) {
  for (int i = 0; i < 16; ++i) to[i] = static_cast<int8_t>((q[i] & 15) - middle);
  for (int i = 0; i < 16; ++i) to[i + 16] = static_cast<int8_t>((q[i] >> 4) - middle);
}

void fives(Bytes q, uint32_t high, int8_t* to, int middle) {
  for (int i = 0; i < 16; ++i) to[i] = static_cast<int8_t>(((q[i] & 15) | high_bit(high, i)) - middle);
  for (int i = 0; i < 16; ++i) to[i + 16] = static_cast<int8_t>(((q[i] >> 4) | high_bit(high, i + 16)) - middle);
}

void uneven(Bytes q, int8_t* to) {
  for (int i = 0; i < 16; ++i) to[i] = kUneven[q[i] & 15];
  for (int i = 0; i < 16; ++i) to[i + 16] = kUneven[q[i] >> 4];
}

void q8_0(Bytes b, const Group* to) {
  *to->scale = half_at(b);
  std::memcpy(to->q, b + 2, 32);
}

void q4_0(Bytes b, const Group* to) {
  *to->scale = half_at(b);
  nibbles(b + 2, to->q, 8);
}

void q4_1(Bytes b, const Group* to) {
  set_affine(*to, half_at(b), half_at(b + 2), 8);
  nibbles(b + 4, to->q, 8);
}

void q5_0(Bytes b, const Group* to) {
  *to->scale = half_at(b);
  fives(b + 6, bits32_at(b + 2), to->q, 16);
}

void q5_1(Bytes b, const Group* to) {
  set_affine(*to, half_at(b), half_at(b + 2), 0);  // 8 bits have room for 0 … 31: both halves stay as they are
  fives(b + 8, bits32_at(b + 4), to->q, 0);
}

void iq4_nl(Bytes b, const Group* to) {
  *to->scale = half_at(b);
  uneven(b + 2, to->q);
}

void q4_k(Bytes b, const Group* to) {
  const float d = half_at(b), dmin = half_at(b + 2);
  for (int group = 0; group < 8; ++group) {
    const auto [scale, minimum] = q4_scale(b + 4, group);
    set_affine(to[group], d * scale, -dmin * minimum, 8);
    const Bytes q = b + 16 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i) to[group].q[i] = static_cast<int8_t>(((q[i] >> shift) & 15) - 8);
  }
}

void q5_k(Bytes b, const Group* to) {
  const float d = half_at(b), dmin = half_at(b + 2);
  const Bytes high = b + 16;
  for (int group = 0; group < 8; ++group) {
    const auto [scale, minimum] = q4_scale(b + 4, group);
    set_affine(to[group], d * scale, -dmin * minimum, 16);
    const Bytes q = b + 48 + group / 2 * 32;
    const int shift = group % 2 * 4;
    for (int i = 0; i < 32; ++i)
      to[group].q[i] = static_cast<int8_t>((((q[i] >> shift) & 15) | ((high[i] >> group) & 1) << 4) - 16);
  }
}

void iq4_xs(Bytes b, const Group* to) {
  const float d = half_at(b);
  for (int group = 0; group < 8; ++group) {
    *to[group].scale = as_half(d * static_cast<float>(iq4_scale(b, group)));
    uneven(b + 8 + group * 16, to[group].q);
  }
}

// --- types with more than one scale per 32, rounded to 8 bits ----------------------------------------------------

constexpr float kRounder = 0x1.8p23f;  // x + kRounder has the nearest integer of x, ties to even, in its lowest bits

int8_t nearest(float x) {
  const float shifted = x + kRounder;
  int32_t bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  return static_cast<int8_t>(bits);
}

// The half that is nearest to largest / 127, or the next one where the largest would not fit: among the smallest
// halves, steps are coarse.
float step_for(float largest) {
  float16 half = to_float16(largest / 127);
  if (to_float(half) * 127.5f < largest) ++half.bits;
  return to_float(half);
}

void round_to_8(const float* x, const Group& to) {
  float largest = 0, unfit = 0;  // unfit becomes NaN with the first number that is not finite
  for (int i = 0; i < 32; ++i) largest = std::max(largest, std::abs(x[i]));
  for (int i = 0; i < 32; ++i) unfit += 0 * x[i];
  const float step = step_for(largest), inverse = step == 0 ? 0 : 1 / step;
  *to.scale = step + unfit;
  for (int i = 0; i < 32; ++i) to.q[i] = nearest(std::clamp(x[i] * inverse, -127.0f, 127.0f));
}

template <GgmlType kType, size_t kBytes>
void rounded(Bytes b, const Group* to) {
  std::array<float, 256> x;
  dequantize(kType, {reinterpret_cast<const std::byte*>(b), kBytes}, x);
  for (int group = 0; group < 8; ++group) round_to_8(x.data() + group * 32, to[group]);
}

// --- table -------------------------------------------------------------------------------------------------------

struct Reader {
  GgmlType type;
  IntegerForm form;
  void (*read)(Bytes, const Group*);
};

constexpr std::array<Reader, 12> kReaders{{
    {GgmlType::kQ8_0, {8, false, true, true}, q8_0},
    {GgmlType::kQ4_0, {4, false, true, true}, q4_0},
    {GgmlType::kQ4_1, {4, true, false, false}, q4_1},
    {GgmlType::kQ5_0, {8, false, true, false}, q5_0},
    {GgmlType::kQ5_1, {8, true, true, false}, q5_1},
    {GgmlType::kIq4Nl, {8, false, true, false}, iq4_nl},
    {GgmlType::kQ4_K, {4, true, false, false}, q4_k},
    {GgmlType::kQ5_K, {8, true, false, false}, q5_k},
    {GgmlType::kIq4Xs, {8, false, false, false}, iq4_xs},
    {GgmlType::kQ2_K, {8, false, false, false}, rounded<GgmlType::kQ2_K, 84>},
    {GgmlType::kQ3_K, {8, false, false, false}, rounded<GgmlType::kQ3_K, 110>},
    {GgmlType::kQ6_K, {8, false, false, false}, rounded<GgmlType::kQ6_K, 210>},
}};

const Reader* reader_of(GgmlType type) {
  const auto it = std::find_if(kReaders.begin(), kReaders.end(), [&](const Reader& r) { return r.type == type; });
  return it == kReaders.end() ? nullptr : &*it;
}

}  // namespace

std::optional<IntegerForm> integer_form(GgmlType type) {
  const Reader* reader = reader_of(type);
  return reader == nullptr ? std::nullopt : std::optional(reader->form);
}

void to_integers(GgmlType type, std::span<const std::byte> bytes, const IntegerSpan& to) {
  const Reader* reader = reader_of(type);
  if (bytes.empty()) return;  // a tensor without elements has no memory to write to either
  CHECK(reader != nullptr && (to.offsets != nullptr || !reader->form.has_offsets));
  const GgmlLayout& layout = layout_of(type);
  const auto block_bytes = static_cast<size_t>(layout.block_bytes);
  const auto groups = static_cast<size_t>(layout.block_elements / kIntegerGroup);
  CHECK(bytes.size() % block_bytes == 0);
  std::array<Group, 8> place;
  for (size_t block = 0; block * block_bytes < bytes.size(); ++block) {
    for (size_t g = 0; g < groups; ++g) {
      const size_t at = block * groups + g;
      place[g] = {to.q + at * kIntegerGroup, to.scales + at, to.offsets == nullptr ? nullptr : to.offsets + at};
    }
    reader->read(reinterpret_cast<Bytes>(bytes.data()) + block * block_bytes, place.data());
  }
}

}  // namespace maru::formats
