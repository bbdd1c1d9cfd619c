// The tape: gradients of compositions against complex step, whatever the order, sharing or recomputation.
#include <gtest/gtest.h>

#include "ops/checkpoint.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/norm.h"

namespace maru {
namespace {

using Complex = std::complex<double>;

/// A parameter with memory of its own.
struct Weight {
  Parameter p;
  std::vector<std::byte> value, gradient;
  Weight(Shape shape, Dtype dtype, uint64_t seed)
      : value(static_cast<size_t>(shape.size()) * size_of(dtype)), gradient(value.size()) {
    p.value = Tensor(nullptr, value.data(), shape, dtype);
    p.gradient = Tensor(nullptr, gradient.data(), shape, dtype);
    visit_dtype(dtype, [&]<class T>() {
      for (int64_t i = 0; i < shape.size(); ++i)
        if constexpr (!std::is_same_v<T, bfloat16>)
          p.value.data<T>()[i] = T(static_cast<double>((i * 37 + static_cast<int64_t>(seed) * 11) % 17) / 9.0 - 0.8);
    });
  }
};

class OpsTest : public testing::Test {
 protected:
  ThreadPool pool_{1};
  Stream stream_ = CpuStream{&pool_};
  Arena arena_{1 << 22};

  // Sum of all elements through a linear map, so that every element has a gradient of its own.
  template <class F>
  double worst_error(F&& f) {
    Weight real({6, 8}, Dtype::kF64, 1), probe({6, 8}, Dtype::kC128, 1), head({1, 8}, Dtype::kF64, 2),
        complex_head({1, 8}, Dtype::kC128, 2);
    Tape tape;
    Context train{stream_, arena_, &tape};
    {
      Tensor y = linear(train, f(train, train.use(real.p)), train.use(head.p));
      tape.backward(train, y, fill(train, y.shape(), Dtype::kF64, 1));
    }
    double worst = 0;
    for (int64_t i = 0; i < 48; ++i) {
      Context serve{stream_, arena_};
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
              return add_scaled(c, checkpoint(c, checkpoint(c, h, inner), inner), h);
            }),
            1e-12);
}

TEST_F(OpsTest, MemoryReturnsToTheArenaAfterTheBackward) {
  worst_error([](Context& c, const Tensor& x) { return add_scaled(c, x, swiglu(c, x, x)); });
  EXPECT_EQ(0u, arena_.allocate(1 << 22));
}

TEST_F(OpsTest, NamesShapesThatDoNotFit) {
  Weight x({2, 8}, Dtype::kF32, 1), w({3, 7}, Dtype::kF32, 1), n({1, 3}, Dtype::kF32, 1);
  Context ctx{stream_, arena_};
  EXPECT_THROW(linear(ctx, x.p.value, w.p.value), Failure);
  EXPECT_THROW(add_scaled(ctx, x.p.value, w.p.value), Failure);
  try {
    rms_norm(ctx, x.p.value, n.p.value, 1e-5);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("[rms_norm] weight has 3 elements, expected a divisor of x.cols() = 8", e.error().message);
  }
}

}  // namespace
}  // namespace maru
