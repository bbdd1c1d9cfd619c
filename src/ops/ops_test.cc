// The tape: gradients of compositions against complex step, whatever the order, sharing or recomputation.
#include <gtest/gtest.h>

#include <list>

#include "ops/activation.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/loss.h"
#include "ops/norm.h"
#include "ops/recompute.h"
#include "ops/test_weight.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Complex = std::complex<double>;

class OpsTest : public testing::Test {
 protected:
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 22};

  // Sum of all elements through a linear map, so that every element has a gradient of its own.
  template <class F>
  double worst_error(F&& f) {
    Weight real({6, 8}, Dtype::kF64, 1), probe({6, 8}, Dtype::kC128, 1), head({1, 8}, Dtype::kF64, 2),
        complex_head({1, 8}, Dtype::kC128, 2);
    Tape tape;
    Context train{device_, arena_, &tape};
    {
      Tensor y = linear(train, f(train, train.use(real.p)), train.use(head.p));
      tape.backward(train, y, fill(train, y.shape(), Dtype::kF64, 1));
    }
    double worst = 0;
    for (int64_t i = 0; i < 48; ++i) {
      Context serve{device_, arena_};
      Complex& x = probe.p.value.data<Complex>()[i];
      x.imag(1e-40);
      const Tensor y = linear(serve, f(serve, probe.p.value), complex_head.p.value);
      double expected = 0;
      for (int64_t r = 0; r < y.size(); ++r) expected += y.data<Complex>()[r].imag() / 1e-40;
      x.imag(0);
      worst = std::max(worst, std::abs(expected - real.p.gradient.data<double>()[i]) / (std::abs(expected) + 1e-3));
    }
    return worst;
  }
};

TEST_F(OpsTest, ResidualBranchesShareGradientsSafely) {
  EXPECT_LT(worst_error([](Context& c, const Tensor& x) { return add_scaled(c, x, swiglu(c, x, x)); }), 1e-12);
  EXPECT_LT(worst_error([](Context& c, const Tensor& x) { return add_scaled(c, x, x); }), 1e-12);
  EXPECT_LT(worst_error([](Context& c, const Tensor& x) { return add_scaled(c, x, as_accumulator(c, x)); }), 1e-12);
  EXPECT_LT(worst_error([](Context& c, const Tensor& x) {
              const Tensor a = swiglu(c, x, x), b = add_scaled(c, a, x), d = add_scaled(c, b, a, 0.5);
              return add_scaled(c, d, swiglu(c, a, d));
            }),
            1e-12);
}

TEST_F(OpsTest, RecomputationGivesTheSameGradient) {
  const auto inner = [](Context& c, const Tensor& x) { return add_scaled(c, x, swiglu(c, x, scale(c, x, 0.3))); };
  EXPECT_LT(worst_error([&](Context& c, const Tensor& x) {
              const Tensor h = swiglu(c, x, x);
              return add_scaled(c, recomputed(c, recomputed(c, h, inner), inner), h);
            }),
            1e-12);
}

TEST_F(OpsTest, ActivationsNormsAndBiasesKnowTheirGradients) {
  for (Activation f : {Activation::kGelu, Activation::kGeluTanh, Activation::kTanh, Activation::kSilu})
    EXPECT_LT(worst_error([&](Context& c, const Tensor& x) { return gated(c, activate(c, x, f), x, f); }), 1e-12);
  Weight weight({1, 4}, Dtype::kF64, 3), complex_weight({1, 4}, Dtype::kC128, 3);
  EXPECT_LT(worst_error([&](Context& c, const Tensor& x) {
              const Tensor& w = x.dtype() == Dtype::kF64 ? weight.p.value : complex_weight.p.value;
              return add_scaled(c, layer_norm(c, x, w, w, 1e-3), x);
            }),
            1e-12);
}

// A bias is added before the result is rounded: in bf16 not the same as adding it afterwards.
TEST_F(OpsTest, ABiasIsAddedBeforeRounding) {
  Weight x({1, 1}, Dtype::kBf16, 1), w({2, 1}, Dtype::kBf16, 1), b({1, 2}, Dtype::kBf16, 1);
  x.p.value.data<bfloat16>()[0] = to_bfloat16(1.0234375f);  // 1 + 3 · 2^-7
  for (int i : {0, 1}) w.p.value.data<bfloat16>()[i] = to_bfloat16(1.0234375f);
  b.p.value.data<bfloat16>()[0] = to_bfloat16(-1.0f);
  b.p.value.data<bfloat16>()[1] = to_bfloat16(0.0f);
  Context ctx{device_, arena_};
  const Tensor y = linear(ctx, x.p.value, w.p.value, b.p.value);
  EXPECT_EQ(776.0f / 16384, to_float(y.data<bfloat16>()[0]));  // of 777 / 16384; rounded before: 768 / 16384
  EXPECT_EQ(1.046875f, to_float(y.data<bfloat16>()[1]));
}

TEST_F(OpsTest, BiasGradientIsTheSumOfItsColumn) {
  Weight x({6, 8}, Dtype::kF64, 1), w({5, 8}, Dtype::kF64, 2), b({1, 5}, Dtype::kF64, 3);
  Tape tape;
  Context train{device_, arena_, &tape};
  for (int pass : {1, 2}) {
    const Tensor y = linear(train, x.p.value, train.use(w.p), train.use(b.p));
    tape.backward(train, y, fill(train, y.shape(), Dtype::kF64, 0.5));
    for (int i = 0; i < 5; ++i) EXPECT_DOUBLE_EQ(3.0 * pass, b.p.gradient.data<double>()[i]);
  }
}

