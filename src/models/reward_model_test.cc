// A decoder with a score: what it gives, how it is stored, what is refused.
#include "models/reward_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "base/random.h"
#include "models/model_files.h"
#include "models/registry.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using testing::HasSubstr;

class RewardModelTest : public testing::Test {
 protected:
  static DecoderConfig config(const std::string& architecture = "") {
    return resolve({.vocab_size = 40,
                    .hidden_size = 32,
                    .intermediate_size = 64,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 4,
                    .num_key_value_heads = 2,
                    .max_position_embeddings = 64,
                    .initializer_range = 0.2,
                    .architecture = architecture});
  }
  std::unique_ptr<RewardModel> make(const DecoderConfig& c, Dtype dtype) {
    auto decoder = std::make_unique<Decoder>(c, dtype);
    allocate_values(*decoder);
    initialise(*decoder, 3);
    auto model = std::make_unique<RewardModel>(std::move(decoder));
    model->initialise_score(4);
    place(device_, *model);
    return model;
  }
  static std::vector<std::vector<int32_t>> sequences(uint64_t seed = 1, size_t count = 9) {
    Random random(seed);
    std::vector<std::vector<int32_t>> all(count);
    for (auto& one : all)
      for (uint64_t i = 1 + random.below(30); i > 0; --i) one.push_back(static_cast<int32_t>(random.below(40)));
    return all;
  }
  std::string error_of(const std::function<void()>& f) {
    try {
      f();
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  void TearDown() override { fs::remove_all(directory_); }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_reward_model_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  StepMemory memory_{device_};
};

TEST_F(RewardModelTest, ScoresTheLastTokenOfEachSequenceWhateverTheOthersAre) {
  const auto model = make(config(), Dtype::kF32);
  const auto texts = sequences();
  const std::vector<double> together = scores_of(memory_, *model, texts);
  ASSERT_EQ(texts.size(), together.size());
  EXPECT_EQ(together, scores_of(memory_, *model, texts, 20)) << "the same bits in batches of any size";
  for (size_t i = 0; i < texts.size(); ++i) {
    EXPECT_EQ(together[i], scores_of(memory_, *model, std::span(&texts[i], 1))[0]);
    // By hand: the score's product with the last row.
    Arena arena(device_, 1 << 22);
    Context ctx{device_, arena};
    BatchBuilder builder;
    builder.add(texts[i]);
    const Tensor hidden = model->decoder().forward(ctx, builder.batch(ctx));
    const float* last = hidden.data<float>() + (hidden.rows() - 1) * hidden.cols();
    double expected = 0;
    for (int64_t c = 0; c < hidden.cols(); ++c)
      expected += static_cast<double>(last[c]) * static_cast<double>(model->score().value.data<float>()[c]);
    EXPECT_NEAR(expected, together[i], 1e-5);
  }
  EXPECT_TRUE(scores_of(memory_, *model, {}).empty());
}

TEST_F(RewardModelTest, ReadsBackWhatItWrites) {
  for (const char* architecture : {"LlamaForCausalLM", "Qwen2ForCausalLM", "GPT2LMHeadModel", "Phi3ForCausalLM"})
    for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
      DecoderConfig c = config(architecture);
      if (architecture == std::string("GPT2LMHeadModel"))
        c.norm_type = "layer_norm",
        c.learned_positions = c.attention_bias = c.attention_output_bias = c.mlp_bias = true, c.num_key_value_heads = 4,
        c.hidden_act = "gelu_pytorch_tanh";
      if (architecture == std::string("Qwen2ForCausalLM")) c.attention_bias = true;
      const auto model = make(resolve(c), dtype);
      model->pad_token_id = 7;
      model->save(directory_);
      const Json json = read_json(directory_ / "config.json");
      EXPECT_THAT(json["architectures"][0].get<std::string>(), testing::EndsWith("ForSequenceClassification"));
      EXPECT_EQ(1u, json["id2label"].size());
      EXPECT_EQ(7, json["pad_token_id"]);
      const auto again = load_reward_model(directory_);
      EXPECT_EQ(dtype, again->dtype());
      EXPECT_EQ(7, again->pad_token_id);
      place(device_, *again);
      EXPECT_EQ(scores_of(memory_, *model, sequences()), scores_of(memory_, *again, sequences())) << architecture;
      const auto other = make(resolve(c), dtype);
      other->initialise_score(9);
      EXPECT_NE(scores_of(memory_, *model, sequences()), scores_of(memory_, *other, sequences()));
      other->load(directory_);
      EXPECT_EQ(scores_of(memory_, *model, sequences()), scores_of(memory_, *other, sequences()));
      EXPECT_THAT(error_of([&] { load_model(directory_); }),
                  HasSubstr("ForSequenceClassification scores texts, and has no head to go on"));
      fs::remove_all(directory_);
    }
}

TEST_F(RewardModelTest, TheHeadOfADecoderIsNoPartOfIt) {
  DecoderConfig c = config();
  c.tie_word_embeddings = false;
  Decoder decoder(c, Dtype::kF32);
  RewardModel model(decoder);
  std::vector<std::string> names;
  for (const Parameter* p : model.parameters()) names.push_back(p->name);
  EXPECT_EQ("score.weight", names.back());
  EXPECT_EQ(0, std::ranges::count(names, "lm_head.weight"));
  EXPECT_EQ(decoder.parameters().size(), names.size()) << "one less, one more";
}

TEST_F(RewardModelTest, AHeadOfItsOwnIsNotStored) {
  DecoderConfig c = config();
  for (const bool tied : {false, true}) {
    c.tie_word_embeddings = tied;
    const auto model = make(resolve(c), Dtype::kF32);
    model->decoder().separate_head();  // as beside an adapter that has the token table whole
    model->save(directory_);
    EXPECT_FALSE(WeightSource(directory_).contains("lm_head.weight"));
    const auto again = load_reward_model(directory_);
    place(device_, *again);
    EXPECT_EQ(scores_of(memory_, *model, sequences()), scores_of(memory_, *again, sequences()));
    fs::remove_all(directory_);
  }
}

TEST_F(RewardModelTest, WhatIsNotOneIsRefused) {
  make(config(), Dtype::kF32)->save(directory_);
  const Json good = read_json(directory_ / "config.json");
  const auto with = [&](const std::function<void(Json&)>& change) {
    Json json = good;
    change(json);
    write_json(directory_ / "config.json", json);
    return error_of([&] { load_reward_model(directory_); });
  };
  EXPECT_EQ("none", with([](Json&) {}));
  EXPECT_EQ("none", with([](Json& j) { j.erase("id2label"), j.erase("label2id"), j["num_labels"] = 1; }));
  EXPECT_THAT(with([](Json& j) { j["id2label"]["1"] = "B"; }), HasSubstr("a score of 2 labels is not supported"));
  EXPECT_THAT(with([](Json& j) { j.erase("id2label"); }), HasSubstr("a score of 2 labels is not supported"));
  EXPECT_THAT(with([](Json& j) { j["architectures"] = {"LlamaForCausalLM"}; }),
              HasSubstr("architectures: expected one of LlamaForSequenceClassification"));
  EXPECT_THAT(with([](Json& j) { j["architectures"] = Json::array(); }), HasSubstr("got \"\""));
  EXPECT_THAT(with([](Json& j) { j["hidden_size"] = 64; }), HasSubstr("score.weight"));
  fs::remove(directory_ / "model.safetensors");
  auto plain = std::make_unique<Decoder>(config(), Dtype::kF32);
  allocate_values(*plain);
  save_weights(*plain, directory_ / "model.safetensors");
  EXPECT_THAT(with([](Json&) {}), HasSubstr("score.weight"));
}

TEST_F(RewardModelTest, FamiliesWithoutSuchAClassAreRefusedByName) {
  DecoderConfig c = config();
  c.use_post_norm = true;
  EXPECT_THAT(error_of([&] { reward_config_to_hugging_face(resolve(c), "float32"); }),
              HasSubstr("transformers has no class of HyperCLOVAXForCausalLM with a score in place of the head"));
}

TEST_F(RewardModelTest, BadSequencesAreNamed) {
  const auto model = make(config(), Dtype::kF32);
  std::vector<std::vector<int32_t>> texts = sequences();
  const auto error = [&](const std::vector<int32_t>& bad) {
    texts[3] = bad;
    return error_of([&] { scores_of(memory_, *model, texts); });
  };
  EXPECT_EQ("none", error(std::vector<int32_t>(64, 1)));
  EXPECT_EQ("[score] sequence 3 has 0 tokens, expected 1 to 64", error({}));
  EXPECT_EQ("[score] sequence 3 has 65 tokens, expected 1 to 64", error(std::vector<int32_t>(65, 1)));
  EXPECT_EQ("[score] sequence 3 has token 40, expected 0 to 39", error({1, 40}));
  EXPECT_EQ("[score] sequence 3 has token -1, expected 0 to 39", error({-1}));
}

}  // namespace
}  // namespace maru
