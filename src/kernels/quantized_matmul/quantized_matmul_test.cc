// What the list of cases cannot say: the layout byte for byte, the same bits on every instruction set, extremes,
// numbers that are none, and how good the rounding is.
#include "kernels/quantized_matmul/quantized_matmul.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "base/random.h"
#include "kernels/quantized_matmul/reference.h"

namespace maru::kernels {
namespace {

constexpr QuantizedKind kKinds[] = {QuantizedKind::kInt8, QuantizedKind::kInt4};

std::vector<float> normal(int64_t n, uint64_t seed) {
  Random random(seed);
  std::vector<float> x(static_cast<size_t>(n));
  for (float& v : x) v = static_cast<float>(random.normal());
  return x;
}

struct Quantized {
  std::vector<std::byte> quads;
  std::vector<float16> scales;
  QuantizedMatrix matrix;
  bool fits;

  Quantized(QuantizedKind kind, const std::vector<float>& w, int64_t n, int64_t k, int threads = 1)
      : quads(static_cast<size_t>(quantized_quads_bytes(kind, n, k))),
        scales(static_cast<size_t>(quantized_scales_bytes(n, k)) / sizeof(float16)),
        matrix{kind, n, k, quads.data(), scales.data()} {
    ThreadPool pool(threads);
    CpuStream stream{&pool};
    fits = quantize_matrix<float>(stream, {kind, quads.data(), scales.data(), w.data(), k, n, k});
  }
};

std::vector<float> product(Isa isa, int threads, const std::vector<float>& x, int64_t m, const QuantizedMatrix& w) {
  ThreadPool pool(threads);
  CpuStream stream{&pool, isa};
  std::vector<float> c(static_cast<size_t>(m * w.n), std::nanf(""));
  std::vector<std::byte> scratch(static_cast<size_t>(quantized_matmul_scratch_bytes(m, w.k)));
  quantized_matmul<float>(
      stream, {.c = c.data(), .ldc = w.n, .x = x.data(), .ldx = w.k, .m = m, .w = w, .scratch = scratch.data()});
  return c;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

// Files depend on it. Scale 1/8 exactly: the largest element is at 127 (int8) or -8 (int4).
TEST(QuantizedMatmul, LayoutOfInt8) {
  std::vector<float> w(17 * 40);
  w[3 * 40 + 5] = 127 / 8.0f;
  w[3 * 40 + 0] = -2 / 8.0f;
  w[16 * 40 + 39] = -127 / 8.0f;
  const Quantized q(QuantizedKind::kInt8, w, 17, 40);
  ASSERT_EQ(q.quads.size(), 2u * 2 * 512);
  EXPECT_EQ(q.quads[64 * 1 + 4 * 3 + 1], std::byte{255});  // group 0, quad 1, row 3, element 1
  EXPECT_EQ(q.quads[4 * 3], std::byte{126});
  EXPECT_EQ(q.quads[4 * 2], std::byte{128});               // a zero
  EXPECT_EQ(q.quads[3 * 512 + 64 * 1 + 3], std::byte{1});  // panel 1, group 1, quad 1, row 0
  EXPECT_EQ(to_float(q.scales[3]), 0.125f);
  EXPECT_EQ(to_float(q.scales[3 * 16]), 0.125f);
  EXPECT_EQ(to_float(q.scales[3 * 16 + 1]), 0.0f);  // a row of padding
}

TEST(QuantizedMatmul, LayoutOfInt4) {
  std::vector<float> w(16 * 32);
  for (int i = 0; i < 16; ++i) w[2 * 32 + i] = static_cast<float>(i - 8) / 8, w[2 * 32 + 31 - i] = w[2 * 32 + i];
  const Quantized q(QuantizedKind::kInt4, w, 16, 32);
  ASSERT_EQ(q.quads.size(), 256u);
  EXPECT_EQ(to_float(q.scales[2]), 0.125f);
  // Quad 0 (elements 0 … 3: 0, 1, 2, 3 as stored) and quad 4 (elements 16 … 19: 15, 14, 13, 12).
  EXPECT_EQ(q.quads[4 * 2], std::byte{0xf0});
  EXPECT_EQ(q.quads[4 * 2 + 3], std::byte{0xc3});
  // Quad 3 (12 … 15) and quad 7 (3 … 0).
  EXPECT_EQ(q.quads[3 * 64 + 4 * 2], std::byte{0x3c});
  EXPECT_EQ(q.quads[0], std::byte{0x88});  // zeros
}

TEST(QuantizedMatmul, QuantizesTheSameOnAnyNumberOfThreads) {
  const std::vector<float> w = normal(50 * 100, 1);
  for (QuantizedKind kind : kKinds) {
    const Quantized one(kind, w, 50, 100, 1), three(kind, w, 50, 100, 3);
    EXPECT_EQ(one.quads, three.quads);
    EXPECT_EQ(std::memcmp(one.scales.data(), three.scales.data(), one.scales.size() * 2), 0);
  }
}

TEST(QuantizedMatmul, SameBitsOnEveryInstructionSetForAnyThreadsAndRows) {
  const int64_t n = 70, k = 300, most = 40;
  const std::vector<float> w = normal(n * k, 2), x = normal(most * k, 3);
  for (QuantizedKind kind : kKinds) {
    const Quantized q(kind, w, n, k);
    const std::vector<float> expected = product(Isa::kScalar, 1, x, most, q.matrix);
    for (Isa isa : supported_isas())
      for (int64_t m = 1; m <= most; ++m) {
        const std::vector<float> c = product(isa, 1 + static_cast<int>(m % 3), x, m, q.matrix);
        const std::vector<float> first(expected.begin(), expected.begin() + m * n);
        ASSERT_TRUE(same_bits(c, first)) << name_of(isa) << ", " << m << " rows";
      }
  }
}

// Sums of products must not saturate: 2 · 127 · 127 and 255 · 127 are close to what 16 bits hold.
TEST(QuantizedMatmul, ExtremesAreExact) {
  const int64_t n = 16, k = 256;
  for (QuantizedKind kind : kKinds)
    for (float sign_x : {1.0f, -1.0f})
      for (float sign_w : {1.0f, -1.0f}) {
        const float top = kind == QuantizedKind::kInt8 ? 127.0f : -8.0f;
        std::vector<float> w(n * k, top * sign_w), x(k, 127 * sign_x);
        const Quantized q(kind, w, n, k);
        const double expected = 127.0 * sign_x * top * sign_w * k;
        for (Isa isa : supported_isas())
          for (float c : product(isa, 1, x, 1, q.matrix)) ASSERT_EQ(c, static_cast<float>(expected)) << name_of(isa);
      }
}

TEST(QuantizedMatmul, ZerosAndTinyNumbersGiveZero) {
  const int64_t n = 20, k = 140;
  for (QuantizedKind kind : kKinds) {
    const Quantized q(kind, normal(n * k, 4), n, k), zeros(kind, std::vector<float>(n * k), n, k);
    for (Isa isa : supported_isas()) {
      for (float tiny : {0.0f, -0.0f, 1e-40f, 1e-37f})
        for (float c : product(isa, 1, std::vector<float>(k, tiny), 1, q.matrix)) ASSERT_EQ(c, 0);
      for (float c : product(isa, 1, normal(k, 5), 1, zeros.matrix)) ASSERT_EQ(c, 0);
    }
  }
}

TEST(QuantizedMatmul, ARowThatIsNotFiniteIsNanAndLeavesTheOthersAlone) {
  const int64_t n = 20, k = 140, m = 3;
  const std::vector<float> clean = normal(m * k, 6);
  for (QuantizedKind kind : kKinds)
    for (float bad : {std::nanf(""), INFINITY, -INFINITY})
      for (int64_t at : {int64_t{0}, int64_t{127}, k - 1}) {
        const Quantized q(kind, normal(n * k, 7), n, k);
        std::vector<float> x = clean;
        x[k + at] = bad;
        for (Isa isa : supported_isas()) {
          const std::vector<float> c = product(isa, 1, x, m, q.matrix), good = product(isa, 1, clean, m, q.matrix);
          for (int64_t j = 0; j < n; ++j) {
            ASSERT_TRUE(std::isnan(c[n + j])) << name_of(isa);
            ASSERT_EQ(c[j], good[j]);
            ASSERT_EQ(c[2 * n + j], good[2 * n + j]);
          }
        }
      }
}

TEST(QuantizedMatmul, WeightsThatCannotBeRepresentedAreRefused) {
  for (QuantizedKind kind : kKinds)
    for (float bad : {std::nanf(""), INFINITY, 1e9f}) {
      std::vector<float> w = normal(5 * 40, 8);
      EXPECT_TRUE(Quantized(kind, w, 5, 40).fits);
      w[133] = bad;
      EXPECT_FALSE(Quantized(kind, w, 5, 40).fits);
    }
}

// |w - scale · q| of int8 is at most half a step (and what rounding the scale to f16 costs).
TEST(QuantizedMatmul, Int8IsWithinHalfAStep) {
  const int64_t n = 30, k = 100;
  const std::vector<float> w = normal(n * k, 9);
  const Quantized q(QuantizedKind::kInt8, w, n, k);
  for (int64_t i = 0; i < n; ++i)
    for (int64_t p = 0; p < k; ++p)
      ASSERT_LE(std::abs(w[i * k + p] - reference::quantized_weight(q.matrix, i, p)),
                (0.5 + 127 * 0x1p-11) * reference::quantized_scale(q.matrix, i, p));
}

// Squared error of 4 bits when the largest element is simply put at -8.
double plain_error(const float* w) {
  float top = 0;
  for (int i = 0; i < 32; ++i) top = std::abs(w[i]) > std::abs(top) ? w[i] : top;
  const double scale = static_cast<double>(to_float(to_float16(top / -8)));
  double error = 0;
  for (int i = 0; i < 32; ++i) {
    const double rest = w[i] - scale * std::min(7.0, std::max(-8.0, std::nearbyint(w[i] / scale)));
    error += rest * rest;
  }
  return error;
}

TEST(QuantizedMatmul, Int4IsBetterThanThePlainScaleInEveryGroup) {
  const int64_t n = 64, k = 128;
  const std::vector<float> w = normal(n * k, 10);
  const Quantized q(QuantizedKind::kInt4, w, n, k);
  double ours = 0, plain = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t g = 0; g < k; g += 32) {
      double error = 0;
      for (int64_t p = g; p < g + 32; ++p)
        error += std::pow(w[i * k + p] - reference::quantized_weight(q.matrix, i, p), 2);
      const double before = plain_error(w.data() + i * k + g);
      ASSERT_LE(error, before * 1.05);
      ours += error;
      plain += before;
    }
  EXPECT_LT(ours, 0.9 * plain);
}

// Against the product of the numbers before quantization.
TEST(QuantizedMatmul, ErrorOfTheWholeProduct) {
  const int64_t m = 8, n = 64, k = 512;
  const std::vector<float> w = normal(n * k, 11), x = normal(m * k, 12);
  for (QuantizedKind kind : kKinds) {
    const Quantized q(kind, w, n, k);
    const std::vector<float> c = product(best_isa(), 2, x, m, q.matrix);
    double error = 0, size = 0;
    for (int64_t i = 0; i < m; ++i)
      for (int64_t j = 0; j < n; ++j) {
        double exact = 0;
        for (int64_t p = 0; p < k; ++p) exact += static_cast<double>(x[i * k + p]) * w[j * k + p];
        error += std::pow(c[i * n + j] - exact, 2);
        size += exact * exact;
      }
    EXPECT_LT(std::sqrt(error / size), kind == QuantizedKind::kInt8 ? 0.01 : 0.1);
  }
}

TEST(QuantizedMatmul, RowsAreLookedUpByToken) {
  const int64_t n = 40, k = 70;
  const std::vector<int32_t> tokens = {39, 0, 17, 17};
  for (QuantizedKind kind : kKinds) {
    const Quantized q(kind, normal(n * k, 13), n, k);
    for (Isa isa : supported_isas()) {
      ThreadPool pool(2);
      CpuStream stream{&pool, isa};
      std::vector<float> y(tokens.size() * k);
      quantized_rows<float>(stream, {y.data(), q.matrix, tokens.data(), 4, 0.5});
      for (size_t i = 0; i < tokens.size(); ++i)
        for (int64_t p = 0; p < k; ++p)
          ASSERT_EQ(y[i * k + p], static_cast<float>(0.5 * reference::quantized_weight(q.matrix, tokens[i], p)));
    }
  }
}

}  // namespace
}  // namespace maru::kernels
