// The whole model through its one forward: gradients by complex step, and serving that equals training bit for bit.
#include "models/decoder.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <cstring>
#include <map>

#include "base/random.h"
#include "models/weights.h"
#include "ops/embedding.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Complex = std::complex<double>;
using Tokens = std::vector<int32_t>;

DecoderConfig tiny() {
  return resolve({.vocab_size = 23,
                  .hidden_size = 16,
                  .intermediate_size = 24,
                  .num_hidden_layers = 2,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 2,
                  .max_position_embeddings = 512,
                  .initializer_range = 0.4});
}

DecoderConfig with(void (*change)(DecoderConfig&)) {
  DecoderConfig c = tiny();
  change(c);
  return c;
}

const std::map<std::string, DecoderConfig>& variants() {
  static const std::map<std::string, DecoderConfig> kVariants{
      {"tied", tiny()},
      {"untied", with([](DecoderConfig& c) { c.tie_word_embeddings = false; })},
      {"qk_norm", with([](DecoderConfig& c) { c.qk_norm = true; })},
      {"peri_ln_mup", with([](DecoderConfig& c) {
         c.use_post_norm = true;
         c.embedding_multiplier = 3, c.attention_multiplier = 0.2, c.residual_multiplier = 0.7,
         c.logits_multiplier = 0.4;
       })},
      {"windows_capped", with([](DecoderConfig& c) {  // Gemma 2 and 3
         c.use_post_norm = true, c.norm_weight_offset = 1, c.hidden_act = "gelu_pytorch_tanh";
         c.sliding_window = 3, c.layer_types = {"sliding_attention", "full_attention"}, c.rope_local_base_freq = 100;
         c.attn_logit_softcapping = 2, c.final_logit_softcapping = 3;
       })},
      {"post_norm_biases", with([](DecoderConfig& c) {  // EXAONE 4, Qwen 2
         c.use_pre_norm = false, c.use_post_norm = true, c.qk_norm = true;
         c.sliding_window = 2, c.layer_types = {"sliding_attention", "full_attention"},
         c.rope_on_full_attention = false;
         c.attention_bias = c.attention_output_bias = c.mlp_bias = true;
       })},
      {"partial_neighbours", with([](DecoderConfig& c) {
         c.head_dim = 8, c.partial_rotary_factor = 0.5, c.rope_interleaved = true;
         c.rope_scaling = {.rope_type = "yarn", .factor = 4, .original_max_position_embeddings = 64};
       })},
      {"parallel", with([](DecoderConfig& c) {  // GPT-NeoX
         c.norm_type = "layer_norm", c.parallel_residual = true, c.hidden_act = "gelu";
         c.attention_bias = c.attention_output_bias = c.mlp_bias = true;
       })},
      {"learned_positions", with([](DecoderConfig& c) {  // GPT-2
         c.norm_type = "layer_norm", c.learned_positions = true, c.hidden_act = "gelu_pytorch_tanh";
         c.attention_bias = c.attention_output_bias = c.mlp_bias = true;
       })},
      {"experts", with([](DecoderConfig& c) {  // Solar Open
         c.num_experts = 8, c.num_experts_per_tok = 3, c.moe_intermediate_size = 10, c.n_shared_experts = 1;
         c.router_scoring = "sigmoid", c.n_group = 4, c.topk_group = 2, c.routed_scaling_factor = 1.5;
         c.dense_layers = {1};
       })}};
  return kVariants;
}

struct Model {
  ThreadPool pool{1};
  CpuDevice device{&pool};
  Decoder decoder;
  Model(const DecoderConfig& config, Dtype dtype) : decoder(config, dtype) {
    allocate_values(decoder);
    allocate_gradients(device, decoder);
    initialise(decoder, 5);
    for (Parameter* parameter : decoder.parameters())  // norms of ones would hide mistakes
      if (is_vector(parameter->role))
        visit_dtype(parameter->value.dtype(), [&]<class T>() {
          const double about = parameter->role == ParameterRole::kVector ? 1 : -0.2;
          for (int64_t i = 0; i < parameter->shape.size(); ++i) {
            const double x = about + 0.1 * static_cast<double>(i % 5);
            if constexpr (std::is_same_v<T, bfloat16>)
              parameter->value.data<T>()[i] = to_bfloat16(static_cast<float>(x));
            else
              parameter->value.data<T>()[i] = T(x);
          }
        });
  }
};

