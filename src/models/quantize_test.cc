// A model with quantized weights: near the model it came from, and the same through every way of computing it.
#include "models/quantize.h"

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

#include "models/weights.h"

namespace maru {
namespace {

using Tokens = std::vector<int32_t>;

class QuantizeTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
  Stream stream_ = CpuStream{&pool_};
  Arena arena_{1 << 24};

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
    Context ctx{stream_, arena_};
    BatchBuilder builder;
    builder.add(tokens);
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch()));
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
      quantize_weights(stream_, model, QuantizedKind::kInt8);
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
  quantize_weights(stream_, model, QuantizedKind::kInt8);
  EXPECT_LT(relative_difference(logits(model, kTokens), before), 0.03);
  for (const ParameterInfo& info : parameters_of(model))
    EXPECT_EQ(static_cast<bool>(info.parameter->quantized), !is_vector(info.role)) << info.parameter->name;
}

TEST_F(QuantizeTest, EveryMatrixIsRoundedAndSmaller) {
  Decoder model(config(false), Dtype::kBf16);
  fill(model);
  const int64_t before = weight_bytes(model);
  quantize_weights(stream_, model, QuantizedKind::kInt4);
  for (const ParameterInfo& info : parameters_of(model)) {
    EXPECT_EQ(static_cast<bool>(info.parameter->quantized), !is_vector(info.role)) << info.parameter->name;
    EXPECT_EQ(static_cast<bool>(info.parameter->value), is_vector(info.role)) << info.parameter->name;
  }
  EXPECT_LT(weight_bytes(model), before / 2);
}

TEST_F(QuantizeTest, ARowOfLogitsDoesNotDependOnWhatFollows) {
  Decoder model(config(true), Dtype::kBf16);
  fill(model);
  quantize_weights(stream_, model, QuantizedKind::kInt4);
  const std::vector<float> all = logits(model, kTokens), few = logits(model, {1, 5, 88});
  for (size_t i = 0; i < few.size(); ++i) ASSERT_EQ(all[i], few[i]);
}

TEST_F(QuantizeTest, HasNoLossToTrainWith) {
  Decoder model(config(true), Dtype::kF32);
  fill(model);
  quantize_weights(stream_, model, QuantizedKind::kInt8);
  Context ctx{stream_, arena_};
  BatchBuilder builder;
  builder.add(kTokens);
  const Tensor hidden = model.forward(ctx, builder.batch());
  EXPECT_THROW(model.loss(ctx, hidden, builder.batch().tokens, 1), Failure);
}

TEST_F(QuantizeTest, AWeightThatIsNotFiniteIsNamed) {
  Decoder model(config(true), Dtype::kF32);
  fill(model);
  for (const ParameterInfo& info : parameters_of(model))
    if (info.parameter->name == "model.layers.1.mlp.up_proj.weight") info.parameter->value.data<float>()[3] = INFINITY;
  try {
    quantize_weights(stream_, model, QuantizedKind::kInt4);
    FAIL() << "expected a Failure";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kInvalidArgument);
    EXPECT_NE(std::string(failure.what()).find("layers.1.mlp.up_proj"), std::string::npos) << failure.what();
  }
}

}  // namespace
}  // namespace maru
