// BERT, and RoBERTa with those that are made like it.
#include "models/encoder_family.h"

namespace maru {

std::span<const EncoderFamily> encoder_families() {
  static constexpr EncoderFamily kAll[] = {{.class_prefix = "Bert",
                                            .tensor_prefix = "bert.",
                                            .positions_after_padding = false,
                                            .classifier_layout = "pooler",
                                            .layer_norm_eps = 1e-12,
                                            .pad_token_id = 0},
                                           {.class_prefix = "Roberta",
                                            .tensor_prefix = "roberta.",
                                            .positions_after_padding = true,
                                            .classifier_layout = "head",
                                            .layer_norm_eps = 1e-12,
                                            .pad_token_id = 1},
                                           {.class_prefix = "XLMRoberta",
                                            .tensor_prefix = "roberta.",
                                            .positions_after_padding = true,
                                            .classifier_layout = "head",
                                            .layer_norm_eps = 1e-12,
                                            .pad_token_id = 1},
                                           {.class_prefix = "Camembert",
                                            .tensor_prefix = "roberta.",
                                            .positions_after_padding = true,
                                            .classifier_layout = "head",
                                            .layer_norm_eps = 1e-12,
                                            .pad_token_id = 1}};
  return kAll;
}

}  // namespace maru