class Gradient_ : public testing::TestWithParam<std::tuple<std::string, bool>> {};

TEST_P(Gradient_, OfEveryParameterEqualsComplexStep) {
  const DecoderConfig& config = variants().at(std::get<0>(GetParam()));
  Model real(config, Dtype::kF64), probe(config, Dtype::kC128);
  real.decoder.recompute = std::get<1>(GetParam());
  ThreadPool pool(1);
  CpuDevice device{&pool};
  Arena arena(device, 1 << 24);
  BatchBuilder builder;
  for (const Tokens& t : {Tokens{1, 5, 2, 9, 4}, Tokens{3, 3, 7}, Tokens{10}}) builder.add(t);
  Context uploads{device, arena};
  const Batch batch = builder.batch(uploads);
  Tokens targets{5, 2, 9, 4, -1, 3, 7, 22, 0};
  const Tensor target(nullptr, targets.data(), {9, 1}, Dtype::kI32);
  const auto loss_of = [&](Decoder& model, Context& ctx) {
    return model.loss(ctx, model.forward(ctx, batch), target, 0.125);
  };
  Tape tape;
  Context train{device, arena, &tape};
  tape.backward(train, loss_of(real.decoder, train));
  const std::vector<Parameter*> a = real.decoder.parameters(), b = probe.decoder.parameters();
  Random random(3);
  for (size_t i = 0; i < a.size(); ++i)
    for (int sample = 0; sample < 4; ++sample) {
      const auto at = static_cast<int64_t>(random.below(static_cast<uint64_t>(a[i]->shape.size())));
      Complex& x = b[i]->value.data<Complex>()[at];
      x.imag(1e-40);
      Context serve{device, arena};
      const double expected = loss_of(probe.decoder, serve).data<Complex>()->imag() / 1e-40;
      x.imag(0);
      const double got = a[i]->gradient.data<double>()[at];
      ASSERT_NEAR(expected, got, 1e-10 * (std::abs(expected) + 1e-3)) << a[i]->name << "[" << at << "]";
    }
}

INSTANTIATE_TEST_SUITE_P(Variants, Gradient_,
                         testing::Combine(testing::Values("tied", "untied", "qk_norm", "peri_ln_mup", "windows_capped",
                                                          "post_norm_biases", "partial_neighbours", "parallel",
                                                          "learned_positions", "experts"),
                                          testing::Bool()));

struct Setting {
  std::string variant;
  Dtype dtype;
  Isa isa;
  int threads;
};

class Serving : public testing::TestWithParam<std::tuple<std::string, Dtype, Isa, int>> {
 protected:
  Serving()
      : model_(variants().at(std::get<0>(GetParam())), std::get<1>(GetParam())),
        pool_(std::get<3>(GetParam())),
        device_(&pool_, std::get<2>(GetParam())) {}

