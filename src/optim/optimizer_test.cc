#include "optim/optimizer.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/cpu_device.h"
#include "tensor/host_buffer.h"

namespace maru {
namespace {

class OptimizerTest : public testing::Test {
 protected:
  Parameter make(Shape shape, Dtype dtype, ParameterRole role = ParameterRole::kMatrix) {
    Parameter p{.name = "w" + std::to_string(memory_.size()), .shape = shape, .role = role};
    const auto allocate = [&](Dtype d) {
      memory_.push_back(HostBuffer(static_cast<size_t>(shape.size()) * size_of(d)));
      return Tensor(nullptr, memory_.back().data(), shape, d);
    };
    p.value = allocate(dtype);
    p.gradient = allocate(Dtype::kF32);
    return p;
  }
  std::vector<HostBuffer> memory_ = [] {
    std::vector<HostBuffer> v;
    v.reserve(16);
    return v;
  }();
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
  Context ctx_{device_, arena_};
};

// Minimises |w - target|² by its own gradient.
double distance_after(Context& ctx, Optimizer& optimizer, Parameter& p, int64_t steps) {
  double distance = 0;
  for (int64_t step = 1; step <= steps; ++step) {
    distance = 0;
    for (int64_t i = 0; i < p.value.size(); ++i) {
      const float w =
          p.value.dtype() == Dtype::kBf16 ? to_float(p.value.data<bfloat16>()[i]) : p.value.data<float>()[i];
      const float d = w - static_cast<float>(std::sin(static_cast<double>(i)));
      p.gradient.data<float>()[i] = 2 * d;
      distance += static_cast<double>(d * d);
    }
    optimizer.update(ctx, step, 1, 1);
  }
  return std::sqrt(distance);
}

TEST_F(OptimizerTest, FindsTheMinimum) {
  for (const char* name : {"adamw", "muon"})
    for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
      Parameter p = make({24, 16}, dtype);
      Optimizer optimizer(device_, {.name = name, .lr = 0.02, .weight_decay = 0}, {&p});
      EXPECT_LT(distance_after(ctx_, optimizer, p, 800), 0.6)
          << name << " " << name_of(dtype) << "; it started at 13.8";
    }
}

TEST_F(OptimizerTest, MastersKeepWhatBf16Rounds) {
  Parameter p = make({1, 1}, Dtype::kBf16, ParameterRole::kVector);
  p.value.data<bfloat16>()[0] = to_bfloat16(1.0f);
  Optimizer optimizer(device_, {.lr = 1e-4, .weight_decay = 0}, {&p});
  for (int64_t step = 1; step <= 100; ++step) {
    p.gradient.data<float>()[0] = 1;
    optimizer.update(ctx_, step, 1, 1);
  }
  EXPECT_NEAR(0.99, to_float(p.value.data<bfloat16>()[0]), 0.005) << "a hundred steps of 1e-4 must not vanish in bf16";
}

TEST_F(OptimizerTest, DecaysMatricesButNotVectors) {
  Parameter matrix = make({1, 1}, Dtype::kF32), vector = make({1, 1}, Dtype::kF32, ParameterRole::kVector);
  *matrix.value.data<float>() = *vector.value.data<float>() = 1;
  Optimizer optimizer(device_, {.lr = 0.1, .weight_decay = 0.5}, {&matrix, &vector});
  optimizer.update(ctx_, 1, 1, 1);
  EXPECT_FLOAT_EQ(0.95f, *matrix.value.data<float>());
  EXPECT_FLOAT_EQ(1.0f, *vector.value.data<float>());
}

TEST_F(OptimizerTest, ClipsByTheNormOfAllGradients) {
  Parameter a = make({1, 3}, Dtype::kF32), b = make({1, 1}, Dtype::kF32);
  for (int i = 0; i < 3; ++i) a.gradient.data<float>()[i] = 2;
  *b.gradient.data<float>() = 2;
  Optimizer optimizer(device_, {.clip = 1}, {&a, &b});
  EXPECT_DOUBLE_EQ(4, optimizer.gradient_norm(ctx_));
  EXPECT_DOUBLE_EQ(0.25, optimizer.clip_scale(4));
  EXPECT_DOUBLE_EQ(1, optimizer.clip_scale(0.5));
  *b.gradient.data<float>() = INFINITY;
  EXPECT_FALSE(std::isfinite(optimizer.gradient_norm(ctx_)));
}

}  // namespace
}  // namespace maru
