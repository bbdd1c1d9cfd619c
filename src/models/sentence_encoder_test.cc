// Decoders as sentence encoders: how they are stored and read again, what makes one, what is refused.
#include "models/sentence_encoder.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "base/json.h"
#include "models/model_files.h"
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
