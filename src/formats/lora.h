// PEFT's LoRA adapters (adapter_config.json and adapter_model.safetensors): plain, rank-stabilised (rsLoRA) and
// weight-decomposed (DoRA). Merging adds what an adapter has learnt to the weights. Immutable, thread-safe.
#pragma once
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/name_pattern.h"
#include "formats/weight_files.h"

namespace maru::formats {

/// What an adapter adds to one tensor: scale · b · a, and DoRA's lengths of the rows of the sum.
struct LoraUpdate {
  const StoredTensor *a = nullptr, *b = nullptr, *magnitude = nullptr;  // magnitude is null without DoRA
  bool embedding = false;  // a is [rank, tokens] and b [dim, rank], of a token table
  double scale = 1;
  int64_t rank() const { return a->shape[0]; }
};

class LoraAdapter {
 public:
  /// Throws   kNotFound when a file is missing; kDataLoss when tensors do not fit each other; kUnimplemented for
  ///          features that would change the result (lora_bias, PiSSA's weights, other PEFT methods), naming them.
  explicit LoraAdapter(const fs::path& directory);
  LoraAdapter(const LoraAdapter&) = delete;

  /// Names of the model's tensors that it changes or replaces, sorted.
  std::vector<std::string> targets() const;
  bool changes(const std::string& name) const { return updates_.contains(name) || replaced_.contains(name); }
  /// What it adds to a tensor, or puts in its place; null: nothing.
  const LoraUpdate* update(const std::string& name) const;
  const StoredTensor* replacement(const std::string& name) const;
  /// What stands before errors about it: its directory.
  const std::string& where() const { return where_; }
  /// rsLoRA scales by the root of the rank.
  bool rank_stabilised() const { return rank_stabilised_; }
  /// What the adapter says of the layout of the matrices that it was made for. PEFT writes what its user said, right or
  /// wrong, and computes by the model's own layout: so do we.
  bool fan_in_fan_out() const { return fan_in_fan_out_; }

  /// The merged tensor in place of the model's. `transposed`: the model's matrix is a Conv1D's.
  ///
  /// Shapes   weight: [rows, cols], a Linear's [out, in], a Conv1D's [in, out], or an Embedding's [tokens, dim].
  /// Throws   kDataLoss when the adapter was made for another shape.
  /// Source   LoRA: Hu et al. 2021, arXiv:2106.09685, §4.1; rsLoRA: Kalajdzievski 2023, arXiv:2312.03732, eq. 3;
  ///          DoRA: Liu et al. 2024, arXiv:2402.09353, eq. 5.
  void merge(const std::string& name, int64_t rows, int64_t cols, bool transposed, std::vector<float>& weight) const;

 private:
  struct AlphaPattern {
    NamePattern modules;
    double alpha;
  };
  void read_alphas(const JsonNode& pattern);
  void add(const StoredTensor& tensor);
  void check(const std::string& name, const LoraUpdate& update) const;
  double scale_of(const std::string& module, int64_t rank) const;
  void apply(const LoraUpdate& update, int64_t rows, int64_t cols, std::vector<float>& weight) const;

  std::string where_;
  WeightFiles files_;
  bool rank_stabilised_, fan_in_fan_out_;
  double alpha_;
  std::vector<AlphaPattern> alphas_;  // for some modules; the first that names one counts
  std::map<std::string, LoraUpdate> updates_;
  std::map<std::string, const StoredTensor*> replaced_;
};

/// Writes config.json and model.safetensors of the merged model into the directory `out`, which exists; the stored
/// dtype of the model's most common one. Tensors go by the adapter's names for them, or by these without the base
/// model's in front. `transposed` says which of the model's matrices are [in, out]; `progress` gets the number of
/// elements written.
void merge_adapter(const fs::path& model, const LoraAdapter& adapter, const fs::path& out,
                   const std::function<bool(const std::string& tensor)>& transposed,
                   const std::function<void(uint64_t)>& progress = {});

}  // namespace maru::formats
