// The configuration of a text encoder: BERT, and what differs from it. Field names are Hugging Face's.
#pragma once
#include <cstdint>
#include <string>

#include "base/fields.h"
#include "ops/activation.h"

namespace maru {

struct EncoderConfig {
  int64_t vocab_size = 0, hidden_size = 0, intermediate_size = 0, num_hidden_layers = 0, num_attention_heads = 0;
  int64_t max_position_embeddings = 512, type_vocab_size = 2;
  int64_t position_offset = 0;  // row of the position table that the first token reads (RoBERTa: padding_idx + 1)
  double layer_norm_eps = 1e-12;
  std::string hidden_act = "gelu";
  int64_t num_labels = 0;              // outputs of the classifier; 0: there is none
  std::string classifier_layout = "";  // where files keep the classifier: "pooler" (BERT) or "head" (RoBERTa)
  bool sigmoid_score = true;           // a reranker's score is the sigmoid of its logit, or the logit itself

  int64_t head_dim() const { return hidden_size / num_attention_heads; }
  /// The longest text, in tokens.
  int64_t max_tokens() const { return max_position_embeddings - position_offset; }
  Activation activation() const;

  static constexpr auto fields() {
    using C = EncoderConfig;
    return std::tuple{
        field("vocab_size", &C::vocab_size, "tokens in the vocabulary").range(1, 4 << 20),
        field("hidden_size", &C::hidden_size, "width of the residual stream").range(2, 65536),
        field("intermediate_size", &C::intermediate_size, "width inside the MLP").range(1, 1 << 20),
        field("num_hidden_layers", &C::num_hidden_layers, "number of blocks").range(1, 1024),
        field("num_attention_heads", &C::num_attention_heads, "heads").range(1, 1024),
        field("max_position_embeddings", &C::max_position_embeddings, "rows of the position table").range(1, 1 << 24),
        field("type_vocab_size", &C::type_vocab_size, "token types").range(1, 1 << 16),
        field("position_offset", &C::position_offset, "row of the position table that the first token reads")
            .range(0, 1 << 24),
        field("layer_norm_eps", &C::layer_norm_eps, "added to the variance in norms").range(0, 1),
        field("hidden_act", &C::hidden_act, "activation inside the MLP"),
        field("num_labels", &C::num_labels, "outputs of the classifier; 0: there is none").range(0, 1 << 20),
        field("classifier_layout", &C::classifier_layout, "where files keep the classifier").one_of("|pooler|head"),
        field("sigmoid_score", &C::sigmoid_score, "a reranker's score is the sigmoid of its logit")};
  }
};

/// Whether a config.json is that of a text encoder which this build knows.
bool is_encoder_config(const Json& json);

/// Hugging Face's config.json of a BERT, RoBERTa, XLM-RoBERTa or CamemBERT, plain or *ForSequenceClassification
/// (*ForMaskedLM: the encoder without its language-model head).
///
/// Throws   kUnimplemented for another architecture or a feature that would change the numbers, naming it;
///          kInvalidArgument for numbers that do not fit together.
EncoderConfig encoder_config_from_hugging_face(const Json& json, const std::string& where);

/// Numbers of the plain encoder.
int64_t count_parameters(const EncoderConfig& config);
/// Multiplications and additions of a token's forward and backward pass, in a text of `context` tokens.
double training_flops_per_token(const EncoderConfig& config, double context);

/// The same config.json of weights in another dtype: of the plain encoder, or as it was with its classifier.
Json encoder_config_to_hugging_face(Json config, const std::string& torch_dtype);

/// The config.json of a plain encoder with a score of its texts: the family's *ForSequenceClassification of one label.
Json reranker_config_to_hugging_face(Json config);

/// What stands before the names of the encoder's tensors in files with a classifier: "bert.".
std::string_view encoder_tensor_prefix(const Json& config);

}  // namespace maru
