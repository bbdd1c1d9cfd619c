#include "models/text_model.h"

#include "base/json_node.h"
#include "models/encoder_files.h"
#include "models/model_files.h"
#include "models/registry.h"
#include "models/weight_source.h"

namespace maru {
namespace {

class EncoderTexts final : public TextModel {
 public:
  EncoderTexts(std::unique_ptr<Encoder> encoder, Json config)
      : encoder_(std::move(encoder)), config_(std::move(config)) {}
  Model& model() override { return *encoder_; }
  TextLimits limits() const override { return limits_of(encoder_->config()); }
  int64_t hidden_size() const override { return encoder_->config().hidden_size; }
  Tensor forward(Context& ctx, const EncoderBatch& batch) override { return encoder_->forward(ctx, batch); }
  int64_t num_labels() const override { return encoder_->config().num_labels; }
  bool has_sigmoid() const override { return encoder_->config().sigmoid_score; }
  Tensor classify(Context& ctx, const EncoderBatch& batch) override {
    return encoder_->classify(ctx, encoder_->forward(ctx, batch), batch);
  }
  std::vector<Parameter*> classifier() override { return encoder_->classifier(); }
  void save(const fs::path& directory) override {
    fs::create_directories(directory);
    save_encoder(*encoder_, directory, num_labels() > 0 ? encoder_tensor_prefix(config_) : "");
    write_json(directory / "config.json", encoder_config_to_hugging_face(config_, torch_dtype_of(*encoder_)));
  }

 private:
  std::unique_ptr<Encoder> encoder_;
  const Json config_;
};

Batch batch_of(const EncoderBatch& batch) {
  return {.tokens = batch.tokens,
          .positions = batch.positions,
          .sequences = {},
          .cache = nullptr,
          .key_spans = batch.spans};
}

TextLimits limits_of_decoder(const DecoderConfig& c) {
  return {.vocab_size = c.vocab_size, .max_tokens = c.max_position_embeddings};
}

class DecoderTexts final : public TextModel {
 public:
  explicit DecoderTexts(Decoder& decoder) : decoder_(decoder) {}
  explicit DecoderTexts(std::unique_ptr<Decoder> decoder) : own_(std::move(decoder)), decoder_(*own_) {}
  Model& model() override { return decoder_; }
  TextLimits limits() const override { return limits_of_decoder(decoder_.config()); }
  int64_t hidden_size() const override { return decoder_.config().hidden_size; }
  Tensor forward(Context& ctx, const EncoderBatch& batch) override { return decoder_.forward(ctx, batch_of(batch)); }
  Tensor classify(Context&, const EncoderBatch&) override { CHECK(false); }
  void save(const fs::path& directory) override { decoder_.save(directory); }

 private:
  std::unique_ptr<Decoder> own_;
  Decoder& decoder_;
};

class ScorerTexts final : public TextModel {
 public:
  explicit ScorerTexts(RewardModel& scorer) : scorer_(scorer) {}
  explicit ScorerTexts(std::unique_ptr<RewardModel> scorer) : own_(std::move(scorer)), scorer_(*own_) {}
  Model& model() override { return scorer_; }
  TextLimits limits() const override { return limits_of_decoder(scorer_.decoder().config()); }
  int64_t hidden_size() const override { return scorer_.decoder().config().hidden_size; }
  Tensor forward(Context& ctx, const EncoderBatch& batch) override {
    return scorer_.decoder().forward(ctx, batch_of(batch));
  }
  int64_t num_labels() const override { return 1; }
  std::vector<Parameter*> classifier() override { return {&scorer_.score()}; }
  Tensor classify(Context& ctx, const EncoderBatch& batch) override { return scorer_.forward(ctx, batch_of(batch)); }
  void save(const fs::path& directory) override { scorer_.save(directory); }

 private:
  std::unique_ptr<RewardModel> own_;
  RewardModel& scorer_;
};

}  // namespace

std::unique_ptr<TextModel> text_model(std::unique_ptr<Encoder> encoder, Json config) {
  return std::make_unique<EncoderTexts>(std::move(encoder), std::move(config));
}
std::unique_ptr<TextModel> text_model(std::unique_ptr<Decoder> decoder) {
  return std::make_unique<DecoderTexts>(std::move(decoder));
}
std::unique_ptr<TextModel> text_model(Decoder& decoder) { return std::make_unique<DecoderTexts>(decoder); }
std::unique_ptr<TextModel> text_model(std::unique_ptr<RewardModel> model) {
  return std::make_unique<ScorerTexts>(std::move(model));
}

std::unique_ptr<TextModel> text_model(RewardModel& model) { return std::make_unique<ScorerTexts>(model); }

std::unique_ptr<TextModel> load_text_model(const fs::path& directory, std::optional<Dtype> dtype) {
  const StoredConfig stored = read_stored_config(directory);
  if (is_encoder_config(stored.json)) return text_model(load_encoder(directory, dtype), stored.json);
  if (is_scorer_config(stored.json)) return text_model(load_reward_model(directory, dtype));
  return text_model(load_model(directory, dtype));
}

}  // namespace maru
