// A text encoder with what turns its token vectors into one vector per text, as sentence-transformers stores it:
// modules.json, 1_Pooling/config.json, dense layers, 2_Normalize, sentence_bert_config.json and prompts.
#pragma once
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/encoder.h"

namespace maru {

/// A dense layer after pooling.
struct SentenceDense {
  Linear linear;
  std::optional<Activation> activation;  // none: the identity
};

class SentenceEncoder {
 public:
  /// A directory of sentence-transformers' or a plain one of an encoder, which is pooled by the mean and not
  /// normalised, as sentence-transformers would. `dtype` empty: the one config.json names.
  ///
  /// Throws   kNotFound, kDataLoss, kInvalidArgument or kUnimplemented, naming the file and what was expected.
  static SentenceEncoder load(const fs::path& directory, std::optional<Dtype> dtype = {});

  /// Takes the weights, which are read on the host, to where they are computed with.
  void place(Device&);
  /// One vector per text before normalisation, [num_texts, dimension].
  Tensor embed(Context&, const EncoderBatch&);
  /// The classifier's outputs, [num_texts, num_labels].
  Tensor classify(Context&, const EncoderBatch&);

  const EncoderConfig& config() const { return encoder_->config(); }
  Encoder& encoder() { return *encoder_; }
  bool is_classifier() const { return config().num_labels > 0; }
  int64_t dimension() const { return dense_.empty() ? config().hidden_size : dense_.back().linear.out; }
  /// The longest text, in tokens with special ones: longer ones are cut.
  int64_t max_tokens() const { return max_tokens_; }
  /// What is put before a text, by name ("query"); the name used when none is given, or "".
  const std::map<std::string, std::string>& prompts() const { return prompts_; }
  const std::string& default_prompt() const { return default_prompt_; }

  Pooling pooling = Pooling::kMean;
  bool normalize = false;  // vectors are divided by their length

 private:
  void read_modules(const fs::path& directory);
  void read_module(const fs::path& directory, const std::string& type, const JsonNode& module);
  void read_pooling(const fs::path& directory);
  void read_dense(const fs::path& directory);
  void read_limits(const fs::path& directory);
  void read_prompts(const fs::path& directory);
  std::unique_ptr<Encoder> encoder_;
  std::vector<SentenceDense> dense_;
  int64_t max_tokens_ = 0;
  std::map<std::string, std::string> prompts_;
  std::string default_prompt_;
};

}  // namespace maru
