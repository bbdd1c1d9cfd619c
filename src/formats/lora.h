// PEFT's LoRA adapters (adapter_config.json and adapter_model.safetensors): plain, rank-stabilised (rsLoRA) and
// weight-decomposed (DoRA). Merging adds what an adapter has learnt to the weights. Immutable, thread-safe.
#pragma once
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/weight_files.h"

namespace maru::formats {

class LoraAdapter {
 public:
  /// Throws   kNotFound when a file is missing; kDataLoss when tensors do not fit each other; kUnimplemented for
  ///          features that would change the result (fan_in_fan_out, lora_bias, other PEFT methods), naming them.
  explicit LoraAdapter(const fs::path& directory);
  LoraAdapter(const LoraAdapter&) = delete;

  /// Names of the model's tensors that it changes or replaces, sorted.
  std::vector<std::string> targets() const;
  bool changes(const std::string& name) const { return updates_.contains(name) || replaced_.contains(name); }
  /// The merged tensor in place of the model's.
  ///
  /// Shapes   weight: [rows, cols], a Linear's [out, in] or an Embedding's [tokens, dim].
  /// Throws   kDataLoss when the adapter was made for another shape.
  /// Source   LoRA: Hu et al. 2021, arXiv:2106.09685, §4.1; rsLoRA: Kalajdzievski 2023, arXiv:2312.03732, eq. 3;
  ///          DoRA: Liu et al. 2024, arXiv:2402.09353, eq. 5.
  void merge(const std::string& name, int64_t rows, int64_t cols, std::vector<float>& weight) const;

 private:
  struct Update {
    const StoredTensor *a = nullptr, *b = nullptr, *magnitude = nullptr;
    bool embedding = false;
    double scale = 1;
  };
  void add(const Json& config, const StoredTensor& tensor);
  void check(const std::string& name, const Update& update) const;
  double scale_of(const Json& config, const std::string& module, int64_t rank) const;

  std::string where_;
  WeightFiles files_;
  std::map<std::string, Update> updates_;
  std::map<std::string, const StoredTensor*> replaced_;
};

/// Writes config.json and model.safetensors of the merged model into the directory `out`, which exists; the stored
/// dtype of the model's most common one. `progress` gets the number of elements written.
void merge_adapter(const fs::path& model, const LoraAdapter& adapter, const fs::path& out,
                   const std::function<void(uint64_t)>& progress = {});

}  // namespace maru::formats
