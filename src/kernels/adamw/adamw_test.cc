// AdamW against PyTorch.
#include "kernels/adamw/adamw.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>

namespace maru::kernels {
namespace {

// import math, torch
// p = torch.nn.Parameter(torch.tensor([math.sin(1 + 3*i) for i in range(5)], dtype=torch.float64))
// o = torch.optim.AdamW([p], lr=1e-2, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
// for t in range(3):
//     p.grad = torch.tensor([math.cos(2*i + t) for i in range(5)], dtype=torch.float64); o.step()
// print(["%.9f" % v for v in p.tolist()])       # PyTorch 2.13
constexpr std::array<double, 5> kTorch = {0.814764162, -0.725660933, 0.664570434, -0.569177332, 0.446192191};

template <class T>
std::array<T, 5> three_steps(Isa isa) {
  ThreadPool pool(1);
  CpuStream stream{&pool, isa};
  std::array<T, 5> p{}, m{}, v{}, g{};
  for (int i = 0; i < 5; ++i) p[i] = static_cast<T>(std::sin(1 + 3 * i));
  for (int t = 0; t < 3; ++t) {
    for (int i = 0; i < 5; ++i) g[i] = static_cast<T>(2 * std::cos(2 * i + t));
    adamw<T>(stream, {.parameter = p.data(),
                      .m = m.data(),
                      .v = v.data(),
                      .gradient = g.data(),
                      .count = 5,
                      .step = t + 1,
                      .lr = 1e-2,
                      .gradient_scale = 0.5,
                      .zero_gradient = true});
    for (T x : g) EXPECT_EQ(x, 0);
  }
  return p;
}

TEST(AdamW, ThreeStepsAreThoseOfPyTorch) {
  const auto exact = three_steps<double>(Isa::kScalar);
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(exact[i], kTorch[i], 1e-9);
  for (Isa isa : supported_isas()) {
    const auto p = three_steps<float>(isa);
    for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(p[i], kTorch[i], 2e-7) << name_of(isa);
  }
}

}  // namespace
}  // namespace maru::kernels
