// What is known of a family of text encoders beside BERT's common parts, as data: families/bert.cc.
#pragma once
#include <cstdint>
#include <span>
#include <string_view>

namespace maru {

struct EncoderFamily {
  std::string_view class_prefix;       // of Hugging Face's classes: "Bert" of BertModel
  std::string_view tensor_prefix;      // of tensors in files of a whole model, e.g. with a classifier
  bool positions_after_padding;        // the first token's position is pad_token_id + 1
  std::string_view classifier_layout;  // see EncoderConfig
  double layer_norm_eps;               // that transformers assumes
  int64_t pad_token_id;
};

std::span<const EncoderFamily> encoder_families();

}  // namespace maru
