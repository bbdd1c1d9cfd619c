// Serving in protected memory: logits, answers under preemption, adapters, weights of 8 and 4 bits, mixtures of experts
// and text encoders, each with the bits of the CPU.
#include <gmock/gmock.h>
#include <unistd.h>

#include <map>
#include <memory>

#include "base/json.h"
#include "formats/safetensors_writer.h"
#include "infer/decoder_runner.h"
#include "infer/encoder_runner.h"
#include "infer/fake_model.h"
#include "infer/generate.h"
#include "models/adapter.h"
#include "models/calibrate.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "tensor/test_device.h"

namespace maru::infer {
namespace {

const fs::path kModels = "tests/golden/models", kEncoders = "tests/golden/encoders";

std::vector<std::string> names_in(const fs::path& directory) {
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) names.push_back(entry.path().filename());
  std::sort(names.begin(), names.end());
  return names;
}

using Prepare = std::function<void(Device&, Decoder&)>;  // what is done to a model before it answers

/// Logits of a prompt in two pieces and of one token behind it, row by row.
std::vector<float> logits_of(Device& device, Decoder& model, Adapter* adapter = nullptr) {
  DecoderRunner runner(model, device, 4 * static_cast<int64_t>(model.cache_shape().page_bytes()), adapter);
  std::vector<int32_t> prompt;
  for (int32_t i = 0; i < 70; ++i) prompt.push_back((i * 7 + 3) % static_cast<int32_t>(runner.vocab_size()));
  const std::vector<int32_t> pages{2, 0};
  std::vector<float> all;
  const auto sink = [&](const LogitsRow& row) { all.insert(all.end(), row.logits.begin(), row.logits.end()); };
  const std::span<const int32_t> tokens(prompt);
  for (const auto& [first, count] : {std::pair<size_t, size_t>{0, 40}, {40, 29}, {69, 1}}) {
    const std::vector<StepSequence> step{{.tokens = tokens.subspan(first, count),
                                          .past = static_cast<int64_t>(first),
                                          .pages = pages,
                                          .first_logits_row = 0}};
    runner.run(step, sink);
  }
  return all;
}

class ServedOnDevice : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { fs::remove_all(home_); }
  fs::path model() const { return kModels / GetParam(); }
  /// The same model, prepared on each device alike, answers alike.
  void expect_same_bits(const std::function<std::unique_ptr<Decoder>(Device&)>& load, const Prepare& prepare = {}) {
    const auto here = load(cpu_), there = load(device_);
    if (prepare) prepare(cpu_, *here), prepare(device_, *there);
    const std::vector<float> expected = logits_of(cpu_, *here);
    ASSERT_GT(expected.size(), 70u);
    EXPECT_EQ(expected, logits_of(device_, *there));
    for (Parameter* parameter : there->parameters()) {  // kernels of the CPU would read them anywhere
      const Parameter& p = *parameter;
      for (const Tensor& t : {p.value, p.quantized.quads, p.quantized.scales, p.quantized.offsets})
        ASSERT_TRUE(!t || t.device() == &device_) << p.name << " was left on the host";
    }
  }
  std::function<std::unique_ptr<Decoder>(Device&)> plain(Dtype dtype = Dtype::kF32) const {
    return [path = model(), dtype](Device&) { return load_model(path, dtype); };
  }

  fs::path home_ = fs::temp_directory_path() / ("maru-devices-" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice cpu_{&pool_};
  ProtectedDevice device_{&pool_};
};

TEST_P(ServedOnDevice, LogitsInEveryPrecision) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) expect_same_bits(plain(dtype));
}

TEST_P(ServedOnDevice, WeightsOfEightAndFourBits) {
  for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4})
    expect_same_bits(plain(), [&](Device& device, Decoder& m) { quantize_weights(device, m, kind); });
  expect_same_bits(plain(Dtype::kBf16), [](Device& device, Decoder& m) {
    quantize_calibrated(device, m, QuantizedKind::kInt4, {{1, 5, 2, 9, 4, 7, 3, 3, 8, 2, 6, 1}});
  });
  expect_same_bits(plain(), [](Device& device, Decoder& m) {
    quantize_weights(device, m, QuantizedKind::kInt8);
    dequantize_weights(device, m);
  });
}

TEST_P(ServedOnDevice, QuantizedFilesWrittenFromItAndReadToIt) {
  const auto made = load_model(model(), Dtype::kBf16);
  quantize_weights(device_, *made, QuantizedKind::kInt4);
  fs::create_directories(home_);
  save_weights(*made, home_ / "model.safetensors");
  Json config = read_json(model() / "config.json");
  config["quantization_config"] = Json{{"quant_method", "maru"}, {"version", 1},     {"bits", 4},
                                       {"table_bits", 8},        {"group_size", 32}, {"calibration", "none"}};
  config["torch_dtype"] = "bfloat16";
  write_json(home_ / "config.json", config);
  expect_same_bits([&](Device& device) { return load_for_serving(device.host(), home_); });
}

INSTANTIATE_TEST_SUITE_P(Goldens, ServedOnDevice, testing::ValuesIn(names_in(kModels)),
                         [](const auto& info) { return info.param; });

