// A model with quantized weights: near the model it came from, and the same through every way of computing it.
#include "models/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/weights.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Tokens = std::vector<int32_t>;

class QuantizeTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};

  static DecoderConfig config(bool tied) {
    DecoderConfig c{.vocab_size = 90,
                    .hidden_size = 64,
                    .intermediate_size = 100,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 4,
                    .num_key_value_heads = 2,
                    .max_position_embeddings = 64,
                    .initializer_range = 0.1};
    c.tie_word_embeddings = tied;
    return resolve(c);
  }
  static void fill(Decoder& model) {
    allocate_values(model);
    initialise(model, 5);
  }
  std::vector<float> logits(Decoder& model, const Tokens& tokens) {
    Context ctx{device_, arena_};
    BatchBuilder builder;
    builder.add(tokens);
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
};

double relative_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double error = 0, size = 0;
  for (size_t i = 0; i < a.size(); ++i) error += std::pow(a[i] - b[i], 2), size += b[i] * b[i];
  return std::sqrt(error / size);
}

const Tokens kTokens = {1, 5, 88, 9, 4, 40, 3};

TEST_F(QuantizeTest, LogitsAreNearThoseOfTheModelItCameFrom) {
  for (bool tied : {true, false})
    for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
      Decoder model(config(tied), dtype);
      fill(model);
      const std::vector<float> before = logits(model, kTokens);
      quantize_weights(device_, model, QuantizedKind::kInt8);
      const double error = relative_difference(logits(model, kTokens), before);
      EXPECT_LT(error, 0.03);
      EXPECT_GT(error, 1e-5) << "nothing was rounded";
    }
}

TEST_F(QuantizeTest, ACappedHeadIsQuantizedToo) {
  DecoderConfig capped = config(false);
  capped.final_logit_softcapping = 0.5;
  Decoder model(capped, Dtype::kF32);
  fill(model);
  const std::vector<float> before = logits(model, kTokens);
  quantize_weights(device_, model, QuantizedKind::kInt8);
  EXPECT_LT(relative_difference(logits(model, kTokens), before), 0.03);
  for (Parameter* parameter : model.parameters())
    EXPECT_EQ(static_cast<bool>(parameter->quantized), !is_vector(parameter->role)) << parameter->name;
}

TEST_F(QuantizeTest, EveryMatrixIsRoundedAndSmaller) {
  Decoder model(config(false), Dtype::kBf16);
  fill(model);
  const int64_t before = weight_bytes(model);
  quantize_weights(device_, model, QuantizedKind::kInt4);
  for (Parameter* parameter : model.parameters()) {
    EXPECT_EQ(static_cast<bool>(parameter->quantized), !is_vector(parameter->role)) << parameter->name;
    EXPECT_EQ(static_cast<bool>(parameter->value), is_vector(parameter->role)) << parameter->name;
  }
  EXPECT_LT(weight_bytes(model), before / 2);
}

TEST_F(QuantizeTest, ARowOfLogitsDoesNotDependOnWhatFollows) {
  Decoder model(config(true), Dtype::kBf16);
  fill(model);
  quantize_weights(device_, model, QuantizedKind::kInt4);
  const std::vector<float> all = logits(model, kTokens), few = logits(model, {1, 5, 88});
  for (size_t i = 0; i < few.size(); ++i) ASSERT_EQ(all[i], few[i]);
}

// Σ -log softmax(logits)[target] in f64, the targets being the tokens themselves.
double loss_of(const std::vector<float>& logits, const Tokens& targets) {
  const size_t vocab = logits.size() / targets.size();
  double loss = 0;
  for (size_t i = 0; i < targets.size(); ++i) {
    double sum = 0;
    for (size_t j = 0; j < vocab; ++j) sum += std::exp(static_cast<double>(logits[i * vocab + j]));
    loss += std::log(sum) - logits[i * vocab + static_cast<size_t>(targets[i])];
  }
  return loss;
}

TEST_F(QuantizeTest, LossIsThatOfItsLogits) {
  for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Decoder model(config(true), dtype);
    fill(model);
    quantize_weights(device_, model, QuantizedKind::kInt4);
    Context ctx{device_, arena_};
    BatchBuilder builder;
    builder.add(kTokens);
    const Tensor hidden = model.forward(ctx, builder.batch(ctx));
    const Tensor losses = ctx.empty({hidden.rows(), 1}, Dtype::kF32);
    const Tensor loss = model.loss(ctx, hidden, builder.batch(ctx).tokens, 0.5, losses);
    const double expected = loss_of(logits(model, kTokens), kTokens);
    double sum = 0;
    for (int64_t i = 0; i < losses.rows(); ++i) sum += losses.data<float>()[i];
    EXPECT_NEAR(sum, expected, 1e-5 * expected);
    EXPECT_NEAR(loss.data<float>()[0], 0.5 * expected, 1e-5 * expected);
  }
}

