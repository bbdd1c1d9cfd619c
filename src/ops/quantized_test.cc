// The ops over quantized weights: against the dequantized product, and what they refuse.
#include "ops/quantized.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "base/random.h"
#include "ops/linear.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

class QuantizedTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
  Context ctx_{device_, arena_};
  Random random_{1};

  Tensor normal(Shape shape, Dtype dtype) {
    Tensor t(arena_, shape, dtype);
    for (int64_t i = 0; i < t.size(); ++i) {
      const auto value = static_cast<float>(random_.normal());
      if (dtype == Dtype::kBf16) t.data<bfloat16>()[i] = to_bfloat16(value);
      if (dtype == Dtype::kF32) t.data<float>()[i] = value;
    }
    return t;
  }
};

double relative_difference(const Tensor& a, const Tensor& b) {
  double error = 0, size = 0;
  for (int64_t i = 0; i < a.size(); ++i) {
    error += std::pow(a.data<float>()[i] - b.data<float>()[i], 2);
    size += std::pow(b.data<float>()[i], 2);
  }
  return std::sqrt(error / size);
}

ErrorCode refusal(const std::function<void()>& run) {
  try {
    run();
  } catch (const Failure& failure) {
    return failure.code();
  }
  return ErrorCode::kInternal;
}

// Rounding the activations to 8 bits is all that differs.
TEST_F(QuantizedTest, LinearIsTheProductWithTheDequantizedWeight) {
  const Tensor x = normal({9, 200}, Dtype::kF32), bias = normal({1, 50}, Dtype::kF32);
  for (QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
    const QuantizedWeight w = quantize(device_, normal({50, 200}, Dtype::kF32), kind);
    const Tensor expected = linear(ctx_, x, dequantize(ctx_, w), bias);
    EXPECT_LT(relative_difference(quantized_linear(ctx_, x, w, bias), expected), 0.012);
    EXPECT_GT(relative_difference(quantized_linear(ctx_, x, w), expected), 0.03) << "the bias is part of it";
  }
}

// What QLoRA computes with: the same bits as with a plain weight of these values, forward and backward.
TEST_F(QuantizedTest, WithATapeItIsThePlainProductWithTheDequantizedWeight) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
      const QuantizedWeight w = quantize(device_, normal({50, 96}, dtype), kind);
      const Tensor x = normal({9, 96}, dtype), bias = normal({1, 50}, dtype), dy = normal({9, 50}, dtype);
      const auto run = [&](bool quantized) {
        Tape tape;
        Context train{device_, arena_, &tape};
        const Dtype wide = accumulator_of(dtype);
        const Tensor dx(arena_, x.shape(), dtype), dbias(arena_, bias.shape(), wide);
        std::memset(dbias.data<std::byte>(), 0, dbias.bytes());
        const Tensor in = tape.leaf(x, {dx, false}), b = tape.leaf(bias, {dbias, true});
        const Tensor y =
            quantized ? quantized_linear(train, in, w, b) : linear(train, in, dequantize(ctx_, w, dtype), b);
        tape.backward(train, y, dy);
        std::string bytes;
        for (const Tensor& t : {y, dx, dbias})
          bytes.append(reinterpret_cast<const char*>(t.data<std::byte>()), t.bytes());
        return bytes;
      };
      EXPECT_EQ(run(false), run(true));
    }
}

TEST_F(QuantizedTest, ProjectScalesAndGivesF32) {
  const Tensor x = normal({3, 64}, Dtype::kBf16);
  const QuantizedWeight w = quantize(device_, normal({20, 64}, Dtype::kBf16), QuantizedKind::kInt8);
  const Tensor once = quantized_project(ctx_, x, w), twice = quantized_project(ctx_, x, w, 2);
  ASSERT_EQ(once.dtype(), Dtype::kF32);
  for (int64_t i = 0; i < once.size(); ++i) EXPECT_EQ(2 * once.data<float>()[i], twice.data<float>()[i]);
}

TEST_F(QuantizedTest, ProjectIsCappedAsThePlainOneIs) {
  const Tensor x = normal({3, 64}, Dtype::kF32);
  const QuantizedWeight w = quantize(device_, normal({20, 64}, Dtype::kF32), QuantizedKind::kInt8);
  const Tensor plain = quantized_project(ctx_, x, w, 0.5), capped = quantized_project(ctx_, x, w, 0.5, 3);
  for (int64_t i = 0; i < plain.size(); ++i)
    EXPECT_NEAR(capped.data<float>()[i], 3 * std::tanh(plain.data<float>()[i] / 3), 1e-5);
  EXPECT_LT(relative_difference(capped, project(ctx_, x, dequantize(ctx_, w), 0.5, 3)), 0.02);
}

// q = (row + col) % 16 - 8, scale = row + 1, offset = the group's number.
void fill_rows(int64_t first, int64_t rows, int64_t cols, int8_t* q, float* scales, float* offsets) {
  for (int64_t r = 0; r < rows; ++r) {
    for (int64_t c = 0; c < cols; ++c) q[r * cols + c] = static_cast<int8_t>((first + r + c) % 16 - 8);
    for (int64_t g = 0, groups = (cols + 31) / 32; g < groups; ++g) {
      scales[r * groups + g] = static_cast<float>(first + r + 1);
      if (offsets != nullptr) offsets[r * groups + g] = static_cast<float>(g);
    }
  }
}

