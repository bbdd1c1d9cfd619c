// A model that reads texts whole, packed end to end: an encoder, or a decoder in place of one. What makes one vector or
// one score of each text of them (sentence_encoder.h), trains them and serves them knows no other.
#pragma once
#include <memory>

#include "models/encoder.h"
#include "models/reward_model.h"

namespace maru {

class TextModel {
 public:
  virtual ~TextModel() = default;
  /// Its parameters.
  virtual Model& model() = 0;
  virtual TextLimits limits() const = 0;
  virtual int64_t hidden_size() const = 0;
  /// Vectors of tokens, [num_tokens, hidden_size].
  virtual Tensor forward(Context&, const EncoderBatch&) = 0;
  /// Outputs of the classifier; 0: there is none.
  virtual int64_t num_labels() const { return 0; }
  /// A reranker's score is the sigmoid of its only output.
  virtual bool has_sigmoid() const { return true; }
  /// Its parameters, which are the classifier's alone.
  virtual std::vector<Parameter*> classifier() { return {}; }
  /// The classifier's outputs, [num_texts, num_labels].
  virtual Tensor classify(Context&, const EncoderBatch&) = 0;
  /// Writes a directory that transformers' AutoModel, or AutoModelForSequenceClassification, reads.
  virtual void save(const fs::path& directory) = 0;
};

/// `config`: what config.json says, which is written again with the weights.
std::unique_ptr<TextModel> text_model(std::unique_ptr<Encoder> encoder, Json config);
/// Its residual stream behind the last norm; attention is causal as ever.
std::unique_ptr<TextModel> text_model(std::unique_ptr<Decoder> decoder);
/// The same around one of somebody else's, which must outlive it.
std::unique_ptr<TextModel> text_model(Decoder& decoder);
/// Whose score is its only output.
std::unique_ptr<TextModel> text_model(std::unique_ptr<RewardModel> model);
/// The same around one of somebody else's, which must outlive it.
std::unique_ptr<TextModel> text_model(RewardModel& model);

/// What lies in a directory of Hugging Face's, by its config.json.
///
/// Throws   what load_encoder, load_model and load_reward_model throw.
std::unique_ptr<TextModel> load_text_model(const fs::path& directory, std::optional<Dtype> dtype);

}  // namespace maru