// Logits are taken for some hundred rows at a time: the same texts have the same losses wherever they lie.
TEST_F(QuantizeTest, LossOfManyRowsIsThatOfFew) {
  Decoder model(config(true), Dtype::kF32);
  fill(model);
  quantize_weights(device_, model, QuantizedKind::kInt4);
  Context ctx{device_, arena_};
  BatchBuilder builder;
  for (int i = 0; i < 160; ++i) builder.add(kTokens);
  const Tensor hidden = model.forward(ctx, builder.batch(ctx));
  const Tensor losses = ctx.empty({hidden.rows(), 1}, Dtype::kF32);
  const Tensor loss = model.loss(ctx, hidden, builder.batch(ctx).tokens, 1, losses);
  const double expected = loss_of(logits(model, kTokens), kTokens);
  const int64_t size = static_cast<int64_t>(kTokens.size());
  for (int64_t i = size; i < losses.rows(); ++i) ASSERT_EQ(losses.data<float>()[i], losses.data<float>()[i % size]);
  EXPECT_NEAR(loss.data<float>()[0], 160 * expected, 1e-4 * 160 * expected);
}

TEST_F(QuantizeTest, ItsLossIsThatOfWhatItStandsFor) {
  Decoder model(config(true), Dtype::kF32);
  fill(model);
  quantize_weights(device_, model, QuantizedKind::kInt8);
  Context ctx{device_, arena_};
  BatchBuilder builder;
  builder.add(kTokens);
  const Tensor hidden = model.forward(ctx, builder.batch(ctx)), targets = builder.batch(ctx).tokens;
  Tape tape;
  Context train{device_, arena_, &tape};
  const float quiet = *model.loss(ctx, hidden, targets, 1).data<float>();
  EXPECT_NEAR(quiet, *model.loss(train, hidden, targets, 1).data<float>(), 0.01 * quiet) << "but for activations";
}

DecoderConfig with_experts() {
  DecoderConfig c{.vocab_size = 90,
                  .hidden_size = 64,
                  .intermediate_size = 96,
                  .num_hidden_layers = 2,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 2,
                  .max_position_embeddings = 64,
                  .initializer_range = 0.1};
  c.num_experts = 4;
  c.num_experts_per_tok = 2;
  c.moe_intermediate_size = 48;
  return resolve(c);
}

TEST_F(QuantizeTest, ExpertsAreRoundedAndTheirRouterIsNot) {
  for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Decoder model(with_experts(), dtype);
    fill(model);
    const std::vector<float> before = logits(model, kTokens);
    quantize_weights(device_, model, QuantizedKind::kInt8);
    int experts = 0;
    for (Parameter* parameter : model.parameters()) {
      EXPECT_FALSE(parameter->role == ParameterRole::kRouter && parameter->quantized) << parameter->name;
      experts += parameter->name.find(".experts.") != std::string::npos && parameter->quantized;
    }
    EXPECT_EQ(experts, 2 * 4 * 3);
    const std::vector<float> after = logits(model, kTokens), few = logits(model, {1, 5, 88});
    EXPECT_LT(relative_difference(after, before), 0.05);
    for (size_t i = 0; i < few.size(); ++i) ASSERT_EQ(after[i], few[i]) << "a token's experts depend on the others";
  }
}

TEST_F(QuantizeTest, ExpertsOfBothKindsTogetherAreRefused) {
  for (const char* kept :
       {"model.layers.0.mlp.experts.0.up_proj.weight", "model.layers.0.mlp.experts.2.up_proj.weight"}) {
    Decoder model(with_experts(), Dtype::kF32), plain(with_experts(), Dtype::kF32);
    fill(model), fill(plain);
    quantize_weights(device_, model, QuantizedKind::kInt8);
    const std::vector<Parameter*> from = plain.parameters(), to = model.parameters();
    for (size_t i = 0; i < to.size(); ++i)
      if (to[i]->name == kept) *to[i] = *from[i];
    EXPECT_THROW(logits(model, kTokens), Failure) << kept;
  }
}

TEST_F(QuantizeTest, TheWayBackIsNear) {
  for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Decoder model(config(true), dtype);
    fill(model);
    quantize_weights(device_, model, QuantizedKind::kInt8);
    const std::vector<float> before = logits(model, kTokens);
    dequantize_weights(device_, model);
    EXPECT_FALSE(has_quantized_weights(model));
    EXPECT_LT(relative_difference(logits(model, kTokens), before), 0.03);
  }
}

TEST_F(QuantizeTest, AWeightThatIsNotFiniteIsNamed) {
  Decoder model(config(true), Dtype::kF32);
  fill(model);
  for (Parameter* parameter : model.parameters())
    if (parameter->name == "model.layers.1.mlp.up_proj.weight") parameter->value.data<float>()[3] = INFINITY;
  try {
    quantize_weights(device_, model, QuantizedKind::kInt4);
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(failure.what()).find("layers.1.mlp.up_proj"), std::string::npos) << failure.what();
  }
}

}  // namespace
}  // namespace maru
