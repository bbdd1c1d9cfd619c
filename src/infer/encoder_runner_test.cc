// Tiny random encoders against what transformers computes with them (tests/reference/make_encoder_golden.py), in every
// instruction set and type, packed with others and alone.
#include "infer/encoder_runner.h"

#include <gmock/gmock.h>

#include <cmath>
#include <cstring>

#include "base/json.h"
#include "tensor/cpu_device.h"

namespace maru::infer {
namespace {

constexpr int64_t kOpsPerLayer = 12;

struct Golden {
  fs::path directory;
  Json json;
  std::vector<EncoderInput> inputs;
  explicit Golden(const std::string& name)
      : directory(fs::path("tests/golden/encoders") / name), json(read_json(directory / "golden.json")) {
    for (const Json& input : json["inputs"])
      inputs.push_back({input["tokens"].get<std::vector<int32_t>>(), input["types"].get<std::vector<int32_t>>()});
  }
  std::vector<float> expected(const char* what, size_t i) const { return json[what][i].get<std::vector<float>>(); }
};

/// |actual - expected| / |expected|, as vectors.
double distance(const std::vector<float>& actual, const std::vector<float>& expected) {
  EXPECT_EQ(expected.size(), actual.size());
  double error = 0, size = 0;
  for (size_t i = 0; i < expected.size() && i < actual.size(); ++i) {
    error += std::pow(static_cast<double>(actual[i]) - static_cast<double>(expected[i]), 2);
    size += std::pow(static_cast<double>(expected[i]), 2);
  }
  return std::sqrt(error / size);
}

/// f32: what is asked of every family. bf16: every weight and every op's result is rounded once, independently, and
/// norms keep errors from growing: √(number of roundings) · unit roundoff, times 4 for the ops that amplify.
double tolerance(const fs::path& directory, Dtype dtype) {
  if (dtype == Dtype::kF32) return 1e-4;
  return 4 * 0x1p-9 *
         std::sqrt(static_cast<double>(2 * kOpsPerLayer *
                                       read_json(directory / "config.json")["num_hidden_layers"].get<int64_t>()));
}

std::vector<float> values_of(const Tensor& x) {
  std::vector<float> values;
  for (int64_t i = 0; i < x.size(); ++i)
    values.push_back(x.dtype() == Dtype::kBf16 ? to_float(x.data<bfloat16>()[i]) : x.data<float>()[i]);
  return values;
}

struct Setting {
  std::string name;
  const char* output;
};
void PrintTo(const Setting& s, std::ostream* out) { *out << s.name; }

class EncoderGolden : public testing::TestWithParam<std::tuple<Setting, Dtype, Isa>> {
 protected:
  Golden golden_{std::get<0>(GetParam()).name};
  const char* output_ = std::get<0>(GetParam()).output;
  Dtype dtype_ = std::get<1>(GetParam());
  ThreadPool pool_{2};
  CpuDevice device_{&pool_, std::get<2>(GetParam())};
  SentenceEncoder model_ = SentenceEncoder::load(golden_.directory, dtype_);
};

TEST_P(EncoderGolden, HiddenStatesAreThoseOfTransformers) {
  Arena arena(device_, 1 << 24);
  Context ctx{device_, arena};
  for (size_t i = 0; i < golden_.inputs.size(); ++i) {
    EncoderBatchBuilder builder(model_.limits());
    builder.add(golden_.inputs[i].tokens, golden_.inputs[i].types);
    const Tensor hidden = model_.forward(ctx, builder.batch(ctx));
    EXPECT_LT(distance(values_of(hidden), golden_.expected("hidden", i)), tolerance(golden_.directory, dtype_))
        << "text " << i;
  }
}

TEST_P(EncoderGolden, OutputsAreThoseOfTransformersWhateverTheBatch) {
  for (int64_t batch_tokens : {1, 40, 4096}) {
    EncoderRunner runner(model_, device_, batch_tokens);
    const bool embeds = std::string(output_) == "embeddings";
    const auto outputs = embeds ? runner.embed(golden_.inputs) : runner.classify(golden_.inputs);
    ASSERT_EQ(golden_.inputs.size(), outputs.size());
    for (size_t i = 0; i < outputs.size(); ++i)
      EXPECT_LT(distance(outputs[i], golden_.expected(output_, i)), tolerance(golden_.directory, dtype_))
          << "text " << i;
  }
}

TEST_P(EncoderGolden, ATextHasTheSameBitsAmongSixtyFour) {
  EncoderRunner runner(model_, device_, 300);
  std::vector<EncoderInput> many;
  for (size_t i = 0; i < 64; ++i) many.push_back(golden_.inputs[i * i % golden_.inputs.size()]);
  const bool embeds = std::string(output_) == "embeddings";
  const auto run = [&](std::span<const EncoderInput> inputs) {
    return embeds ? runner.embed(inputs) : runner.classify(inputs);
  };
  const auto together = run(many);
  for (size_t i = 0; i < many.size(); i += 7) EXPECT_EQ(run({&many[i], 1}).front(), together[i]) << "text " << i;
}

std::string setting_name(const testing::TestParamInfo<EncoderGolden::ParamType>& info) {
  return std::get<0>(info.param).name + "_" + std::string(name_of(std::get<1>(info.param))) + "_" +
         std::string(name_of(std::get<2>(info.param)));
}
INSTANTIATE_TEST_SUITE_P(
    Families, EncoderGolden,
    testing::Combine(testing::Values(Setting{"bert_mean", "embeddings"}, Setting{"bert_cls_relu", "embeddings"},
                                     Setting{"roberta_cls", "embeddings"}, Setting{"xlmr_mean", "embeddings"},
                                     Setting{"xlmr_last_dense", "embeddings"}, Setting{"bert_classifier", "logits"},
                                     Setting{"roberta_classifier", "logits"}, Setting{"xlmr_reranker", "logits"}),
                     testing::Values(Dtype::kF32, Dtype::kBf16), testing::ValuesIn(supported_isas())),
    setting_name);

class EncoderRunnerTest : public testing::Test {
 protected:
  ThreadPool pool_{1};
  CpuDevice device_{&pool_};
};

TEST_F(EncoderRunnerTest, NormalisedVectorsHaveLengthOne) {
  const Golden golden("roberta_cls");
  SentenceEncoder model = SentenceEncoder::load(golden.directory);
  EncoderRunner runner(model, device_);
  for (const std::vector<float>& vector : runner.embed(golden.inputs)) {
    double squares = 0;
    for (float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
    EXPECT_NEAR(1, squares, 1e-6);
  }
}

TEST_F(EncoderRunnerTest, ARerankersScoreIsTheSigmoidOfItsLogit) {
  const Golden golden("xlmr_reranker");
  SentenceEncoder model = SentenceEncoder::load(golden.directory);
  EncoderRunner runner(model, device_);
  const std::vector<double> scores = runner.score(golden.inputs);
  for (size_t i = 0; i < scores.size(); ++i) {
    const double logit = static_cast<double>(golden.expected("logits", i).front());
    EXPECT_NEAR(1 / (1 + std::exp(-logit)), scores[i], 1e-5);
  }
}

TEST_F(EncoderRunnerTest, RefusesWhatTheModelCannotDo) {
  const Golden plain("bert_mean"), labels("bert_classifier");
  SentenceEncoder embedder = SentenceEncoder::load(plain.directory);
  SentenceEncoder classifier = SentenceEncoder::load(labels.directory);
  EncoderRunner embeds(embedder, device_), classifies(classifier, device_);
  EXPECT_THROW(embeds.classify(plain.inputs), Failure);
  EXPECT_THROW(embeds.score(plain.inputs), Failure);
  EXPECT_THROW(classifies.score(labels.inputs), Failure);
  EXPECT_THROW(embeds.embed(std::vector<EncoderInput>{{.tokens = {}}}), Failure);
  EXPECT_EQ(plain.inputs.size(), embeds.embed(plain.inputs).size());  // a refused batch leaves nothing behind
}

}  // namespace
}  // namespace maru::infer
