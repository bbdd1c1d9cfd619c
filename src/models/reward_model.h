// A decoder with a score in the place of its head: how good the text of a sequence is, by its last token. The stored
// form is Hugging Face's …ForSequenceClassification with one label.
#pragma once
#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "models/decoder.h"
#include "ops/step_memory.h"

namespace maru {

class RewardModel final : public Model {
 public:
  /// Around a decoder without a head of its own (tie_word_embeddings), or one that stays as it is.
  explicit RewardModel(Decoder& decoder);
  explicit RewardModel(std::unique_ptr<Decoder> decoder);

  /// Of each sequence of the batch, [sequences, 1] in the accumulator type.
  Tensor forward(Context&, const Batch&);
  /// Numbers for a score that has learnt nothing: normal(0, initializer_range), by the seed alone. On the host.
  void initialise_score(uint64_t seed);
  void place_tables(Device& device) override { decoder_.place_tables(device); }
  /// As a model directory that transformers' AutoModelForSequenceClassification reads.
  ///
  /// Throws   kUnimplemented for a family that has no such class there.
  void save(const fs::path& directory) override;
  /// Of what save wrote. Throws   as load_reward_model.
  void load(const fs::path& directory) override;

  Decoder& decoder() { return decoder_; }
  Parameter& score() { return score_; }
  /// What transformers takes for padding; none: it scores one text at a time. Not a token that texts end with: it would
  /// look for the score before it.
  std::optional<int64_t> pad_token_id;

 private:
  void visit(const Visitor&) override;
  std::unique_ptr<Decoder> own_;
  Decoder& decoder_;
  Parameter score_;
};

/// Throws   as load_model; kUnimplemented for other classes, and for several labels.
std::unique_ptr<RewardModel> load_reward_model(const fs::path& directory, std::optional<Dtype> dtype = {});

/// Throws   kUnimplemented when the family of the configuration has no class with a score.
Json reward_config_to_hugging_face(const DecoderConfig& config, const std::string& torch_dtype);

/// The score of each sequence, several of them at once while they have `most_tokens` together. A sequence's score does
/// not depend on the others.
///
/// Throws   kInvalidArgument naming a sequence that is empty, longer than max_position_embeddings or of other tokens.
std::vector<double> scores_of(StepMemory&, RewardModel&, std::span<const std::vector<int32_t>> sequences,
                              int64_t most_tokens = 8192);

}  // namespace maru
