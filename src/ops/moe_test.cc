// Gradients of a mixture of experts, against complex step.
#include "ops/moe.h"

#include <gtest/gtest.h>

#include "ops/activation.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/recompute.h"
#include "ops/test_weight.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Complex = std::complex<double>;

constexpr int64_t kTokens = 9, kDim = 8, kWidth = 5, kExperts = 4;

/// Two layers of experts around an activation, a residual connection and a head: [tokens, dim] to [tokens, 1].
struct Network {
  RoutingOptions routing;
  Weight x, gate, bias, head;
  std::vector<Weight> up, down;

  Network(const RoutingOptions& options, Dtype dtype)
      : routing(options),
        x({kTokens, kDim}, dtype, 1),
        gate({kExperts, kDim}, dtype, 2),
        bias({1, kExperts}, dtype, 3),
        head({1, kDim}, dtype, 4) {
    up.reserve(kExperts);
    down.reserve(kExperts);
    for (uint64_t e = 0; e < kExperts; ++e) {
      up.emplace_back(Shape{kWidth, kDim}, dtype, 5 + e);
      down.emplace_back(Shape{kDim, kWidth}, dtype, 11 + e);
    }
  }
  std::vector<Parameter*> parameters() {
    std::vector<Parameter*> all{&x.p, &gate.p, &bias.p, &head.p};
    for (Weight& w : up) all.push_back(&w.p);
    for (Weight& w : down) all.push_back(&w.p);
    return all;
  }
  static std::vector<Parameter*> each(std::vector<Weight>& weights) {
    std::vector<Parameter*> all;
    for (Weight& w : weights) all.push_back(&w.p);
    return all;
  }
  Tensor experts(Context& c, const Tensor& input) {
    const Tensor logits = project(c, input, c.use(gate.p), 0.7);
    const Routing chosen = route(c, logits, routing.sigmoid ? bias.p.value : Tensor(), routing);
    const Tensor rows = group_rows(c, input, chosen);
    const Tensor inner = grouped_linear(c, rows, each(up), chosen);
    const Tensor outer = grouped_linear(c, activate(c, inner, Activation::kTanh), each(down), chosen);
    // Of both, so that gradients meet in the grouped rows.
    return add_scaled(c, combine(c, add_scaled(c, outer, rows, 0.5), chosen), input);
  }
  Tensor forward(Context& c, bool recompute = false) {
    const Tensor input = c.use(x.p);
    const auto f = [this](Context& inner, const Tensor& t) { return experts(inner, t); };
    return linear(c, recompute ? recomputed(c, input, f) : f(c, input), c.use(head.p));
  }
};

class MoeOps : public testing::TestWithParam<RoutingOptions> {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 22};

  void differentiate(Network& network, bool recompute = false) {
    Tape tape;
    Context train{device_, arena_, &tape};
    const Tensor y = network.forward(train, recompute);
    tape.backward(train, y, fill(train, y.shape(), y.dtype(), 1));
  }
  double by_complex_step(Network& network, Complex& element) {
    element.imag(1e-40);
    Context serve{device_, arena_};
    const Tensor y = network.forward(serve);
    double sum = 0;
    for (int64_t i = 0; i < y.size(); ++i) sum += y.data<Complex>()[i].imag() / 1e-40;
    element.imag(0);
    return sum;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Scores, MoeOps,
    testing::Values(
        RoutingOptions{.experts = kExperts, .per_token = 2},
        RoutingOptions{.experts = kExperts, .per_token = 3, .normalise = false, .scale = 2},
        RoutingOptions{.experts = kExperts, .per_token = 2, .sigmoid = true},
        RoutingOptions{
            .experts = kExperts, .per_token = 2, .sigmoid = true, .normalise = false, .groups = 2, .top_groups = 1}));

TEST_P(MoeOps, EveryParameterHasItsGradient) {
  Network real(GetParam(), Dtype::kF64), probe(GetParam(), Dtype::kC128);
  differentiate(real);
  const std::vector<Parameter*> parameters = real.parameters(), probes = probe.parameters();
  for (size_t p = 0; p < parameters.size(); ++p)
    for (int64_t i = 0; i < parameters[p]->value.size(); ++i) {
      const double expected = by_complex_step(probe, probes[p]->value.data<Complex>()[i]);
      ASSERT_NEAR(expected, parameters[p]->gradient.data<double>()[i], 1e-12 * (1 + std::abs(expected)))
          << "element " << i << " of parameter " << p;
    }
}

TEST_P(MoeOps, RecomputationChangesNoBit) {
  Network stored(GetParam(), Dtype::kF32), recomputed(GetParam(), Dtype::kF32);
  differentiate(stored);
  differentiate(recomputed, true);
  const std::vector<Parameter*> a = stored.parameters(), b = recomputed.parameters();
  for (size_t p = 0; p < a.size(); ++p)
    for (int64_t i = 0; i < a[p]->gradient.size(); ++i)
      ASSERT_EQ(a[p]->gradient.data<float>()[i], b[p]->gradient.data<float>()[i]) << i << " of " << p;
}

}  // namespace
}  // namespace maru
