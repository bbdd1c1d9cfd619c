// Low-rank updates against sums written out in f64.
#include "ops/lora.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "ops/linear.h"
#include "ops/quantized.h"
#include "ops/test_weight.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

class LoraOps : public testing::Test {
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
  static double at(const Tensor& t, int64_t r, int64_t c) {
    const int64_t i = r * t.cols() + c;
    return t.dtype() == Dtype::kBf16 ? to_float(t.data<bfloat16>()[i]) : t.data<float>()[i];
  }
  LoraWeights lora(int64_t in, int64_t out, int64_t rank, Dtype dtype) {
    LoraWeights l{.scale = 0.7};
    l.a.value = normal({rank, in}, dtype);
    l.b.value = normal({out, rank}, dtype);
    return l;
  }
  /// Element (r, c) of weight + scale · b · a.
  static double sum_at(const Tensor& weight, const LoraWeights& l, int64_t r, int64_t c) {
    double sum = 0;
    for (int64_t k = 0; k < l.a.value.rows(); ++k) sum += at(l.b.value, r, k) * at(l.a.value, k, c);
    return at(weight, r, c) + l.scale * sum;
  }
};

TEST_F(LoraOps, AddsTheProductToEveryRow) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    const Tensor x = normal({5, 30}, dtype), weight = normal({20, 30}, dtype);
    LoraWeights l = lora(30, 20, 3, dtype);
    const Tensor logits = add_lora(ctx_, project(ctx_, x, weight, 2), x, {}, l, {}, 2);
    const Tensor y = add_lora(ctx_, linear(ctx_, x, weight), x, {}, l);
    const double tolerance = dtype == Dtype::kBf16 ? 0.5 : 1e-4;  // the inner product is rounded to 8 bits
    for (int64_t r = 0; r < y.rows(); ++r)
      for (int64_t c = 0; c < y.cols(); ++c) {
        double expected = 0;
        for (int64_t k = 0; k < x.cols(); ++k) expected += at(x, r, k) * sum_at(weight, l, c, k);
        EXPECT_NEAR(expected, at(y, r, c), tolerance);
        EXPECT_NEAR(2 * expected, at(logits, r, c), 2 * tolerance) << "logits, in f32";
      }
  }
}

TEST_F(LoraOps, DecomposedScalesBeforeTheBias) {
  const Tensor x = normal({4, 16}, Dtype::kF32), weight = normal({9, 16}, Dtype::kF32),
               bias = normal({1, 9}, Dtype::kF32);
  LoraWeights l = lora(16, 9, 2, Dtype::kF32);
  l.row_scale = normal({1, 9}, Dtype::kF32);
  const Tensor y = add_lora(ctx_, linear(ctx_, x, weight), x, {}, l, bias);
  for (int64_t r = 0; r < y.rows(); ++r)
    for (int64_t c = 0; c < y.cols(); ++c) {
      double product = 0;
      for (int64_t k = 0; k < x.cols(); ++k) product += at(x, r, k) * sum_at(weight, l, c, k);
      EXPECT_NEAR(at(l.row_scale, 0, c) * product + at(bias, 0, c), at(y, r, c), 1e-4);
    }
}

TEST_F(LoraOps, RowsOfATable) {
  LoraWeights l = lora(7, 12, 3, Dtype::kF32);
  l.a.value = normal({50, 3}, Dtype::kF32);
  const Tensor tokens(arena_, {2, 1}, Dtype::kI32), y = normal({2, 12}, Dtype::kF32);
  tokens.data<int32_t>()[0] = 49, tokens.data<int32_t>()[1] = 3;
  const Tensor sum = add_lora_rows(ctx_, y, tokens, l, 1.5);
  for (int64_t r = 0; r < 2; ++r)
    for (int64_t c = 0; c < 12; ++c) {
      double update = 0;
      for (int64_t k = 0; k < 3; ++k) update += at(l.a.value, tokens.data<int32_t>()[r], k) * at(l.b.value, c, k);
      EXPECT_NEAR(at(y, r, c) + 1.5 * l.scale * update, at(sum, r, c), 1e-5);
    }
}

TEST_F(LoraOps, RowNormsAreThoseOfTheSum) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool quantized : {false, true}) {
      LoraWeights l = lora(70, 33, 5, dtype);
      Parameter p{.value = normal({33, 70}, dtype)};
      Tensor weight = p.value;
      if (quantized) {
        p.quantized = quantize(device_, p.value, QuantizedKind::kInt4);
        weight = dequantize(ctx_, p.quantized);
        p.value = Tensor();
      }
      const Tensor norms = lora_row_norms(ctx_, p, l);
      ASSERT_EQ((Shape{1, 33}), norms.shape());
      for (int64_t r = 0; r < 33; ++r) {
        double squares = 0;
        for (int64_t c = 0; c < 70; ++c) squares += std::pow(sum_at(weight, l, r, c), 2);
        EXPECT_NEAR(std::sqrt(squares), norms.data<double>()[r], 1e-5 * std::sqrt(squares));
      }
    }
}

