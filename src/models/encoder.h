// The text encoder: BERT, and what differs from it by configuration. Bidirectional, post-norm, absolute positions.
#pragma once
#include <span>
#include <vector>

#include "models/encoder_config.h"
#include "models/model.h"
#include "nn/layers.h"
#include "ops/attention.h"
#include "ops/pooling.h"

namespace maru {

/// Packed texts: rows of all of them end to end.
struct EncoderBatch {
  Tensor tokens, positions, types;  // i32 [num_tokens, 1]
  KeySpans spans;                   // one per text
};

/// What of texts a model reads.
struct TextLimits {
  int64_t vocab_size = 0, max_tokens = 0;
  int64_t type_vocab_size = 0;  // 0: it knows no types, and looks at none
  int64_t position_offset = 0;  // position of the first token
};
TextLimits limits_of(const EncoderConfig& config);

/// Builds a batch on the host, where its arrays are reused from batch to batch.
class EncoderBatchBuilder {
 public:
  explicit EncoderBatchBuilder(const TextLimits& limits) : limits_(limits) {}
  explicit EncoderBatchBuilder(const EncoderConfig& config) : EncoderBatchBuilder(limits_of(config)) {}
  void clear();
  /// Appends a text. `types` empty: all 0.
  ///
  /// Throws   kInvalidArgument when it is empty or longer than max_tokens, or an id or type is out of range.
  void add(std::span<const int32_t> tokens, std::span<const int32_t> types = {});
  int64_t num_tokens() const { return static_cast<int64_t>(tokens_.size()); }
  bool empty() const { return tokens_.empty(); }
  /// Uploads it for one step.
  EncoderBatch batch(Context&) const;

 private:
  TextLimits limits_;
  std::vector<int32_t> tokens_, positions_, types_;
  std::vector<KeySpan> spans_;
};

struct EncoderBlock {
  AttentionOptions options;
  Activation activation;
  Linear query, key, value, attention_output, intermediate, output;
  LayerNorm attention_norm, output_norm;

  explicit EncoderBlock(const EncoderConfig&);
  Tensor forward(Context&, const Tensor& x, const KeySpans&);
  void visit(const std::string& prefix, const Visitor&);
};

/// Weights come from a visitor (see encoder_files.h). Thread-compatible: forward only reads.
class Encoder final : public Model {
 public:
  /// `dtype` is that of weights and activations.
  Encoder(const EncoderConfig& config, Dtype dtype);

  /// The last block's output, [num_tokens, hidden_size].
  Tensor forward(Context&, const EncoderBatch&);
  /// The classifier's outputs, [num_texts, num_labels]: of the first token, through a dense layer with tanh.
  Tensor classify(Context&, const Tensor& hidden, const EncoderBatch&);
  /// Those of the classifier, which no plain encoder has.
  std::vector<Parameter*> classifier();
  const EncoderConfig& config() const { return config_; }

 private:
  /// Names are those of Hugging Face's plain encoder classes, without "bert." or "roberta.".
  void visit(const Visitor&) override;
  EncoderConfig config_;
  Parameter words_, positions_, types_;
  LayerNorm norm_;
  std::vector<EncoderBlock> blocks_;
  Linear dense_, classifier_;
};

}  // namespace maru
