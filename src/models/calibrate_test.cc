// Calibrated rounding of a whole model: nearer to the model it came from than plain rounding on the calibration text,
// every matrix rounded, the same bits for any number of threads.
#include "models/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "formats/safetensors.h"
#include "models/gptq.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using Tokens = std::vector<int32_t>;

DecoderConfig small(bool experts) {
  DecoderConfig c{.vocab_size = 60,
                  .hidden_size = 64,
                  .intermediate_size = 100,
                  .num_hidden_layers = 2,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 2,
                  .max_position_embeddings = 64,
                  .initializer_range = 0.1};
  if (experts) c.num_experts = 4, c.num_experts_per_tok = 2, c.moe_intermediate_size = 48, c.n_shared_experts = 1;
  return resolve(c);
}

// Few different tokens: inputs that do not fill their space, as those of a trained model.
std::vector<Tokens> texts() {
  Random random(4);
  std::vector<Tokens> all(24);
  for (Tokens& text : all)
    for (int i = 0; i < 50; ++i) text.push_back(static_cast<int32_t>(random.next() % 20));
  return all;
}

struct Calibrated {
  ThreadPool pool;
  CpuDevice device;
  Arena arena{device, 1 << 26};
  Decoder model;
  Calibrated(int threads, Dtype dtype, bool experts = false)
      : pool(threads), device(&pool), model(small(experts), dtype) {
    allocate_values(model);
    initialise(model, 9);
  }
  std::vector<float> logits(const std::vector<Tokens>& of) {
    std::vector<float> all;
    for (const Tokens& text : of) {
      Context ctx{device, arena};
      BatchBuilder builder;
      builder.add(text);
      const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
      all.insert(all.end(), y.data<float>(), y.data<float>() + y.size());
    }
    return all;
  }
};

double squared_difference(const std::vector<float>& a, const std::vector<float>& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += std::pow(a[i] - b[i], 2);
  return sum;
}

const QuantizedWeight& quantized_of(Decoder& model, const std::string& name) {
  for (Parameter* parameter : model.parameters())
    if (parameter->name == name) return parameter->quantized;
  throw Failure(ErrorCode::kNotFound, name);
}

bool same_bits(const QuantizedWeight& a, const QuantizedWeight& b) {
  return std::memcmp(a.quads.data<std::byte>(), b.quads.data<std::byte>(), a.quads.bytes()) == 0 &&
         std::memcmp(a.scales.data<std::byte>(), b.scales.data<std::byte>(), a.scales.bytes()) == 0;
}

TEST(Calibrate, LogitsAreNearerThanWithPlainRounding) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool experts : {false, true}) {
      const std::vector<Tokens> text = texts();
      Calibrated exact(2, dtype, experts), plain(2, dtype, experts), calibrated(2, dtype, experts);
      quantize_weights(plain.device, plain.model, QuantizedKind::kInt4);
      quantize_calibrated(calibrated.device, calibrated.model, QuantizedKind::kInt4, text);
      const std::vector<float> expected = exact.logits(text);
      const double by_plain = squared_difference(plain.logits(text), expected);
      const double by_calibrated = squared_difference(calibrated.logits(text), expected);
      EXPECT_LT(by_calibrated, (experts ? 0.9 : 0.5) * by_plain);
      EXPECT_TRUE(parameters_to_round(calibrated.model).empty());
    }
}

TEST(Calibrate, SameBitsForEveryThreadCount) {
  Calibrated one(1, Dtype::kBf16), three(3, Dtype::kBf16);
  for (Calibrated* c : {&one, &three}) quantize_calibrated(c->device, c->model, QuantizedKind::kInt4, texts());
  const std::vector<Parameter*> a = one.model.parameters(), b = three.model.parameters();
  for (size_t i = 0; i < a.size(); ++i) {
    const QuantizedWeight &x = a[i]->quantized, &y = b[i]->quantized;
    if (!x) continue;
    EXPECT_TRUE(same_bits(x, y)) << a[i]->name;
  }
}