class DeviceTest : public ServedOnDevice {};

// Every log-probability of answers that were interrupted for want of pages.
TEST_P(DeviceTest, AnswersUnderPreemption) {
  const text::Tokenizer tokenizer = byte_tokenizer();
  const auto scores = [&](Device& device) {
    const auto loaded = load_model(model(), Dtype::kF32);
    DecoderRunner runner(*loaded, device, 6 * static_cast<int64_t>(loaded->cache_shape().page_bytes()));
    Engine engine(runner, tokenizer, {.max_running = 8, .step_tokens = 50});
    GenerationRequest request;  // whose choices begin together
    for (int32_t t = 0; t < 60; ++t) request.prompt.push_back(t * 5 % 37 + 1);
    request.choices = 4, request.max_tokens = 40, request.ignore_eos = true, request.seed = 9;
    request.score_prompt = true, request.sampling.top_logprobs = 2;
    const auto answer = engine.submit(std::move(request));
    std::map<int64_t, std::vector<float>> all;
    Piece piece;
    while (answer->wait_next(piece) == Generation::Next::kPiece)
      for (const ScoredToken& token : piece.tokens)
        all[piece.choice].insert(all[piece.choice].end(), {token.logprob.value_or(0), static_cast<float>(token.token)});
    EXPECT_GT(engine.stats().preemptions, 0) << "the pages were enough: nothing was tried";
    return all;
  };
  const auto expected = scores(cpu_);
  ASSERT_EQ(4u, expected.size());
  ASSERT_GE(expected.at(3).size(), 2u * 40);
  EXPECT_EQ(expected, scores(device_));
}

// Plain and weight-decomposed updates beside plain and quantized weights; with the adapter and without it.
TEST_P(DeviceTest, Adapters) {
  fs::create_directories(home_);
  write_json(home_ / "adapter_config.json",
             Json{{"peft_type", "LORA"}, {"r", 2}, {"lora_alpha", 4}, {"use_dora", true}});
  const auto shapes = load_model(model());
  formats::SafetensorsWriter writer(home_ / "adapter_model.safetensors");
  std::vector<std::pair<std::string, std::vector<int64_t>>> tensors;
  for (Parameter* parameter : shapes->parameters()) {
    if (parameter->role != ParameterRole::kMatrix && parameter->role != ParameterRole::kOutput) continue;
    const std::string module = "base_model.model." + parameter->name.substr(0, parameter->name.rfind('.'));
    tensors.push_back({module + ".lora_A.weight", {2, parameter->shape.cols}});
    tensors.push_back({module + ".lora_B.weight", {parameter->shape.rows, 2}});
    if (tensors.size() % 4 == 0) tensors.push_back({module + ".lora_magnitude_vector", {parameter->shape.rows}});
  }
  for (const auto& [name, shape] : tensors) writer.declare(name, "F32", shape);
  for (const auto& [name, shape] : tensors) {
    std::vector<float> values(static_cast<size_t>(shape[0] * (shape.size() > 1 ? shape[1] : 1)));
    for (size_t i = 0; i < values.size(); ++i) values[i] = 0.5f + 0.1f * static_cast<float>(i * 7 % 5);
    writer.write(std::as_bytes(std::span(values)));
  }
  writer.commit();
  for (const bool quantized : {false, true}) {
    const auto answers = [&](Device& device) {
      const auto m = load_model(model(), Dtype::kBf16);
      if (quantized) quantize_weights(device, *m, QuantizedKind::kInt8);
      const std::vector<float> without = logits_of(device, *m);
      Adapter adapter(device, *m, home_);
      const std::vector<float> with = logits_of(device, *m, &adapter);
      EXPECT_NE(without, with);
      EXPECT_EQ(without, logits_of(device, *m));
      return with;
    };
    EXPECT_EQ(answers(cpu_), answers(device_));
  }
}

INSTANTIATE_TEST_SUITE_P(Some, DeviceTest, testing::Values("llama", "qwen2"),
                         [](const auto& info) { return info.param; });

class EncoderOnDevice : public testing::TestWithParam<std::string> {};

TEST_P(EncoderOnDevice, EmbedsAndScoresWithTheBitsOfTheCpu) {
  const fs::path directory = kEncoders / GetParam();
  ThreadPool pool(2);
  CpuDevice cpu(&pool);
  ProtectedDevice device(&pool);
  std::vector<EncoderInput> inputs;
  const Json golden = read_json(directory / "golden.json");
  for (const Json& input : golden["inputs"])
    inputs.push_back({input["tokens"].get<std::vector<int32_t>>(), input["types"].get<std::vector<int32_t>>()});
  ASSERT_GT(inputs.size(), 2u);
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    SentenceEncoder here = SentenceEncoder::load(directory, dtype), there = SentenceEncoder::load(directory, dtype);
    EncoderRunner a(here, cpu), b(there, device);
    EXPECT_EQ(a.embed(inputs), b.embed(inputs));
    if (here.is_classifier()) {
      EXPECT_EQ(a.classify(inputs), b.classify(inputs));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Goldens, EncoderOnDevice, testing::ValuesIn(names_in(kEncoders)),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace maru::infer
