// What the list of cases cannot say: the layout byte for byte, the same bits on every instruction set, extremes,
// numbers that are none, and how good the rounding is.
#include "kernels/quantized_matmul/quantized_matmul.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <tuple>
#include <utility>
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
    int32_t all_fit = 0;
    quantize_matrix<float>(stream, {kind, quads.data(), scales.data(), w.data(), k, n, k, &all_fit});
    fits = all_fit == 1;
  }
};

// A matrix of given numbers: q in all of its range, scales and offsets of both signs.
struct Packed {
  std::vector<int8_t> q;
  std::vector<float> factors, shifts;  // scales and offsets
  std::vector<std::byte> quads;
  std::vector<float16> scales, offsets;
  QuantizedMatrix matrix;
  bool fits = true;

  Packed(QuantizedKind kind, int64_t n, int64_t k, Isa isa = best_isa())
      : q(static_cast<size_t>(n * k)),
        factors(normal(n * quantized_groups(k), 20)),
        shifts(normal(n * quantized_groups(k), 21)),
        quads(static_cast<size_t>(quantized_quads_bytes(kind, n, k)), std::byte{0xff}),
        scales(static_cast<size_t>(quantized_scales_bytes(n, k)) / sizeof(float16)),
        offsets(scales.size()),
        matrix{kind, n, k, quads.data(), scales.data(), offsets.data()} {
    Random random(22);
    const int range = kind == QuantizedKind::kInt8 ? 256 : 16;
    for (int8_t& x : q)
      x = static_cast<int8_t>(static_cast<int>(random.below(static_cast<uint64_t>(range))) - range / 2);
    pack(isa);
  }
  void pack(Isa isa) {
    const CpuStream stream{nullptr, isa};  // panels are packed on this thread
    const int64_t groups = quantized_groups(matrix.k);
    for (int64_t row = 0; row < matrix.n; row += kQuantizedPanel) {
      const int64_t first = row / kQuantizedPanel * groups, at = first * kQuantizedPanel;
      fits &= pack_quantized_panel(stream, {.kind = matrix.kind,
                                            .quads = quads.data() + first * quantized_group_bytes(matrix.kind),
                                            .scales = scales.data() + at,
                                            .offsets = offsets.data() + at,
                                            .q = q.data() + row * matrix.k,
                                            .from_scales = factors.data() + row * groups,
                                            .from_offsets = shifts.data() + row * groups,
                                            .rows = std::min(kQuantizedPanel, matrix.n - row),
                                            .k = matrix.k});
    }
  }
};

// The numbers and scales of a matrix in panels, in rows of blocks.
struct Blocks {
  std::vector<std::byte> bytes;
  QuantizedMatrix matrix;

  explicit Blocks(const Packed& from) : matrix(from.matrix) {
    for (int64_t g = 0; g < matrix.n * quantized_groups(matrix.k); ++g) {
      add(to_float16(from.factors[g]));
      const int8_t* q = from.q.data() + g * kQuantizedGroup;
      for (int i = 0; i < (matrix.kind == QuantizedKind::kInt8 ? 32 : 16); ++i)
        add(matrix.kind == QuantizedKind::kInt8 ? q[i] : static_cast<int8_t>((q[i] + 8) | (q[16 + i] + 8) << 4));
    }
    matrix = {matrix.kind, matrix.n, matrix.k, bytes.data()};
    matrix.layout = QuantizedLayout::kBlocks;
  }

 private:
  template <class T>
  void add(T value) {
    const auto* at = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), at, at + sizeof value);
  }
};

std::vector<float> product(Isa isa, int threads, const std::vector<float>& x, int64_t m, const QuantizedMatrix& w) {
  ThreadPool pool(threads);
  CpuStream stream{&pool, isa};
  std::vector<float> c(static_cast<size_t>(m * w.n), std::nanf(""));
  std::vector<std::byte> scratch(static_cast<size_t>(quantized_matmul_scratch_bytes(stream, m, w.k)));
  quantized_matmul<float>(
      stream, {.c = c.data(), .ldc = w.n, .x = x.data(), .ldx = w.k, .m = m, .w = w, .scratch = scratch.data()});
  return c;
}

