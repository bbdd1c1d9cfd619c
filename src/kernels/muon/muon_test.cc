// Muon against its formula in PyTorch, and what it promises about singular values.
#include "kernels/muon/muon.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <vector>

#include "base/random.h"

namespace maru::kernels {
namespace {

struct alignas(64) Line {
  std::byte bytes[64];
};

std::vector<Line> lines(int64_t bytes) { return std::vector<Line>(static_cast<size_t>(divide_up(bytes, 64))); }

// import math, torch
// def ns(x):
//     x = x / (x.norm() + 1e-7)
//     for _ in range(5): g = x @ x.T; x = 3.4445*x + (-4.7750*g + 2.0315*g@g) @ x
//     return x
// g = torch.tensor([[math.sin(1 + i + 2*i*i*j + 3*j*j) for j in range(4)] for i in range(3)], dtype=torch.float64)
// p = torch.tensor([[math.cos(i - j) for j in range(4)] for i in range(3)], dtype=torch.float64)
// q = p.clone(); m = torch.zeros_like(p)
// for t in range(2):
//     gt = g*(1 + t) + 0.5*t*p; m = 0.95*m + gt
//     p = p*(1 - 0.02*0.1) - 0.02*0.2*math.sqrt(4)*ns(gt + 0.95*m)
// print(["%.7f" % v for v in p.flatten().tolist()])
// torch.optim.Muon(lr=0.02, weight_decay=0.1, adjust_lr_fn="match_rms_adamw") of PyTorch 2.13, which computes ns in
// bfloat16, gives the same within 2e-4.
constexpr std::array<double, 12> kExpected = {0.9877492, 0.5430543,  -0.4217922, -0.9866829, 0.5299666, 0.9899855,
                                              0.5488671, -0.4110314, -0.4164417, 0.5258637,  0.9927151, 0.5446932};

// As given, or everything transposed (a tall matrix then).
template <class T>
std::array<T, 12> two_steps(Isa isa, bool tall) {
  ThreadPool pool(1);
  CpuStream stream{&pool, isa};
  const int64_t rows = tall ? 4 : 3, cols = tall ? 3 : 4;
  auto scratch = lines(muon_scratch_bytes<T>(stream, rows, cols));
  std::array<T, 12> p{}, m{}, g{};
  const auto at = [&](std::array<T, 12>& x, int i, int j) -> T& {
    return x[static_cast<size_t>(tall ? j * 3 + i : i * 4 + j)];
  };
  for (int i = 0; i < 3; ++i)
    for (int j = 0; j < 4; ++j) at(p, i, j) = static_cast<T>(std::cos(i - j));
  for (int t = 0; t < 2; ++t) {
    for (int i = 0; i < 3; ++i)
      for (int j = 0; j < 4; ++j)
        at(g, i, j) = static_cast<T>(std::sin(1 + i + 2 * i * i * j + 3 * j * j) * (1 + t)) +
                      T(0.5) * static_cast<T>(t) * at(p, i, j);
    muon<T>(stream, {.parameter = p.data(),
                     .m = m.data(),
                     .gradient = g.data(),
                     .rows = rows,
                     .cols = cols,
                     .lr = 0.02,
                     .scratch = scratch.data()->bytes});
  }
  std::array<T, 12> result{};
  for (int i = 0; i < 12; ++i) result[static_cast<size_t>(i)] = at(p, i / 4, i % 4);
  return result;
}

TEST(Muon, TwoStepsAreThoseOfTheFormula) {
  for (bool tall : {false, true}) {
    const auto exact = two_steps<double>(Isa::kScalar, tall);
    for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(exact[i], kExpected[i], tall ? 1e-6 : 1e-7);
    for (Isa isa : supported_isas()) {
      const auto p = two_steps<float>(isa, tall);
      for (size_t i = 0; i < 12; ++i) EXPECT_NEAR(p[i], kExpected[i], 1e-6) << name_of(isa);
    }
  }
}

// Eigenvalues of a symmetric matrix by cyclic Jacobi rotations (Golub & Van Loan 2013, §8.5).
std::vector<double> eigenvalues(std::vector<double> a, int64_t n) {
  const auto at = [&](int64_t i, int64_t j) -> double& { return a[static_cast<size_t>(i * n + j)]; };
  for (int sweep = 0; sweep < 12; ++sweep)
    for (int64_t p = 0; p < n; ++p)
      for (int64_t q = p + 1; q < n; ++q) {
        const double angle = 0.5 * std::atan2(2 * at(p, q), at(q, q) - at(p, p)), c = std::cos(angle),
                     s = std::sin(angle);
        for (int64_t k = 0; k < n; ++k) {
          const double x = at(k, p), y = at(k, q);
          at(k, p) = c * x - s * y;
          at(k, q) = s * x + c * y;
        }
        for (int64_t k = 0; k < n; ++k) {
          const double x = at(p, k), y = at(q, k);
          at(p, k) = c * x - s * y;
          at(q, k) = s * x + c * y;
        }
      }
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(at(i, i));
  return values;
}

TEST(Muon, SingularValuesComeNearOne) {
  constexpr int64_t kRows = 24, kCols = 40;
  for (Isa isa : supported_isas()) {
    ThreadPool pool(2);
    CpuStream stream{&pool, isa};
    Random random(7);
    std::vector<float> x(kRows * kCols);
    for (float& v : x) v = static_cast<float>(100 * random.normal());
    auto scratch = lines(newton_schulz_scratch_bytes<float>(stream, kRows, kCols));
    newton_schulz<float>(stream, {.x = x.data(), .rows = kRows, .cols = kCols, .scratch = scratch.data()->bytes});
    std::vector<double> gram(kRows * kRows);
    for (int64_t i = 0; i < kRows; ++i)
      for (int64_t j = 0; j < kRows; ++j)
        for (int64_t k = 0; k < kCols; ++k)
          gram[static_cast<size_t>(i * kRows + j)] +=
              double{x[static_cast<size_t>(i * kCols + k)]} * double{x[static_cast<size_t>(j * kCols + k)]};
    for (double value : eigenvalues(gram, kRows)) {
      EXPECT_GT(std::sqrt(value), 0.65) << name_of(isa);
      EXPECT_LT(std::sqrt(value), 1.25) << name_of(isa);
    }
  }
}

TEST(Muon, ZeroGradientStaysZero) {
  ThreadPool pool(1);
  CpuStream stream{&pool};
  std::vector<float> x(6);
  auto scratch = lines(newton_schulz_scratch_bytes<float>(stream, 2, 3));
  newton_schulz<float>(stream, {.x = x.data(), .rows = 2, .cols = 3, .scratch = scratch.data()->bytes});
  EXPECT_EQ(x, std::vector<float>(6));
}

}  // namespace
}  // namespace maru::kernels
