// Against blocks that the gguf Python package expanded and packed (tests/golden/blocks.gguf).
#include "formats/block_quant.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "base/bfloat16.h"
#include "base/error.h"
#include "base/float16.h"
#include "formats/gguf.h"

namespace maru::formats {
namespace {

const GgufFile& golden() {
  static const GgufFile kFile = GgufFile::open("tests/golden/blocks.gguf").value();
  return kFile;
}

const GgufTensor& tensor(const std::string& name) {
  const GgufTensor* t = golden().tensor(name);
  EXPECT_NE(nullptr, t) << name;
  return *t;
}

class BlockTypes : public testing::TestWithParam<GgmlType> {};

TEST_P(BlockTypes, ExpandToTheBitsOfTheReference) {
  const GgufTensor& packed = tensor(std::string(name_of(GetParam())));
  const GgufTensor& expected = tensor(std::string(name_of(GetParam())) + ".expanded");
  ASSERT_EQ(GetParam(), packed.type);
  ASSERT_EQ(expected.shape, packed.shape);
  std::vector<float> got(static_cast<size_t>(packed.elements()));
  dequantize(packed.type, packed.bytes, got);
  EXPECT_EQ(0, std::memcmp(got.data(), expected.bytes.data(), expected.bytes.size()));
}

INSTANTIATE_TEST_SUITE_P(All, BlockTypes,
                         testing::Values(GgmlType::kF16, GgmlType::kBf16, GgmlType::kQ4_0, GgmlType::kQ4_1,
                                         GgmlType::kQ5_0, GgmlType::kQ5_1, GgmlType::kQ8_0, GgmlType::kQ2_K,
                                         GgmlType::kQ3_K, GgmlType::kQ4_K, GgmlType::kQ5_K, GgmlType::kQ6_K,
                                         GgmlType::kIq4Nl, GgmlType::kIq4Xs),
                         [](const auto& info) { return std::string(name_of(info.param)); });

TEST(BlockQuant, PacksToTheBitsOfTheReference) {
  const GgufTensor& values = tensor("values");
  std::vector<float> x(static_cast<size_t>(values.elements()));
  dequantize(GgmlType::kF32, values.bytes, x);
  for (const GgmlType type : {GgmlType::kQ8_0, GgmlType::kQ4_0, GgmlType::kF16, GgmlType::kBf16}) {
    const GgufTensor& expected = tensor("values." + std::string(name_of(type)));
    std::vector<std::byte> got(expected.bytes.size());
    quantize(type, x, got);
    EXPECT_EQ(0, std::memcmp(got.data(), expected.bytes.data(), got.size())) << name_of(type);
  }
}

TEST(BlockQuant, KnowsWhatItCanDo) {
  EXPECT_TRUE(can_dequantize(GgmlType::kQ6_K));
  EXPECT_FALSE(can_dequantize(GgmlType::kI32));
  EXPECT_TRUE(can_quantize(GgmlType::kQ4_0));
  EXPECT_FALSE(can_quantize(GgmlType::kQ6_K));
  EXPECT_EQ(GgmlType::kQ8_0, ggml_type_named("q8_0"));
  EXPECT_EQ(std::nullopt, ggml_type_named("q9_9"));
}

TEST(BlockQuant, RefusesToPackWhatIsNotFinite) {
  std::vector<float> x(32, 1);
  std::vector<std::byte> to(34);
  x[7] = std::numeric_limits<float>::quiet_NaN();
  EXPECT_THROW(quantize(GgmlType::kQ8_0, x, to), Failure);
}

TEST(Float16, EveryHalfSurvivesTheRoundTrip) {
  for (uint32_t bits = 0; bits < 0x10000; ++bits) {
    const float16 h{static_cast<uint16_t>(bits)};
    const float f = to_float(h);
    if (std::isnan(f)) {
      EXPECT_TRUE(std::isnan(to_float(to_float16(f))));
      EXPECT_TRUE((bits & 0x7c00u) == 0x7c00u && (bits & 0x3ffu) != 0);
    } else {
      ASSERT_EQ(bits, to_float16(f).bits);
    }
  }
}

TEST(Float16, RoundsToNearestEven) {
  EXPECT_EQ(0x7bff, to_float16(65519).bits);
  EXPECT_EQ(0x7c00, to_float16(65520).bits) << "the tie goes to infinity";
  EXPECT_EQ(0x3c00, to_float16(1.0f + 0x1p-11f).bits) << "tie to even";
  EXPECT_EQ(0x3c02, to_float16(1.0f + 3 * 0x1p-11f).bits) << "tie to even, upwards";
  EXPECT_EQ(0x3c01, to_float16(1.0f + 1.01f * 0x1p-11f).bits);
  EXPECT_EQ(0x0000, to_float16(0x1p-25f).bits) << "tie to even among the small";
  EXPECT_EQ(0x0002, to_float16(3 * 0x1p-25f).bits);
  EXPECT_EQ(0x0400, to_float16(0x1p-14f - 0x1p-26f).bits) << "carries into the normal ones";
  EXPECT_EQ(0x8001, to_float16(-0x1p-24f).bits);
}

TEST(Float8, FollowsTheTables) {
  EXPECT_EQ(448, float_of_e4m3(0x7e));
  EXPECT_EQ(-0x1p-9f, float_of_e4m3(0x81));
  EXPECT_EQ(0x1p-6f, float_of_e4m3(0x08));
  EXPECT_EQ(1, float_of_e4m3(0x38));
  EXPECT_TRUE(std::isnan(float_of_e4m3(0xff)));
  EXPECT_EQ(57344, float_of_e5m2(0x7b));
  EXPECT_EQ(0x1p-16f, float_of_e5m2(0x01));
  EXPECT_TRUE(std::isinf(float_of_e5m2(0xfc)));
}

}  // namespace
}  // namespace maru::formats
