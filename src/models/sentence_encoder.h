// A model of texts with what turns its token vectors into one vector per text, as sentence-transformers stores it:
// modules.json, 1_Pooling/config.json, dense layers, 2_Normalize, sentence_bert_config.json and prompts. Decoders are
// stored so, too (Qwen3-Embedding is one), and those that score texts are rerankers.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/text_model.h"

namespace maru {

/// What sentence-transformers calls a pooling: "mean", "cls" or "lasttoken".
std::string_view name_of(Pooling pooling);

/// How vectors of tokens are pooled where sentence-transformers has stored it, and nothing else is done to them but to
/// divide them by their length; nothing: it has stored nothing.
///
/// Throws   kUnimplemented for other modules; what SentenceEncoder::load throws of these files.
std::optional<Pooling> stored_pooling(const fs::path& directory);

/// Whether a directory is a model that makes vectors or scores of texts: an encoder, what sentence-transformers has
/// stored, or a decoder with a score.
bool is_sentence_encoder(const fs::path& directory);

/// A dense layer after pooling.
struct SentenceDense {
  Linear linear;
  std::optional<Activation> activation;  // none: the identity
};

class SentenceEncoder {
 public:
  /// A directory of sentence-transformers' or a plain one of an encoder, which is pooled by the mean and not
  /// normalised, as sentence-transformers would; or one of a decoder with a score. `dtype` empty: the one config.json
  /// names.
  ///
  /// Throws   kNotFound, kDataLoss, kInvalidArgument or kUnimplemented, naming the file and what was expected.
  static SentenceEncoder load(const fs::path& directory, std::optional<Dtype> dtype = {});

  /// Around a model that is trained: vectors are normalised.
  SentenceEncoder(std::unique_ptr<TextModel> texts, Pooling pooling, int64_t max_tokens);
  /// Writes it as sentence-transformers does. CHECKs that there are no dense layers.
  void save(const fs::path& directory);

  /// Takes the weights, which are read on the host, to where they are computed with.
  void place(Device&);
  /// One vector per text before normalisation, [num_texts, dimension].
  Tensor embed(Context&, const EncoderBatch&);
  /// The classifier's outputs, [num_texts, num_labels].
  Tensor classify(Context&, const EncoderBatch&);

  Model& model() { return texts_->model(); }
  TextLimits limits() const { return texts_->limits(); }
  int64_t num_labels() const { return texts_->num_labels(); }
  bool has_sigmoid() const { return texts_->has_sigmoid(); }
  bool is_classifier() const { return num_labels() > 0; }
  bool has_dense_layers() const { return !dense_.empty(); }
  int64_t dimension() const { return dense_.empty() ? texts_->hidden_size() : dense_.back().linear.out; }
  /// The longest text, in tokens with special ones: longer ones are cut.
  int64_t max_tokens() const { return max_tokens_; }
  /// What is put before a text, by name ("query"); the name used when none is given, or "".
  const std::map<std::string, std::string>& prompts() const { return prompts_; }
  const std::string& default_prompt() const { return default_prompt_; }
  /// The vectors of tokens that they are made of, [num_tokens, hidden_size].
  Tensor forward(Context& ctx, const EncoderBatch& batch) { return texts_->forward(ctx, batch); }

  Pooling pooling = Pooling::kMean;
  bool normalize = false;  // vectors are divided by their length

 private:
  SentenceEncoder() = default;
  void read_modules(const fs::path& directory);
  void read_module(const fs::path& directory, const std::string& type, const JsonNode& module);
  void read_pooling(const fs::path& directory);
  void read_dense(const fs::path& directory);
  void read_limits(const fs::path& directory);
  void read_prompts(const fs::path& directory);
  std::unique_ptr<TextModel> texts_;
  std::vector<SentenceDense> dense_;
  int64_t max_tokens_ = 0;
  std::map<std::string, std::string> prompts_;
  std::string default_prompt_;
};

}  // namespace maru
