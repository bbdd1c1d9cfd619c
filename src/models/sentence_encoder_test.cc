// Decoders as sentence encoders: how they are stored and read again, what makes one, what is refused.
#include "models/sentence_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/json.h"
#include "models/adapter.h"
#include "models/encoder_files.h"
#include "models/model_files.h"
#include "models/weight_source.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using testing::HasSubstr;

class SentenceEncoderTest : public testing::Test {
 protected:
  static std::unique_ptr<Decoder> decoder() {
    auto model = std::make_unique<Decoder>(resolve({.vocab_size = 40,
                                                    .hidden_size = 32,
                                                    .intermediate_size = 64,
                                                    .num_hidden_layers = 2,
                                                    .num_attention_heads = 4,
                                                    .num_key_value_heads = 2,
                                                    .max_position_embeddings = 64,
                                                    .initializer_range = 0.2,
                                                    .tie_word_embeddings = true}),
                                           Dtype::kF32);
    allocate_values(*model);
    initialise(*model, 3);
    return model;
  }
  std::vector<float> vectors_of(SentenceEncoder& model) {
    model.place(device_);
    EncoderBatchBuilder builder(model.limits());
    for (const std::vector<int32_t>& text : {std::vector<int32_t>{1, 2, 3}, {7}, {39, 0, 5, 5}})
      builder.add(text, std::vector<int32_t>(text.size(), 1));  // types that a decoder does not know
    Arena arena(device_, 1 << 22);
    Context ctx{device_, arena};
    const Tensor y = model.embed(ctx, builder.batch(ctx));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  std::string error_of(const std::function<void()>& f) {
    try {
      f();
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  void SetUp() override { fs::remove_all(directory_); }
  void TearDown() override { fs::remove_all(directory_); }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_sentence_encoder_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
};

TEST_F(SentenceEncoderTest, ADecoderIsReadAsItWasWritten) {
  for (const Pooling pooling : {Pooling::kMean, Pooling::kLast}) {
    SentenceEncoder model(text_model(decoder()), pooling, 48);
    model.save(directory_);
    SentenceEncoder stored = SentenceEncoder::load(directory_);
    EXPECT_EQ(pooling, stored.pooling);
    EXPECT_EQ(pooling, stored_pooling(directory_));
    EXPECT_TRUE(stored.normalize);
    EXPECT_EQ(48, stored.max_tokens());
    EXPECT_EQ(32, stored.dimension());
    EXPECT_FALSE(stored.is_classifier());
    EXPECT_EQ(vectors_of(model), vectors_of(stored));
    int64_t modes = 0;
    const Json flags = read_json(directory_ / "1_Pooling/config.json");
    for (const auto& flag : flags.items()) modes += flag.key().starts_with("pooling_mode_") && flag.value() == true;
    EXPECT_EQ(1, modes) << flags;
  }
}

TEST_F(SentenceEncoderTest, VectorsAreThoseOfTheDecodersOwnTokens) {
  const auto model = decoder();
  place(device_, *model);
  SentenceEncoder texts(text_model(*model), Pooling::kLast, 48);
  const std::vector<float> vectors = vectors_of(texts);
  BatchBuilder builder;
  builder.add(std::vector<int32_t>{39, 0, 5, 5});
  Arena arena(device_, 1 << 22);
  Context ctx{device_, arena};
  const Tensor hidden = model->forward(ctx, builder.batch(ctx));
  for (size_t i = 0; i < 32; ++i) EXPECT_EQ(hidden.data<float>()[3 * 32 + i], vectors[64 + i]);
}

TEST_F(SentenceEncoderTest, WhatMakesOneIsSaidByItsFiles) {
  EXPECT_FALSE(is_sentence_encoder(directory_));
  decoder()->save(directory_);
  EXPECT_FALSE(is_sentence_encoder(directory_)) << "it writes text";
  EXPECT_FALSE(stored_pooling(directory_));
  EXPECT_THAT(error_of([&] { SentenceEncoder::load(directory_); }), HasSubstr("LlamaForCausalLM"));
  SentenceEncoder(text_model(decoder()), Pooling::kMean, 48).save(directory_);
  EXPECT_TRUE(is_sentence_encoder(directory_));
  EXPECT_TRUE(is_sentence_encoder("tests/golden/encoders/bert_mean"));
  fs::remove_all(directory_);
  auto scorer = std::make_unique<RewardModel>(decoder());
  scorer->initialise_score(1);
  scorer->save(directory_);
  EXPECT_TRUE(is_sentence_encoder(directory_));
  SentenceEncoder ranker = SentenceEncoder::load(directory_);
  EXPECT_EQ(1, ranker.num_labels());
}

// As transformers begins: what the files have stays, the classifier is new.
TEST_F(SentenceEncoderTest, AnEncoderBecomesAReranker) {
  const fs::path golden = "tests/golden/encoders";
  for (const auto& [name, classifier] :
       {std::pair("bert_mean", "classifier.weight"), std::pair("roberta_cls", "classifier.out_proj.weight")}) {
    const std::string prefix = std::string(name) == "bert_mean" ? "bert." : "roberta.";
    RerankerToTrain made = load_reranker_to_train(golden / name, Dtype::kF32, 7);
    const auto plain = load_encoder(golden / name, Dtype::kF32);
    for (size_t i = 0; i < plain->parameters().size(); ++i) {
      const Parameter &a = *plain->parameters()[i], &b = *made.encoder->parameters()[i];
      ASSERT_EQ(a.name, b.name);
      EXPECT_TRUE(std::equal(a.value.data<float>(), a.value.data<float>() + a.value.size(), b.value.data<float>()));
    }
    const std::vector<Parameter*> fresh = made.encoder->classifier();
    ASSERT_EQ(4u, fresh.size());
    EXPECT_EQ(classifier, fresh[2]->name);
    double squares = 0;
    for (int64_t i = 0; i < fresh[0]->value.size(); ++i) squares += std::pow(fresh[0]->value.data<float>()[i], 2);
    EXPECT_NEAR(0.02, std::sqrt(squares / static_cast<double>(fresh[0]->value.size())), 0.002);
    for (const size_t bias : {size_t{1}, size_t{3}})
      for (int64_t i = 0; i < fresh[bias]->value.size(); ++i) EXPECT_EQ(0, fresh[bias]->value.data<float>()[i]);
    const auto other = load_reranker_to_train(golden / name, Dtype::kF32, 8);
    EXPECT_NE(fresh[0]->value.data<float>()[0], other.encoder->classifier()[0]->value.data<float>()[0]);
    const std::vector<float> first(fresh[2]->value.data<float>(), fresh[2]->value.data<float>() + 32);

    text_model(std::move(made.encoder), made.config)->save(directory_);
    WeightSource files(directory_);
    EXPECT_TRUE(files.contains(prefix + "embeddings.word_embeddings.weight"));
    EXPECT_TRUE(files.contains(classifier)) << "which has no prefix";
    EXPECT_TRUE(files.contains(prefix == "bert." ? "bert.pooler.dense.weight" : "classifier.dense.weight"));
    EXPECT_EQ(1, SentenceEncoder::load(directory_).num_labels());
    // What is one already goes on with its classifier, whatever the seed.
    const auto again = load_reranker_to_train(directory_, Dtype::kF32, 9);
    EXPECT_TRUE(std::equal(first.begin(), first.end(), again.encoder->classifier()[2]->value.data<float>()));
    EXPECT_EQ(files.config(), again.config);
  }
  EXPECT_THAT(error_of([&] { load_reranker_to_train(golden / "bert_classifier", Dtype::kF32, 1); }),
              HasSubstr("a classifier of 3 labels: expected one, a reranker's"));
}

// The dense layer behind BERT's first token comes with it, though the classifier does not.
TEST_F(SentenceEncoderTest, APoolerThatTheFilesHaveIsKept) {
  fs::copy("tests/golden/encoders/bert_classifier", directory_, fs::copy_options::recursive);
  Json config = read_json(directory_ / "config.json");
  config["architectures"] = {"BertModel"};
  write_json(directory_ / "config.json", config);
  const auto stored = load_encoder("tests/golden/encoders/bert_classifier", Dtype::kF32);
  const auto made = load_reranker_to_train(directory_, Dtype::kF32, 7);
  const Tensor before = stored->classifier()[0]->value, after = made.encoder->classifier()[0]->value;
  EXPECT_TRUE(std::equal(before.data<float>(), before.data<float>() + before.size(), after.data<float>()));
  EXPECT_EQ(1, made.encoder->classifier()[2]->value.rows());
}

TEST_F(SentenceEncoderTest, AdaptersOfEncodersAreOfTheirBlocks) {
  const auto count = [&](const std::vector<std::string>& modules) {
    const auto encoder = load_encoder_to_train("tests/golden/encoders/bert_classifier", Dtype::kF32);
    return Adapter(device_, *encoder, {.rank = 2, .target_modules = modules}, 1).size();
  };
  EXPECT_EQ(12u, count({"all-linear"})) << "six in each block, and no classifier";
  EXPECT_EQ(4u, count({"query", "value"}));
  EXPECT_EQ(6u, count({"dense"})) << "three of a block are called so";
  EXPECT_EQ(2u, count({"intermediate.dense"}));
  EXPECT_THAT(error_of([&] { count({"q_proj"}); }), HasSubstr("\"q_proj\": expected all-linear or some of: attention."
                                                              "output.dense attention.self.key"));
}

TEST_F(SentenceEncoderTest, DenseLayersCannotBeTrained) {
  fs::copy("tests/golden/encoders/bert_mean", directory_, fs::copy_options::recursive);
  EXPECT_EQ(Pooling::kMean, stored_pooling(directory_));
  int with_layers = 0;
  for (const fs::directory_entry& entry : fs::directory_iterator("tests/golden/encoders")) {
    if (!fs::exists(entry.path() / "modules.json") || !SentenceEncoder::load(entry.path()).has_dense_layers()) continue;
    ++with_layers;
    EXPECT_THAT(error_of([&] { stored_pooling(entry.path()); }), HasSubstr("Dense layers behind the pooling"));
  }
  EXPECT_GT(with_layers, 0);
}

}  // namespace
}  // namespace maru