// Central differences of Σ y · weight, in f64.
TEST_F(LoraOps, GradientsAreThoseOfTheSum) {
  const Weight x({3, 6}, Dtype::kF64, 1);
  Weight a({2, 6}, Dtype::kF64, 2), b({4, 2}, Dtype::kF64, 3), table({9, 2}, Dtype::kF64, 4);
  const Weight base({3, 4}, Dtype::kF64, 5), dy({3, 4}, Dtype::kF64, 6);
  std::vector<int32_t> ids{8, 0, 8};
  const Tensor tokens(nullptr, ids.data(), {3, 1}, Dtype::kI32);
  for (const bool rows : {false, true}) {
    LoraWeights l{.a = rows ? table.p : a.p, .b = b.p, .scale = 0.7};
    const auto forward = [&](Context& ctx) {
      return rows ? add_lora_rows(ctx, base.p.value, tokens, l, 1.5)
                  : add_lora(ctx, base.p.value, x.p.value, {}, l, {}, 1.5);
    };
    const auto sum = [&] {
      const Tensor y = forward(ctx_);
      double total = 0;
      for (int64_t i = 0; i < y.size(); ++i) total += y.data<double>()[i] * dy.p.value.data<double>()[i];
      return total;
    };
    Tape tape;
    Context recording{device_, arena_, &tape};
    tape.backward(recording, forward(recording), dy.p.value);
    for (Parameter* p : {&l.a, &l.b})
      for (int64_t i = 0; i < p->value.size(); ++i) {
        double& at = p->value.data<double>()[i];
        const double before = at, h = 1e-5;
        at = before + h;
        const double above = sum();
        at = before - h;
        const double below = sum();
        at = before;
        EXPECT_NEAR((above - below) / (2 * h), p->gradient.data<double>()[i], 1e-8) << rows;
        p->gradient.data<double>()[i] = 0;
      }
  }
}

// Central differences of Σ y · dy in f64, with the divisors of the rows held as they are.
TEST_F(LoraOps, LengthsOfRowsAreTrained) {
  const Weight x({3, 6}, Dtype::kF64, 1);
  Weight base({4, 6}, Dtype::kF64, 5), a({2, 6}, Dtype::kF64, 2), b({4, 2}, Dtype::kF64, 3), m({1, 4}, Dtype::kF64, 7);
  const Weight dy({3, 4}, Dtype::kF64, 6), bias({1, 4}, Dtype::kF64, 8);
  LoraWeights l{.a = a.p, .b = b.p, .scale = 0.7, .magnitude = m.p};
  const auto forward = [&](Context& ctx, LoraWeights& lora) {
    return add_lora(ctx, linear(ctx, x.p.value, base.p.value), x.p.value, base.p, lora, bias.p.value, 1);
  };
  LoraWeights held{.a = a.p, .b = b.p, .scale = 0.7};
  const Tensor norms = lora_row_norms(ctx_, base.p, l);
  const auto sum = [&] {
    held.row_scale = Tensor(arena_, {1, 4}, Dtype::kF64);
    for (int64_t r = 0; r < 4; ++r)
      held.row_scale.data<double>()[r] = m.p.value.data<double>()[r] / norms.data<double>()[r];
    const Tensor y = forward(ctx_, held);
    double total = 0;
    for (int64_t i = 0; i < y.size(); ++i) total += y.data<double>()[i] * dy.p.value.data<double>()[i];
    return total;
  };
  Tape tape;
  Context recording{device_, arena_, &tape};
  const Tensor y = forward(recording, l);
  sum();
  const Tensor same = forward(ctx_, held);
  for (int64_t i = 0; i < y.size(); ++i) EXPECT_NEAR(same.data<double>()[i], y.data<double>()[i], 1e-12);
  tape.backward(recording, y, dy.p.value);
  for (Parameter* p : {&l.a, &l.b, &l.magnitude})
    for (int64_t i = 0; i < p->value.size(); ++i) {
      double& at = p->value.data<double>()[i];
      const double before = at, h = 1e-5;
      at = before + h;
      const double above = sum();
      at = before - h;
      const double below = sum();
      at = before;
      EXPECT_NEAR((above - below) / (2 * h), p->gradient.data<double>()[i], 1e-8);
    }
}

TEST_F(LoraOps, RefusesToTrainLengthsAndToGuess) {
  const Tensor x = normal({4, 16}, Dtype::kF32), y = normal({4, 9}, Dtype::kF32);
  LoraWeights wrong = lora(16, 8, 2, Dtype::kF32), lengths = lora(16, 9, 2, Dtype::kF32);
  EXPECT_THROW(add_lora(ctx_, y, x, {}, wrong), Failure) << "9 columns, 8 rows of b";
  lengths.row_scale = normal({1, 9}, Dtype::kF32);
  lengths.a.gradient = normal({2, 16}, Dtype::kF32);
  Tape tape;
  Context recording{device_, arena_, &tape};
  EXPECT_NO_THROW(add_lora(ctx_, y, x, {}, lengths));
  EXPECT_THROW(add_lora(recording, y, x, {}, lengths), Failure);
}

}  // namespace
}  // namespace maru
