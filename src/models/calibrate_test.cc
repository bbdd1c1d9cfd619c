// Calibrated rounding of a whole model: nearer to the model it came from than plain rounding on the calibration text,
// every matrix rounded, the same bits for any number of threads.
#include "models/calibrate.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/random.h"
#include "formats/safetensors.h"
#include "ops/gptq.h"
#include "ops/quantized.h"

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
  Stream stream;
  Arena arena{1 << 26};
  Decoder model;
  Calibrated(int threads, Dtype dtype, bool experts = false)
      : pool(threads), stream(CpuStream{&pool}), model(small(experts), dtype) {
    allocate_values(model);
    initialise(model, 9);
  }
  std::vector<float> logits(const std::vector<Tokens>& of) {
    std::vector<float> all;
    for (const Tokens& text : of) {
      Context ctx{stream, arena};
      BatchBuilder builder;
      builder.add(text);
      const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch()));
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

TEST(Calibrate, LogitsAreNearerThanWithPlainRounding) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool experts : {false, true}) {
      const std::vector<Tokens> text = texts();
      Calibrated exact(2, dtype, experts), plain(2, dtype, experts), calibrated(2, dtype, experts);
      quantize_weights(plain.stream, plain.model, QuantizedKind::kInt4);
      quantize_calibrated(calibrated.stream, calibrated.model, QuantizedKind::kInt4, text);
      const std::vector<float> expected = exact.logits(text);
      const double by_plain = squared_difference(plain.logits(text), expected);
      const double by_calibrated = squared_difference(calibrated.logits(text), expected);
      EXPECT_LT(by_calibrated, (experts ? 0.9 : 0.5) * by_plain);
      EXPECT_TRUE(parameters_to_round(calibrated.model).empty());
    }
}

TEST(Calibrate, SameBitsForEveryThreadCount) {
  Calibrated one(1, Dtype::kBf16), three(3, Dtype::kBf16);
  for (Calibrated* c : {&one, &three}) quantize_calibrated(c->stream, c->model, QuantizedKind::kInt4, texts());
  const std::vector<ParameterInfo> a = parameters_of(one.model), b = parameters_of(three.model);
  for (size_t i = 0; i < a.size(); ++i) {
    const QuantizedWeight &x = a[i].parameter->quantized, &y = b[i].parameter->quantized;
    if (!x) continue;
    EXPECT_EQ(std::memcmp(x.quads.data<std::byte>(), y.quads.data<std::byte>(), x.quads.bytes()), 0);
    EXPECT_EQ(std::memcmp(x.scales.data<std::byte>(), y.scales.data<std::byte>(), x.scales.bytes()), 0);
  }
}

/// The floats of a tensor of tests/golden/gptq.safetensors.
Tensor golden(const SafetensorsFile& file, const std::string& name) {
  const SafetensorsEntry& entry = file.entries().at(name);
  return Tensor(file.owner(), const_cast<std::byte*>(entry.bytes.data()), {entry.shape[0], entry.shape[1]},
                Dtype::kF32);
}

// tests/reference/make_gptq_golden.py computes it in f64, by the algorithm of the paper. A number that lies between two
// integers may fall to the other side, and those behind it with it: few do.
TEST(Calibrate, RoundsAsAnIndependentImplementation) {
  const SafetensorsFile file = SafetensorsFile::open("tests/golden/gptq.safetensors").value();
  ThreadPool pool(2);
  Stream stream = CpuStream{&pool};
  const Tensor x = golden(file, "inputs"), w = golden(file, "weight");
  InputStatistics statistics(x.cols());
  statistics.add(stream, x);
  const ErrorFactors factors(stream, statistics);
  for (const QuantizedKind kind : {QuantizedKind::kInt4, QuantizedKind::kInt8}) {
    const std::string bits = kind == QuantizedKind::kInt4 ? "4" : "8";
    const Tensor scales = golden(file, "scales" + bits);
    const auto* q = reinterpret_cast<const int8_t*>(file.entries().at("q" + bits).bytes.data());
    Arena arena(1 << 20);
    Context ctx{stream, arena};
    const Tensor got = dequantize(ctx, quantize_for_inputs(stream, w, kind, factors));
    int64_t different = 0;
    for (int64_t i = 0; i < w.size(); ++i) {
      const float scale = scales.data<float>()[i / w.cols() * scales.cols() + i % w.cols() / 32];
      different += std::abs(got.data<float>()[i] - scale * q[i]) > 1e-3f * std::abs(scale);
    }
    EXPECT_LE(different, w.size() / 50) << bits << " bits";
  }
}

TEST(Calibrate, ATextWithoutTokensIsRefused) {
  Calibrated c(1, Dtype::kF32);
  EXPECT_THROW(quantize_calibrated(c.stream, c.model, QuantizedKind::kInt4, {{}}), Failure);
}

}  // namespace
}  // namespace maru