bool same_bits(const std::vector<float>& a, const std::vector<float>& b) {
  return a.size() == b.size() && std::memcmp(a.data(), b.data(), a.size() * sizeof(float)) == 0;
}

TEST(QuantizedMatmul, GroupsOfRowsMeetTheirOwnMatrices) {
  const int64_t n = 33, k = 65;
  const std::vector<float> x = normal(12 * k, 1);
  const Quantized a(QuantizedKind::kInt4, normal(n * k, 2), n, k), b(QuantizedKind::kInt4, normal(n * k, 3), n, k);
  const std::vector<QuantizedMatrix> weights{a.matrix, a.matrix, b.matrix};
  const std::vector<int32_t> first{0, 4, 4, 10};
  for (Isa isa : supported_isas()) {
    ThreadPool pool(2);
    CpuStream stream{&pool, isa};
    std::vector<float> c(12 * n, std::nanf(""));
    std::vector<std::byte> scratch(static_cast<size_t>(quantized_matmul_scratch_bytes(stream, 12, k)));
    quantized_grouped_matmul<float>(stream, {c.data(), x.data(), weights.data(), first.data(), 3, 12, scratch.data()});
    std::vector<float> expected = product(isa, 1, x, 12, a.matrix);
    const std::vector<float> by_b = product(isa, 1, x, 12, b.matrix);
    std::copy(by_b.begin() + 4 * n, by_b.begin() + 10 * n, expected.begin() + 4 * n);
    std::fill(expected.begin() + 10 * n, expected.end(), 0.0f);
    EXPECT_TRUE(same_bits(expected, c)) << name_of(isa);
  }
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

// For every number of rows up to most.
void expect_same_bits_everywhere(const QuantizedMatrix& w, int64_t most) {
  const std::vector<float> x = normal(most * w.k, 3), expected = product(Isa::kScalar, 1, x, most, w);
  for (Isa isa : supported_isas())
    for (int64_t m = 1; m <= most; ++m) {
      const std::vector<float> c = product(isa, 1 + static_cast<int>(m % 3), x, m, w);
      const std::vector<float> first(expected.begin(), expected.begin() + m * w.n);
      ASSERT_TRUE(same_bits(c, first)) << name_of(isa) << ", " << m << " rows of " << w.k;
    }
}

// 70 outputs are an odd number of panels.
TEST(QuantizedMatmul, SameBitsOnEveryInstructionSetForAnyThreadsAndRows) {
  for (QuantizedKind kind : kKinds) {
    expect_same_bits_everywhere(Quantized(kind, normal(70 * 300, 2), 70, 300).matrix, 40);
    expect_same_bits_everywhere(Packed(kind, 70, 300).matrix, 40);
  }
}

// So many rows and columns that several blocks of rows and several tasks are needed.
TEST(QuantizedMatmul, SameBitsInBlocks) {
  const int64_t n = 500, k = 1100, m = 400;
  const std::vector<float> x = normal(m * k, 14);
  for (QuantizedKind kind : kKinds) {
    const Packed w(kind, n, k);
    const std::vector<float> expected = product(Isa::kScalar, 2, x, m, w.matrix);
    for (Isa isa : supported_isas()) ASSERT_TRUE(same_bits(product(isa, 2, x, m, w.matrix), expected)) << name_of(isa);
  }
}

// 70 outputs are 4 panels and a part of one, 5 too few for any; 352 columns are 2 chunks and a part of one.
TEST(QuantizedMatmul, BlocksGiveTheBitsOfPanels) {
  for (QuantizedKind kind : kKinds)
    for (auto [n, k, most] : {std::tuple<int64_t, int64_t, int64_t>{70, 352, 40}, {5, 32, 3}, {64, 1152, 7}}) {
      Packed panels(kind, n, k);
      panels.matrix.offsets = nullptr;
      const Blocks blocks(panels);
      ASSERT_EQ(static_cast<int64_t>(blocks.bytes.size()), quantized_blocks_bytes(kind, n, k));
      const std::vector<float> x = normal(most * k, 23);
      for (Isa isa : supported_isas())
        for (int64_t m = 1; m <= most; ++m) {
          const int threads = 1 + static_cast<int>(m % 3);
          ASSERT_TRUE(same_bits(product(isa, threads, x, m, blocks.matrix), product(isa, threads, x, m, panels.matrix)))
              << name_of(isa) << ", " << m << " x " << n << " x " << k;
        }
    }
}

// More rows than a task takes; more columns than are staged at a time, for many rows too.
TEST(QuantizedMatmul, BlocksGiveTheBitsOfPanelsInManyTasks) {
  for (auto [m, n, k] : {std::tuple<int64_t, int64_t, int64_t>{400, 500, 1120}, {90, 100, 2208}})
    for (QuantizedKind kind : kKinds) {
      const std::vector<float> x = normal(m * k, 24);
      Packed panels(kind, n, k);
      panels.matrix.offsets = nullptr;
      const std::vector<float> expected = product(Isa::kScalar, 2, x, m, panels.matrix);
      for (Isa isa : supported_isas())
        ASSERT_TRUE(same_bits(product(isa, 2, x, m, Blocks(panels).matrix), expected)) << name_of(isa) << ", " << k;
    }
}

TEST(QuantizedMatmul, PackedNumbersAreThoseGiven) {
  for (QuantizedKind kind : kKinds)
    for (Isa isa : supported_isas())
      for (auto [n, k] : {std::pair<int64_t, int64_t>{1, 1}, {16, 64}, {35, 97}, {17, 600}}) {
        const Packed w(kind, n, k, isa);
        ASSERT_TRUE(w.fits);
        for (int64_t i = 0; i < n; ++i)
          for (int64_t p = 0; p < k; ++p) {
            const int64_t group = i * quantized_groups(k) + p / kQuantizedGroup;
            ASSERT_EQ(reference::quantized_element(w.matrix, i, p), w.q[i * k + p]) << name_of(isa);
            ASSERT_EQ(reference::quantized_scale(w.matrix, i, p), to_float(to_float16(w.factors[group])));
            ASSERT_EQ(reference::quantized_offset(w.matrix, i, p), to_float(to_float16(w.shifts[group])));
          }
      }
}

// Rows and columns that are not there are zeros, which files may rely on.
TEST(QuantizedMatmul, PaddingOfPackedPanelsIsZero) {
  for (QuantizedKind kind : kKinds) {
    const Packed first(kind, 3, 40, Isa::kScalar);
    const std::byte zero = kind == QuantizedKind::kInt8 ? std::byte{128} : std::byte{0x88};
    EXPECT_EQ(first.quads[4 * 3], zero);  // row 3
    EXPECT_EQ(first.quads.back(), zero);  // row 15
    EXPECT_EQ(to_float(first.scales[3]), 0);
    EXPECT_EQ(to_float(first.offsets.back()), 0);
    EXPECT_EQ(first.quads[quantized_group_bytes(kind) + 3 * 64] & std::byte{15}, zero & std::byte{15});  // column 44
    for (Isa isa : supported_isas()) EXPECT_EQ(Packed(kind, 3, 40, isa).quads, first.quads) << name_of(isa);
  }
}

TEST(QuantizedMatmul, FactorsThatAnF16CannotHoldAreReported) {
  for (Isa isa : supported_isas())
    for (float bad : {std::nanf(""), INFINITY, 65520.0f, -1e9f}) {
      Packed w(QuantizedKind::kInt8, 20, 70, isa);
      w.factors[7] = w.shifts[8] = 65519;
      w.factors[9] = 1e-7f;  // a denormal f16
      w.pack(isa);
      EXPECT_TRUE(w.fits);
      w.factors[31] = bad;
      w.pack(isa);
      EXPECT_FALSE(w.fits) << name_of(isa);
      w.fits = true, w.factors[31] = 0, w.shifts[59] = bad;
      w.pack(isa);
      EXPECT_FALSE(w.fits) << name_of(isa);
    }
}

// q = -128, which only others write, times x of both signs: |q| does not fit a signed byte.
TEST(QuantizedMatmul, TheLeastByteIsExact) {
  const int64_t n = 16, k = 256;
  for (float sign : {1.0f, -1.0f}) {
    Packed w(QuantizedKind::kInt8, n, k);
    std::fill(w.q.begin(), w.q.end(), int8_t{-128});
    std::fill(w.factors.begin(), w.factors.end(), 1.0f);
    std::fill(w.shifts.begin(), w.shifts.end(), 2.0f);
    w.pack(best_isa());
    const std::vector<float> x(k, 127 * sign);
    for (Isa isa : supported_isas()) {
      for (float c : product(isa, 1, x, 1, w.matrix)) ASSERT_EQ(c, 127 * sign * -126 * k) << name_of(isa);
      for (float c : product(isa, 1, x, 1, Blocks(w).matrix)) ASSERT_EQ(c, 127 * sign * -128 * k) << name_of(isa);
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

// In blocks too: sums of sixteen products of 4-bit weights come close to what 16 bits hold.
TEST(QuantizedMatmul, ExtremesInBlocksAreExact) {
  const int64_t n = 16, k = 256;
  for (QuantizedKind kind : kKinds)
    for (float sign : {1.0f, -1.0f})
      for (int q : {kind == QuantizedKind::kInt8 ? 127 : 7, kind == QuantizedKind::kInt8 ? -128 : -8}) {
        Packed w(kind, n, k);
        std::fill(w.q.begin(), w.q.end(), static_cast<int8_t>(q));
        std::fill(w.factors.begin(), w.factors.end(), 1.0f);
        const Blocks blocks(w);
        for (Isa isa : supported_isas())
          for (float c : product(isa, 1, std::vector<float>(k, 127 * sign), 1, blocks.matrix))
            ASSERT_EQ(c, 127 * sign * static_cast<float>(q * k)) << name_of(isa);
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

void expect_rows(const QuantizedMatrix& w) {
  for (Isa isa : supported_isas()) {
    ThreadPool pool(1);
    CpuStream stream{&pool, isa};
    std::vector<float> y(static_cast<size_t>(w.n * w.k));
    quantized_rows<float>(stream, {y.data(), w, nullptr, w.n});
    for (int64_t i = 0; i < w.n; ++i)
      for (int64_t p = 0; p < w.k; ++p)
        ASSERT_EQ(y[i * w.k + p], static_cast<float>(reference::quantized_weight(w, i, p))) << name_of(isa);
  }
}

TEST(QuantizedMatmul, RowsHaveTheirOffsets) {
  for (QuantizedKind kind : kKinds) expect_rows(Packed(kind, 20, 70).matrix);
}

TEST(QuantizedMatmul, RowsOfBlocksAreTheNumbersGiven) {
  for (QuantizedKind kind : kKinds) {
    const Packed w(kind, 64, 96);
    const Blocks blocks(w);
    expect_rows(blocks.matrix);
    for (int64_t i = 0; i < 64 * 96; ++i) {
      ASSERT_EQ(reference::quantized_element(blocks.matrix, i / 96, i % 96), w.q[i]);
      ASSERT_EQ(reference::quantized_scale(blocks.matrix, i / 96, i % 96), to_float(to_float16(w.factors[i / 32])));
    }
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
