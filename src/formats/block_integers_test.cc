// Integers of every block type beside the numbers that the gguf Python package makes of the same blocks
// (tests/golden/blocks.gguf).
#include "formats/block_integers.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/float16.h"
#include "formats/block_quant.h"
#include "formats/gguf.h"

namespace maru::formats {
namespace {

struct Integers {
  std::vector<int8_t> q;
  std::vector<float> scales, offsets;
  float value(size_t i) const { return scales[i / 32] * static_cast<float>(q[i]) + offsets[i / 32]; }
};

Integers integers_of(GgmlType type, std::span<const std::byte> bytes) {
  const GgmlLayout& layout = layout_of(type);
  const size_t n = bytes.size() / static_cast<size_t>(layout.block_bytes) * static_cast<size_t>(layout.block_elements);
  Integers to{std::vector<int8_t>(n), std::vector<float>(n / 32), std::vector<float>(n / 32)};
  to_integers(type, bytes,
              {to.q.data(), to.scales.data(), integer_form(type)->has_offsets ? to.offsets.data() : nullptr});
  return to;
}

constexpr double kHalf = 0x1p-11, kSmallest = 0x1p-25;  // what rounding to a half changes: relative, and at least

/// How far element i may be from its number, by the table in docs/formats/gguf.md.
double bound(GgmlType type, const Integers& x, size_t i, double number) {
  const double scale = std::abs(x.scales[i / 32]), offset = std::abs(x.offsets[i / 32]),
               f32 = 0x1p-21 * std::abs(number);
  if (integer_form(type)->exact) return f32;
  if (type == GgmlType::kQ2_K || type == GgmlType::kQ3_K || type == GgmlType::kQ6_K) return 0.501 * scale + f32;
  const double q = std::abs(static_cast<double>(x.q[i]));
  return kHalf * (1 + kHalf) * (scale * q + offset) + kSmallest * (q + 1) + f32 + 0x1p-21 * (16 * scale + offset);
}

class IntegerForms : public testing::TestWithParam<GgmlType> {};

TEST_P(IntegerForms, StandForTheNumbersOfTheReference) {
  const GgufFile file = GgufFile::open("tests/golden/blocks.gguf").value();
  const std::string name(name_of(GetParam()));
  const GgufTensor& packed = *file.tensor(name);
  std::vector<float> numbers(static_cast<size_t>(packed.elements()));
  std::memcpy(numbers.data(), file.tensor(name + ".expanded")->bytes.data(), numbers.size() * sizeof(float));
  const Integers got = integers_of(GetParam(), packed.bytes);
  const IntegerForm form = *integer_form(GetParam());
  for (size_t i = 0; i < numbers.size(); ++i) {
    ASSERT_NEAR(numbers[i], got.value(i), bound(GetParam(), got, i, numbers[i])) << i;
    ASSERT_TRUE(form.bits == 8 || std::abs(got.q[i] * 2 + 1) <= 15) << int{got.q[i]};
    ASSERT_TRUE(!form.exact || form.has_offsets || numbers[i] == got.value(i)) << i;
  }
  for (const float scale : got.scales) ASSERT_EQ(scale, to_float(to_float16(scale)));
  for (const float offset : got.offsets) ASSERT_EQ(offset, to_float(to_float16(offset)));
}

INSTANTIATE_TEST_SUITE_P(All, IntegerForms,
                         testing::Values(GgmlType::kQ4_0, GgmlType::kQ4_1, GgmlType::kQ5_0, GgmlType::kQ5_1,
                                         GgmlType::kQ8_0, GgmlType::kQ2_K, GgmlType::kQ3_K, GgmlType::kQ4_K,
                                         GgmlType::kQ5_K, GgmlType::kQ6_K, GgmlType::kIq4Nl, GgmlType::kIq4Xs),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(BlockIntegers, PlainNumbersHaveNone) {
  for (const GgmlType type : {GgmlType::kF32, GgmlType::kF16, GgmlType::kBf16, GgmlType::kI32})
    EXPECT_EQ(std::nullopt, integer_form(type));
}

/// A Q6_K block of zeros but for its scale of scales.
std::vector<std::byte> q6_block(float16 d) {
  std::vector<std::byte> block(210);
  for (size_t i = 192; i < 208; ++i) block[i] = std::byte{1};
  std::memcpy(block.data() + 208, &d, 2);
  return block;
}

TEST(BlockIntegers, NothingIsReadOfATensorWithoutElements) {
  for (const GgmlType type : {GgmlType::kQ8_0, GgmlType::kQ4_1, GgmlType::kQ4_K})
    to_integers(type, {}, {.q = nullptr, .scales = nullptr, .offsets = nullptr});
}

TEST(BlockIntegers, TheSmallestHalvesAreWideEnough) {
  const auto d = to_float16(0x1p-22f);  // all elements are -32 · d: 2^-17, whose 127th part is no half
  const Integers got = integers_of(GgmlType::kQ6_K, q6_block(d));
  EXPECT_NEAR(-0x1p-17f, got.value(0), 0.51 * got.scales[0]);
}

TEST(BlockIntegers, WhatIsNotFiniteShowsInTheScale) {
  for (const float d : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    EXPECT_FALSE(std::isfinite(integers_of(GgmlType::kQ6_K, q6_block(to_float16(d))).scales[0]));
}

}  // namespace
}  // namespace maru::formats
