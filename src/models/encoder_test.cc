// The encoder through its one forward: gradients by complex step, and rows that do not depend on their neighbours.
#include "models/encoder.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "ops/elementwise.h"
#include "ops/linear.h"
#include "tensor/cpu_device.h"
#include "tensor/host_buffer.h"

namespace maru {
namespace {

using Complex = std::complex<double>;
using Tokens = std::vector<int32_t>;

EncoderConfig tiny(const char* activation = "gelu") {
  return {.vocab_size = 23,
          .hidden_size = 16,
          .intermediate_size = 24,
          .num_hidden_layers = 2,
          .num_attention_heads = 4,
          .max_position_embeddings = 200,
          .type_vocab_size = 2,
          .position_offset = 2,
          .layer_norm_eps = 1e-3,
          .hidden_act = activation,
          .num_labels = 3,
          .classifier_layout = "head"};
}

/// Parameters with memory of their own, drawn wide: zero biases and norms of ones would hide mistakes.
struct Model {
  Encoder encoder;
  std::vector<HostBuffer> memory;

  Model(const EncoderConfig& config, Dtype dtype) : encoder(config, dtype) {
    for (Parameter* p : encoder.parameters()) {
      p->value = own(p->shape, dtype);
      p->gradient = own(p->shape, accumulator_of(dtype));
      Random random(derive_seed(5, p->name));
      const double mean = p->role == ParameterRole::kVector ? 1 : 0;
      visit_dtype(dtype, [&]<class T>() { fill(p->value.data<T>(), p->shape.size(), mean, random); });
    }
  }
  Tensor own(Shape shape, Dtype dtype) {
    memory.emplace_back(static_cast<size_t>(shape.size()) * size_of(dtype));
    return Tensor(nullptr, memory.back().data(), shape, dtype);
  }
  template <class T>
  static void fill(T* to, int64_t count, double mean, Random& random) {
    for (int64_t i = 0; i < count; ++i) {
      const auto x = static_cast<float>(mean + 0.3 * random.normal());
      if constexpr (std::is_same_v<T, bfloat16>)
        to[i] = to_bfloat16(x);
      else
        to[i] = T(x);
    }
  }
};

Tokens text(int64_t length, uint64_t seed) {
  Random random(seed);
  Tokens tokens;
  for (int64_t i = 0; i < length; ++i) tokens.push_back(static_cast<int32_t>(random.below(23)));
  return tokens;
}

class EncoderTest : public testing::Test {
 protected:
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
};

class EncoderGradient : public EncoderTest, public testing::WithParamInterface<const char*> {};

// Of classifier and pooled vectors together, so that every parameter matters.
Tensor loss_of(Context& ctx, Model& model, const EncoderBatch& batch, const Tensor& weights) {
  const Tensor hidden = model.encoder.forward(ctx, batch);
  const Tensor mean = linear(ctx, pool(ctx, hidden, batch.spans, Pooling::kMean), weights);
  const Tensor last = linear(ctx, pool(ctx, hidden, batch.spans, Pooling::kLast), weights);
  const Tensor both = add_scaled(ctx, mean, last, 0.5);
  return add_scaled(ctx, both, model.encoder.classify(ctx, hidden, batch));
}

TEST_P(EncoderGradient, OfEveryParameterEqualsComplexStep) {
  Model real(tiny(GetParam()), Dtype::kF64), probe(tiny(GetParam()), Dtype::kC128);
  EncoderBatchBuilder builder(tiny());
  builder.add(Tokens{1, 5, 2, 9, 4}, Tokens{0, 0, 1, 1, 1});
  builder.add(Tokens{3});
  builder.add(Tokens{7, 7, 20});
  Context uploads{device_, arena_};
  const EncoderBatch batch = builder.batch(uploads);
  const Tensor weights = real.own({3, 16}, Dtype::kF64), complex_weights = probe.own({3, 16}, Dtype::kC128);
  for (int i = 0; i < 48; ++i) {
    weights.data<double>()[i] = std::cos(i * 1.7);
    complex_weights.data<Complex>()[i] = std::cos(i * 1.7);
  }
  Tape tape;
  Context train{device_, arena_, &tape};
  {
    const Tensor y = loss_of(train, real, batch, weights);
    tape.backward(train, y, fill(train, y.shape(), Dtype::kF64, 1));
  }
  Random random(3);
  for (size_t i = 0; i < real.encoder.parameters().size(); ++i)
    for (int sample = 0; sample < 4; ++sample) {
      const Parameter& parameter = *real.encoder.parameters()[i];
      const auto at = static_cast<int64_t>(random.below(static_cast<uint64_t>(parameter.value.size())));
      Complex& x = probe.encoder.parameters()[i]->value.data<Complex>()[at];
      x.imag(1e-40);
      Context serve{device_, arena_};
      const Tensor y = loss_of(serve, probe, batch, complex_weights);
      double expected = 0;
      for (int64_t j = 0; j < y.size(); ++j) expected += y.data<Complex>()[j].imag() / 1e-40;
      x.imag(0);
      ASSERT_NEAR(expected, parameter.gradient.data<double>()[at], 1e-10 * (std::abs(expected) + 1e-3))
          << parameter.name << "[" << at << "]";
    }
}
INSTANTIATE_TEST_SUITE_P(Activations, EncoderGradient, testing::Values("gelu", "gelu_new", "relu"));

TEST_F(EncoderTest, ATextHasTheSameBitsAloneAndAmongOthers) {
  for (Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    Model model(tiny(), dtype);
    const std::vector<Tokens> texts{text(70, 1), text(1, 2), text(150, 3), text(3, 4)};
    EncoderBatchBuilder packed(tiny());
    for (const Tokens& t : texts) packed.add(t);
    Context ctx{device_, arena_};
    const EncoderBatch batch = packed.batch(ctx);
    const Tensor together = model.encoder.forward(ctx, batch);
    for (size_t i = 0; i < texts.size(); ++i) {
      EncoderBatchBuilder single(tiny());
      single.add(texts[i]);
      const Tensor alone = model.encoder.forward(ctx, single.batch(ctx));
      const auto row_bytes = together.bytes() / static_cast<size_t>(together.rows());
      EXPECT_EQ(0, std::memcmp(alone.data<char>(),
                               together.data<char>() + row_bytes * static_cast<size_t>(batch.spans.host[i].first_row),
                               alone.bytes()))
          << name_of(dtype) << " text " << i;
    }
  }
}

TEST_F(EncoderTest, PositionsAndTypesAreThoseOfTheModel) {
  EncoderBatchBuilder builder(tiny());
  builder.add(Tokens{4, 5, 6}, Tokens{0, 1, 1});
  builder.add(Tokens{7});
  Context uploads{device_, arena_};
  const EncoderBatch batch = builder.batch(uploads);
  const auto values = [](const Tensor& t) { return Tokens(t.data<int32_t>(), t.data<int32_t>() + t.size()); };
  EXPECT_THAT(values(batch.tokens), testing::ElementsAre(4, 5, 6, 7));
  EXPECT_THAT(values(batch.positions), testing::ElementsAre(2, 3, 4, 2));
  EXPECT_THAT(values(batch.types), testing::ElementsAre(0, 1, 1, 0));
  EXPECT_EQ(3, batch.spans.host[1].first_row);
}

TEST_F(EncoderTest, RefusesWhatTheModelCannotRead) {
  EncoderBatchBuilder builder(tiny());
  const auto error_of = [&](const Tokens& tokens, const Tokens& types) -> std::string {
    try {
      builder.add(tokens, types);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  };
  EXPECT_EQ("a text of 0 tokens: expected 1 to 198", error_of({}, {}));
  EXPECT_EQ("a text of 199 tokens: expected 1 to 198", error_of(text(199, 1), {}));
  EXPECT_EQ("token 23: the model has 23", error_of({1, 23}, {}));
  EXPECT_EQ("token -1: the model has 23", error_of({-1}, {}));
  EXPECT_EQ("token type 2: the model has 2", error_of({1}, {2}));
  EXPECT_EQ("2 token types for 1 tokens: expected as many", error_of({1}, {0, 0}));
  EXPECT_TRUE(builder.empty());
}

}  // namespace
}  // namespace maru