// A row without a target, logits far apart, vocabularies with and without a rest behind full registers.
TEST_F(OpsTest, CrossEntropyOfLogitsIsThatOfTheirLayer) {
  std::list<CpuDevice> devices;
  for (const Isa isa : supported_isas()) devices.emplace_back(&pool_, isa);
  for (CpuDevice& device : devices)
    for (const Dtype dtype : {Dtype::kF32, Dtype::kF64})
      for (const int64_t vocab : {1, 16, 37, 300}) {
        Weight x({5, 8}, dtype, 1), w({vocab, 8}, dtype, 2), factors({5, 1}, dtype, 3);
        std::vector<int32_t> ids{0, -1, static_cast<int32_t>(vocab - 1), 0, static_cast<int32_t>(vocab / 2)};
        const Tensor targets(nullptr, ids.data(), {5, 1}, Dtype::kI32);
        Context ctx{device, arena_};
        const Tensor expected = ctx.empty({5, 1}, dtype), got = ctx.empty({5, 1}, dtype);
        const Tensor weights = vocab == 37 ? factors.p.value : Tensor();
        const Tensor sum =
            linear_cross_entropy(ctx, x.p.value, w.p.value, targets,
                                 {.scale = 0.5, .logit_scale = 30, .weights = weights, .token_losses = expected});
        const Tensor loss = fill(ctx, {1, 1}, dtype, 0);
        add_cross_entropy(ctx, loss, project(ctx, x.p.value, w.p.value, 30), targets, 0.5, got, weights);
        visit_dtype(dtype, [&]<class T>() {
          if constexpr (std::is_floating_point_v<T>) {
            for (int i = 0; i < 5; ++i) EXPECT_NEAR(expected.data<T>()[i], got.data<T>()[i], 2e-5) << vocab;
            EXPECT_NEAR(sum.data<T>()[0], loss.data<T>()[0], 1e-4);
          }
        });
      }
}

TEST_F(OpsTest, MemoryReturnsToTheArenaAfterTheBackward) {
  worst_error([](Context& c, const Tensor& x) { return add_scaled(c, x, swiglu(c, x, x)); });
  EXPECT_EQ(0u, arena_.allocate(1 << 22));
}

TEST_F(OpsTest, ValuesThatNoGradientReadsAreNotKept) {
  Weight trained({8, 8}, Dtype::kF64, 1), frozen({8, 8}, Dtype::kF64, 2), input({6, 8}, Dtype::kF64, 3);
  Tape tape;
  Context train{device_, arena_, &tape};
  Context serve{device_, arena_};
  const auto made = [&] { return tape.leaf(copy(serve, input.p.value), {}); };
  const Tensor x = made(), z = made(), scaled = made(), behind = made(), read = made();
  const std::vector<Tensor> results{add_scaled(train, x, z, 0.5), scale(train, scaled, 3),
                                    linear(train, behind, frozen.p.value), linear(train, read, train.use(trained.p))};
  for (const Tensor* t : {&x, &z, &scaled, &behind}) EXPECT_FALSE(t->shared());
  EXPECT_TRUE(read.shared());
}

TEST_F(OpsTest, NamesShapesThatDoNotFit) {
  Weight x({2, 8}, Dtype::kF32, 1), w({3, 7}, Dtype::kF32, 1), n({1, 3}, Dtype::kF32, 1);
  Context ctx{device_, arena_};
  EXPECT_THROW(linear(ctx, x.p.value, w.p.value), Failure);
  EXPECT_THROW(linear(ctx, x.p.value, x.p.value, w.p.value), Failure);
  EXPECT_THROW(add_scaled(ctx, x.p.value, w.p.value), Failure);
  EXPECT_THROW(gated(ctx, x.p.value, w.p.value, Activation::kGelu), Failure);
  EXPECT_THROW(layer_norm(ctx, x.p.value, n.p.value, {}, 1e-5), Failure);
  try {
    rms_norm(ctx, x.p.value, n.p.value, 1e-5);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("[rms_norm] weight has 3 elements, expected a divisor of x.cols() = 8", e.error().message);
  }
}

TEST_F(OpsTest, TheAccumulatorTypeHoldsTheSameNumbersAndItsGradientIsRounded) {
  Weight narrow({2, 3}, Dtype::kBf16, 5);
  for (int64_t i = 0; i < 6; ++i) narrow.p.value.data<bfloat16>()[i] = to_bfloat16(0.3F * static_cast<float>(i - 2));
  Tape tape;
  Context ctx{device_, arena_, &tape};
  Tensor y = as_accumulator(ctx, scale(ctx, ctx.use(narrow.p), 2));
  ASSERT_EQ(Dtype::kF32, y.dtype());
  for (int64_t i = 0; i < 6; ++i) EXPECT_EQ(2 * to_float(narrow.p.value.data<bfloat16>()[i]), y.data<float>()[i]);
  tape.backward(ctx, y, fill(ctx, y.shape(), Dtype::kF32, 0.1));
  for (int64_t i = 0; i < 6; ++i)
    EXPECT_NEAR(0.2F, to_float(narrow.p.gradient.data<bfloat16>()[i]), 0.2 / 256) << "a bf16 in between";
}

}  // namespace
}  // namespace maru