  std::vector<float> logits(const BatchBuilder& builder, KvCache* cache = nullptr) {
    Context ctx{device_, arena_};
    const Tensor y = model_.decoder.logits(ctx, model_.decoder.forward(ctx, builder.batch(ctx, cache)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  std::vector<float> alone(const Tokens& tokens) {
    BatchBuilder builder;
    builder.add(tokens);
    return logits(builder);
  }
  Tokens sequence(int64_t length, uint64_t seed) {
    Random random(seed);
    Tokens tokens;
    for (int64_t i = 0; i < length; ++i) tokens.push_back(static_cast<int32_t>(random.below(23)));
    return tokens;
  }

  Model model_;
  ThreadPool pool_;
  CpuDevice device_;
  Arena arena_{device_, 1 << 26};
};

// Prefill in chunks and single decode steps of two sequences, mixed, against each sequence whole and alone.
TEST_P(Serving, CachedChunkedPackedEqualsWholeBitForBit) {
  const std::array<Tokens, 2> tokens{sequence(150, 1), sequence(140, 2)};
  const std::array<std::vector<float>, 2> whole{alone(tokens[0]), alone(tokens[1])};
  KvCache cache(device_, model_.decoder.cache_shape(), 8);
  const std::array<std::vector<int32_t>, 2> pages{std::vector<int32_t>{5, 0, 3}, {1, 7, 2}};
  std::array<size_t, 2> done{};
  for (const std::array<size_t, 2>& step :
       std::vector<std::array<size_t, 2>>{{63, 1}, {2, 100}, {1, 1}, {1, 1}, {0, 20}, {83, 17}}) {
    BatchBuilder builder;
    for (size_t s = 0; s < 2; ++s)
      builder.add(std::span(tokens[s]).subspan(done[s], step[s]), static_cast<int64_t>(done[s]), pages[s]);
    const std::vector<float> got = logits(builder, &cache);
    size_t row = 0;
    for (size_t s = 0; s < 2; ++s)
      for (size_t i = 0; i < step[s]; ++i, ++row, ++done[s])
        ASSERT_EQ(0, std::memcmp(&got[row * 23], &whole[s][done[s] * 23], 23 * sizeof(float)))
            << "sequence " << s << " token " << done[s];
  }
  EXPECT_EQ(150u, done[0]);
}

TEST_P(Serving, DryRunFindsTheExactPeak) {
  const bool learns = model_.decoder.config().num_experts == 0;
  BatchBuilder builder;
  builder.add(sequence(100, 3));
  const auto run = [&](Arena& arena) {
    Tape tape;
    Context ctx{device_, arena, learns ? &tape : nullptr};
    const Tokens targets(100, 1);
    const Tensor target = ctx.upload(targets.data(), {100, 1}, Dtype::kI32);
    const Tensor loss = model_.decoder.loss(ctx, model_.decoder.forward(ctx, builder.batch(ctx)), target, 0.01);
    if (learns) tape.backward(ctx, loss);
  };
  Arena dry = Arena::dry_run();
  run(dry);
  Arena real(device_, dry.peak());
  run(real);
  EXPECT_EQ(dry.peak(), real.peak());
  EXPECT_EQ(dry.trace(), real.trace());
}

INSTANTIATE_TEST_SUITE_P(All, Serving,
                         testing::Combine(testing::Values("tied", "qk_norm", "peri_ln_mup", "windows_capped",
                                                          "post_norm_biases", "partial_neighbours", "parallel",
                                                          "learned_positions", "experts"),
                                          testing::Values(Dtype::kF32, Dtype::kBf16),
                                          testing::ValuesIn(supported_isas()), testing::Values(1, 3)),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::string(name_of(std::get<1>(info.param))) + "_" +
                                  std::string(name_of(std::get<2>(info.param))) + "_" +
                                  std::to_string(std::get<3>(info.param));
                         });

TEST(DecoderConfig, CountsWhatIsAllocated) {
  for (const auto& [name, config] : variants()) {
    Decoder model(config, Dtype::kF32);
    int64_t count = 0;
    for (Parameter* parameter : model.parameters()) count += parameter->shape.size();
    EXPECT_EQ(count, count_parameters(config)) << name;
  }
}

TEST(DecoderConfig, NamesWhatDoesNotFit) {
  const auto error_of = [](DecoderConfig c) {
    try {
      resolve(c);
      return std::string("no error");
    } catch (const Failure& e) {
      return e.error().message;
    }
  };
  EXPECT_EQ("no error", error_of(tiny()));
  EXPECT_EQ("model: hidden_size 100 is not a multiple of num_attention_heads 8",
            error_of({.vocab_size = 8, .hidden_size = 100}));
  EXPECT_EQ("model: num_attention_heads 8 is not a multiple of num_key_value_heads 3",
            error_of({.vocab_size = 8, .num_key_value_heads = 3}));
  EXPECT_EQ("model: vocab_size is 0", error_of({}));
}

}  // namespace
}  // namespace maru
