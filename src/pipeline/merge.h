// The stage that makes an adapter's learning part of a model's weights.
#pragma once
#include "base/fields.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

struct MergeConfig {
  std::string model, adapter, out;
  bool force = false;
  static constexpr auto fields() {
    using C = MergeConfig;
    return std::tuple{field("model", &C::model, "model by name or directory"),
                      field("adapter", &C::adapter, "PEFT adapter by name or directory: LoRA, rsLoRA or DoRA"),
                      field("out", &C::out, "name of the new model, or a path with a '/'"),
                      field("force", &C::force, "replace what is there")};
  }
};

struct MergeResult {
  fs::path path;
  int64_t tensors = 0;  // that were changed
};

/// Throws   kExists for a place that is taken; what formats::LoraAdapter and merge_into_model throw.
MergeResult merge(const Workplace&, const MergeConfig&);

}  // namespace maru::pipeline