TEST_F(QuantizedTest, PacksWhatOthersQuantized) {
  for (QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4})
    for (bool has_offsets : {false, true}) {
      const PackSource source = [](int64_t first, int64_t rows, int8_t* q, float* scales, float* offsets) {
        ASSERT_LE(rows, 16);
        fill_rows(first, rows, 70, q, scales, offsets);
      };
      const QuantizedWeight w = pack_quantized(device_.host(), kind, {50, 70}, has_offsets, source);
      ASSERT_EQ(static_cast<bool>(w.offsets), has_offsets);
      const Tensor y = dequantize(ctx_, w);
      for (int64_t r = 0; r < 50; ++r)
        for (int64_t c = 0; c < 70; ++c) {
          const auto q = static_cast<float>((r + c) % 16 - 8), offset = static_cast<float>(has_offsets ? c / 32 : 0);
          ASSERT_EQ(y.data<float>()[r * 70 + c], q * static_cast<float>(r + 1) + offset);
        }
    }
}

TEST_F(QuantizedTest, OffsetsArePartOfTheProduct) {
  const Tensor x = normal({9, 200}, Dtype::kF32);
  const PackSource source = [](int64_t first, int64_t rows, int8_t* q, float* scales, float* offsets) {
    fill_rows(first, rows, 200, q, scales, offsets);
  };
  const QuantizedWeight w = pack_quantized(device_.host(), QuantizedKind::kInt4, {50, 200}, true, source);
  EXPECT_LT(relative_difference(quantized_linear(ctx_, x, w), linear(ctx_, x, dequantize(ctx_, w))), 0.012);
}

TEST_F(QuantizedTest, PackingReportsTheRowsOfAScaleThatDoesNotFit) {
  const PackSource source = [](int64_t first, int64_t rows, int8_t* q, float* scales, float* offsets) {
    fill_rows(first, rows, 70, q, scales, offsets);
    if (first == 32) scales[0] = 1e6f;
  };
  try {
    pack_quantized(device_.host(), QuantizedKind::kInt8, {50, 70}, false, source);
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(failure.what()).find("rows 32 to 47"), std::string::npos) << failure.what();
  }
}

TEST_F(QuantizedTest, PackingPassesOnWhatTheSourceThrows) {
  const PackSource source = [](int64_t, int64_t, int8_t*, float*, float*) {
    throw Failure(ErrorCode::kDataLoss, "cut off");
  };
  EXPECT_EQ(refusal([&] {
              pack_quantized(device_.host(), QuantizedKind::kInt4, {50, 70}, true, source);
            }),
            ErrorCode::kDataLoss);
}

TEST_F(QuantizedTest, EmbeddingTakesRowsOfTheTable) {
  const QuantizedWeight w = quantize(device_, normal({30, 40}, Dtype::kF32), QuantizedKind::kInt8);
  const Tensor table = dequantize(ctx_, w), tokens(arena_, {2, 1}, Dtype::kI32);
  tokens.data<int32_t>()[0] = 29;
  tokens.data<int32_t>()[1] = 3;
  const Tensor y = quantized_embedding(ctx_, tokens, w, Dtype::kF32, 0.5);
  for (int64_t i = 0; i < 80; ++i)
    EXPECT_EQ(y.data<float>()[i], 0.5f * table.data<float>()[(i < 40 ? 29 : 3) * 40 + i % 40]);
}

TEST_F(QuantizedTest, RefusesWhatItCannotDo) {
  const Tensor x = normal({2, 64}, Dtype::kF32), table = normal({20, 64}, Dtype::kF32);
  const QuantizedWeight w = quantize(device_, table, QuantizedKind::kInt4);
  Tape tape;
  Context train{device_, arena_, &tape};
  EXPECT_EQ(refusal([&] { quantized_project(train, x, w); }), ErrorCode::kUnimplemented);
  EXPECT_EQ(refusal([&] { quantized_linear(ctx_, normal({2, 63}, Dtype::kF32), w); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal([&] { quantized_linear(ctx_, x, w, normal({1, 19}, Dtype::kF32)); }), ErrorCode::kInvalidArgument);
  EXPECT_EQ(refusal([&] { quantized_view(QuantizedKind::kInt8, w.shape, w.quads, w.scales, "file"); }),
            ErrorCode::kDataLoss);
  EXPECT_EQ(refusal([&] { quantized_view(QuantizedKind::kInt4, w.shape, w.quads, w.scales, "file", w.quads); }),
            ErrorCode::kDataLoss);
  table.data<float>()[7] = INFINITY;
  EXPECT_EQ(refusal([&] { quantize(device_, table, QuantizedKind::kInt8); }), ErrorCode::kInvalidArgument);
}

// What a file holds is used where it lies.
TEST_F(QuantizedTest, AViewSharesTheBytes) {
  const QuantizedWeight w = quantize(device_, normal({20, 64}, Dtype::kF32), QuantizedKind::kInt4);
  const QuantizedWeight view = quantized_view(w.kind, w.shape, w.quads, w.scales, "file");
  EXPECT_EQ(view.quads.data<std::byte>(), w.quads.data<std::byte>());
  EXPECT_EQ(w.quads.bytes(), 2u * 2 * 256);
  EXPECT_EQ(w.scales.bytes(), 2u * 2 * 32);
}

}  // namespace
}  // namespace maru
