// The divergence of an output projection from a teacher's: gradients against complex step, in one chunk and in several.
#include "ops/divergence.h"

#include <gtest/gtest.h>

#include "ops/elementwise.h"
#include "ops/linear.h"
#include "ops/loss.h"
#include "ops/test_weight.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Complex = std::complex<double>;

class DivergenceTest : public testing::Test {
 protected:
  /// Of `rows` rows; x, the projection and the teacher's logits in `dtype`.
  struct Case {
    Weight x, weight, teacher;
    std::vector<int32_t> ids;
    Case(int64_t rows, int64_t vocab, Dtype dtype)
        : x({rows, 3}, dtype, 1), weight({vocab, 3}, dtype, 2), teacher({rows, vocab}, dtype, 3) {
      for (int64_t r = 0; r < rows; ++r) ids.push_back(r % 3 == 1 ? -1 : static_cast<int32_t>(r % vocab));
    }
    Tensor targets() { return {nullptr, ids.data(), {static_cast<int64_t>(ids.size()), 1}, Dtype::kI32}; }
    LogitsOfRows logits() {
      return
          [this](Context& c, int64_t first, int64_t rows) { return copy(c, teacher.p.value.rows_from(first, rows)); };
    }
  };
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 22};
  DivergenceOptions options_{
      .beta = 0.3, .temperature = 0.9, .next_token = 0.5, .scale = 0.25, .logit_scale = 1.5, .softcap = 2};
};

// 530 rows are two chunks.
TEST_F(DivergenceTest, HasTheGradientsOfComplexStep) {
  for (const int64_t rows : {7, 530}) {
    Case real(rows, 5, Dtype::kF64), probe(rows, 5, Dtype::kC128);
    Tape tape;
    Context train{device_, arena_, &tape};
    tape.backward(train, linear_divergence(train, train.use(real.x.p), train.use(real.weight.p), real.targets(),
                                           real.logits(), options_));
    for (const auto& [of, with] : {std::pair(&probe.x, &real.x), std::pair(&probe.weight, &real.weight)})
      for (const int64_t i : {int64_t{0}, int64_t{8}, with->p.value.size() - 1}) {
        Complex& value = of->p.value.data<Complex>()[i];
        value.imag(1e-40);
        Context serve{device_, arena_};
        const Tensor loss =
            linear_divergence(serve, probe.x.p.value, probe.weight.p.value, probe.targets(), probe.logits(), options_);
        EXPECT_NEAR(loss.data<Complex>()->imag() / 1e-40, with->p.gradient.data<double>()[i], 1e-12)
            << rows << " rows, element " << i;
        value.imag(0);
      }
  }
}

// Nothing to learn from oneself but the next token.
TEST_F(DivergenceTest, OfOneselfIsTheCrossEntropyOfTheNextToken) {
  Case one(530, 37, Dtype::kF32);
  options_.softcap = 0;
  const auto gradients = [&](const auto& loss_of) {
    std::fill(one.weight.gradient.begin(), one.weight.gradient.end(), std::byte{0});
    Tape tape;
    Context train{device_, arena_, &tape};
    const Tensor loss = loss_of(train, train.use(one.x.p), train.use(one.weight.p));
    tape.backward(train, loss);
    const auto* g = one.weight.p.gradient.data<float>();
    std::vector<float> all(g, g + one.weight.p.gradient.size());
    all.push_back(*loss.data<float>());
    return all;
  };
  const auto expected = gradients([&](Context& c, const Tensor& x, const Tensor& w) {
    return linear_cross_entropy(c, x, w, one.targets(), {.scale = 0.5 * options_.scale, .logit_scale = 1.5});
  });
  for (const double beta : {0.0, 0.5, 1.0}) {
    options_.beta = beta;
    const auto got = gradients([&](Context& c, const Tensor& x, const Tensor& w) {
      const LogitsOfRows oneself = [&](Context& quiet, int64_t first, int64_t rows) {
        return project(quiet, one.x.p.value.rows_from(first, rows), one.weight.p.value, 1.5);
      };
      return linear_divergence(c, x, w, one.targets(), oneself, options_);
    });
    for (size_t i = 0; i < got.size(); ++i)
      ASSERT_NEAR(expected[i], got[i], 2e-5 * (1 + std::abs(expected[i]))) << "beta " << beta << ", " << i;
  }
}

TEST_F(DivergenceTest, LossesOfRowsAddUpWithTheirWeights) {
  Case one(20, 37, Dtype::kF32);
  Weight factors({20, 1}, Dtype::kF32, 4), none({20, 2}, Dtype::kF32, 4);
  Context serve{device_, arena_};
  options_.weights = factors.p.value;
  options_.token_losses = serve.empty({20, 1}, Dtype::kF32);
  const Tensor loss =
      linear_divergence(serve, one.x.p.value, one.weight.p.value, one.targets(), one.logits(), options_);
  double sum = 0;
  for (int64_t r = 0; r < 20; ++r)
    sum += static_cast<double>(options_.token_losses.data<float>()[r] * factors.p.value.data<float>()[r]);
  EXPECT_NEAR(0.25 * sum, *loss.data<float>(), 1e-5);
  EXPECT_EQ(0, options_.token_losses.data<float>()[1]) << "no target";
  EXPECT_GT(options_.token_losses.data<float>()[0], 0);
  options_.weights = none.p.value;
  EXPECT_THROW(linear_divergence(serve, one.x.p.value, one.weight.p.value, one.targets(), one.logits(), options_),
               Failure);
  options_.weights = {};
  EXPECT_THROW(linear_divergence(serve, one.x.p.value, none.p.value, one.targets(), one.logits(), options_), Failure);
  const LogitsOfRows of_other_rows = [&](Context&, int64_t, int64_t) { return one.weight.p.value; };
  EXPECT_THROW(linear_divergence(serve, one.x.p.value, one.weight.p.value, one.targets(), of_other_rows, options_),
               Failure);
}

}  // namespace
}  // namespace maru
