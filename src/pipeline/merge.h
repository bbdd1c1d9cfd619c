// The stage that makes an adapter's learning part of a model's weights.
#pragma once
#include "base/fields.h"
#include "pipeline/quantize.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct MergeConfig {
  std::string model, adapter, out, to, text;
  bool force = false;
  static constexpr auto fields() {
    using C = MergeConfig;
    return std::tuple{field("model", &C::model, "model by name or directory"),
                      field("adapter", &C::adapter, "PEFT adapter by name or directory: LoRA, rsLoRA or DoRA"),
                      field("to", &C::to,
                            "of a quantized model: what the merged one becomes; empty: int4 where the model has 4 bits "
                            "or fewer, else int8; bf16: it is quantized no more")
                          .one_of("|int4|int8|bf16"),
                      field("text", &C::text,
                            "of a quantized model: text, or dataset by name, to measure on; empty: what the adapter's "
                            "training held out"),
                      field("out", &C::out, "name of the new model, or a path with a '/'"),
                      field("force", &C::force, "replace what is there")};
  }
};

struct MergeResult {
  fs::path path;
  int64_t tensors = 0;  // that were changed
  std::string to;       // of a quantized model: what it became
  /// Of a quantized model, on a text: with the adapter beside it, and merged. Nothing: there was no text.
  std::optional<QuantizeCost> cost;
};

/// A quantized model is expanded, merged with and rounded again, and what that costs against the adapter beside it is
/// measured.
///
/// Throws   kExists for a place that is taken; what formats::LoraAdapter and merge_into_model throw.
MergeResult merge(const Workplace&, const MergeConfig&);

}  // namespace maru::pipeline
