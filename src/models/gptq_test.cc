// Rounding for inputs: its factors, its error beside plain rounding's, and an independent implementation's numbers.
#include "models/gptq.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

class GptqTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
  std::vector<std::vector<float>> memory_;

  Tensor filled(Shape shape, const std::function<float(int64_t row, int64_t col)>& value) {
    std::vector<float>& floats = memory_.emplace_back(static_cast<size_t>(shape.size()));
    for (int64_t i = 0; i < shape.size(); ++i) floats[static_cast<size_t>(i)] = value(i / shape.cols, i % shape.cols);
    return Tensor(nullptr, floats.data(), shape, Dtype::kF32);
  }
  Tensor normal(Shape shape, uint64_t seed) {
    Random random(seed);
    return filled(shape, [&](int64_t, int64_t) { return static_cast<float>(random.normal()); });
  }
  // Columns that resemble each other, and some much larger than others.
  Tensor inputs(int64_t rows, int64_t cols) {
    const Tensor noise = normal({rows, cols}, 1), common = normal({rows, 4}, 2), mix = normal({4, cols}, 3);
    return filled({rows, cols}, [&](int64_t r, int64_t c) {
      float x = 0.3f * noise.data<float>()[r * cols + c];
      for (int64_t i = 0; i < 4; ++i) x += common.data<float>()[r * 4 + i] * mix.data<float>()[i * cols + c];
      return c % 17 == 3 ? 20 * x : x;
    });
  }
  // Σ |X (w - v)|² over the rows of the weight.
  double error(const Tensor& x, const Tensor& w, const QuantizedWeight& q) {
    Context ctx{device_, arena_};
    const Tensor v = dequantize(ctx, q);
    double sum = 0;
    for (int64_t t = 0; t < x.rows(); ++t)
      for (int64_t o = 0; o < w.rows(); ++o) {
        double dot = 0;
        for (int64_t k = 0; k < x.cols(); ++k)
          dot += static_cast<double>(x.data<float>()[t * x.cols() + k]) *
                 (w.data<float>()[o * w.cols() + k] - v.data<float>()[o * w.cols() + k]);
        sum += dot * dot;
      }
    return sum;
  }
  InputStatistics statistics(const Tensor& x) {
    InputStatistics s(device_, x.cols());
    s.add(device_, x);
    return s;
  }
};

// H + λ = M D Mᵀ, for sizes around the blocks that it is computed in.
TEST_F(GptqTest, FactorsMultiplyToTheProducts) {
  for (const int64_t n : {1, 7, 64, 65, 150}) {
    const InputStatistics s = statistics(inputs(2 * n, n));
    const ErrorFactors f(device_.host(), s, 0.01);
    const float* products = s.products().data<float>();
    double mean = 0;
    for (int64_t i = 0; i < n; ++i) mean += static_cast<double>(products[i * n + i]) / static_cast<double>(n);
    const auto m = [&](int64_t j, int64_t k) {
      return j > k ? 0.0 : j == k ? 1.0 : static_cast<double>(f.spread()[k * n + j]);
    };
    for (int64_t i = 0; i < n; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < n; ++k) sum += m(i, k) * static_cast<double>(f.d()[static_cast<size_t>(k)]) * m(j, k);
        const double expected = static_cast<double>(products[i * n + j]) + (i == j ? 0.01 * mean : 0);
        const double size = std::sqrt(static_cast<double>(products[i * n + i]) * products[j * n + j]);
        ASSERT_NEAR(sum, expected, 1e-5 * size + 1e-6 * mean) << n << ": " << i << ", " << j;
      }
  }
}

TEST_F(GptqTest, ErrorOfTheProductsIsSmallerThanPlainRoundings) {
  for (const int64_t cols : {96, 100, 40})
    for (const QuantizedKind kind : {QuantizedKind::kInt4, QuantizedKind::kInt8}) {
      const Tensor x = inputs(300, cols), w = normal({37, cols}, 5);
      const ErrorFactors factors(device_.host(), statistics(x));
      const double plain = error(x, w, quantize(device_, w, kind));
      const double calibrated = error(x, w, quantize_for_inputs(device_, w, kind, factors));
      EXPECT_LT(calibrated, 0.3 * plain) << cols;
    }
}

// Inputs that say nothing (all zeros) leave plain rounding.
TEST_F(GptqTest, WithoutInputsItIsPlainRounding) {
  const Tensor w = normal({20, 70}, 6);
  const ErrorFactors factors(device_.host(), InputStatistics(device_, 70));
  const QuantizedWeight a = quantize_for_inputs(device_, w, QuantizedKind::kInt8, factors);
  const QuantizedWeight b = quantize(device_, w, QuantizedKind::kInt8);
  EXPECT_EQ(std::memcmp(a.quads.data<std::byte>(), b.quads.data<std::byte>(), a.quads.bytes()), 0);
  EXPECT_EQ(std::memcmp(a.scales.data<std::byte>(), b.scales.data<std::byte>(), a.scales.bytes()), 0);
}

TEST_F(GptqTest, WhatCannotBeRepresentedIsRefused) {
  const Tensor w = normal({20, 70}, 7);
  const ErrorFactors factors(device_.host(), statistics(inputs(100, 70))),
      narrow(device_.host(), statistics(inputs(100, 69)));
  EXPECT_THROW(quantize_for_inputs(device_, w, QuantizedKind::kInt4, narrow), Failure);
  w.data<float>()[300] = NAN;
  EXPECT_THROW(quantize_for_inputs(device_, w, QuantizedKind::kInt4, factors), Failure);
  const Tensor x = inputs(100, 70);
  x.data<float>()[5] = INFINITY;
  EXPECT_THROW(ErrorFactors(device_.host(), statistics(x)), Failure);
}

}  // namespace
}  // namespace maru