// A second block's weight is rounded for what comes out of the first when it and the table are rounded.
TEST(Calibrate, InputsComeFromTheRoundedBlocksBefore) {
  const std::string name = "model.layers.1.self_attn.k_proj.weight";
  Calibrated calibrated(2, Dtype::kBf16), partly(2, Dtype::kBf16);
  quantize_calibrated(calibrated.device, calibrated.model, QuantizedKind::kInt4, texts());
  const std::vector<Parameter*> from = calibrated.model.parameters(), to = partly.model.parameters();
  for (size_t i = 0; i < to.size(); ++i)
    if (!to[i]->name.starts_with("model.layers.1.")) *to[i] = *from[i];
  InputStatistics statistics(partly.device, 64);
  Tensor plain;
  const InputObserver observer = [&](const Parameter& weight, const Tensor& x) {
    if (weight.name == name) statistics.add(partly.device, x), plain = weight.value;
  };
  Context ctx{partly.device, partly.arena, nullptr, &observer};
  BatchBuilder builder;
  for (const Tokens& text : texts()) builder.add(text);
  partly.model.forward(ctx, builder.batch(ctx));
  const ErrorFactors factors(partly.device.host(), statistics);
  EXPECT_TRUE(same_bits(quantize_for_inputs(partly.device, plain, QuantizedKind::kInt4, factors),
                        quantized_of(calibrated.model, name)));
}

/// The floats of a tensor of tests/golden/gptq.safetensors.
Tensor golden(const formats::SafetensorsFile& file, const std::string& name) {
  const formats::SafetensorsEntry& entry = file.entries().at(name);
  return Tensor(file.owner(), const_cast<std::byte*>(entry.bytes.data()), {entry.shape[0], entry.shape[1]},
                Dtype::kF32);
}

// What GPTQ minimises: Σ over rows of (w - v) (XᵀX + λ) (w - v)ᵀ.
double damped_error(const Tensor& x, const Tensor& w, const std::function<double(int64_t)>& v) {
  const int64_t n = x.cols();
  double squares = 0, products = 0, lost = 0;
  for (int64_t i = 0; i < x.size(); ++i) squares += std::pow(static_cast<double>(x.data<float>()[i]), 2);
  for (int64_t r = 0; r < w.rows(); ++r) {
    for (int64_t c = 0; c < n; ++c) lost += std::pow(static_cast<double>(w.data<float>()[r * n + c]) - v(r * n + c), 2);
    for (int64_t t = 0; t < x.rows(); ++t) {
      double dot = 0;
      for (int64_t c = 0; c < n; ++c)
        dot += x.data<float>()[t * n + c] * (static_cast<double>(w.data<float>()[r * n + c]) - v(r * n + c));
      products += dot * dot;
    }
  }
  return products + 0.01 * squares / static_cast<double>(n) * lost;
}

// tests/reference/make_gptq_golden.py computes it in f64, by the algorithm of the paper. A number near the middle of
// two integers may fall to the other side, and the columns behind it make up for that differently: the first group is
// the same, and the error.
TEST(Calibrate, RoundsAsAnIndependentImplementation) {
  const formats::SafetensorsFile file = formats::SafetensorsFile::open("tests/golden/gptq.safetensors").value();
  ThreadPool pool(2);
  CpuDevice device{&pool};
  const Tensor x = golden(file, "inputs"), w = golden(file, "weight");
  InputStatistics statistics(device, x.cols());
  statistics.add(device, x);
  const ErrorFactors factors(device.host(), statistics);
  for (const QuantizedKind kind : {QuantizedKind::kInt4, QuantizedKind::kInt8}) {
    const std::string bits = kind == QuantizedKind::kInt4 ? "4" : "8";
    const Tensor scales = golden(file, "scales" + bits);
    const auto* q = reinterpret_cast<const int8_t*>(file.entries().at("q" + bits).bytes.data());
    const auto theirs = [&](int64_t i) {
      return static_cast<double>(scales.data<float>()[i / w.cols() * scales.cols() + i % w.cols() / 32]) * q[i];
    };
    Arena arena(device, 1 << 20);
    Context ctx{device, arena};
    const Tensor got = dequantize(ctx, quantize_for_inputs(device, w, kind, factors));
    const auto ours = [&](int64_t i) { return static_cast<double>(got.data<float>()[i]); };
    int64_t different = 0;
    for (int64_t i = 0; i < w.size(); ++i)
      different += i % w.cols() < 32 && std::abs(ours(i) - theirs(i)) > 1e-3 * std::abs(theirs(i));
    EXPECT_LE(different, 5) << bits << " bits, of " << 32 * w.rows();
    const double expected = damped_error(x, w, theirs);
    EXPECT_NEAR(damped_error(x, w, ours), expected, 0.03 * expected) << bits << " bits";
  }
}

TEST(Calibrate, ATextWithoutTokensIsRefused) {
  Calibrated c(1, Dtype::kF32);
  EXPECT_THROW(quantize_calibrated(c.device, c.model, QuantizedKind::kInt4, {{}}), Failure);
}

}  // namespace
}  // namespace maru
