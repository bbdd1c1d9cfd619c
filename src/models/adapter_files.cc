#include "models/adapter_files.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.h"
#include "formats/safetensors_writer.h"
#include "models/placement.h"
#include "models/weight_source.h"

namespace maru {
namespace {

constexpr std::string_view kAllLinear = "all-linear", kPrefix = "base_model.model.", kWeight = ".weight";

/// "model.layers.0.self_attn.q_proj.weight" -> "model.layers.0.self_attn.q_proj"
std::string module_of(const std::string& tensor) { return tensor.substr(0, tensor.size() - kWeight.size()); }
std::string last_part(const std::string& module) { return module.substr(module.rfind('.') + 1); }

bool is_linear(const Parameter& p) {
  return (p.role == ParameterRole::kMatrix || p.role == ParameterRole::kOutput) &&
         p.name.find(".experts.") == std::string::npos;
}

std::vector<float> floats_of(const Tensor& tensor) {
  const Tensor host = to_host(tensor);
  std::vector<float> values;
  values.reserve(static_cast<size_t>(host.size()));
  visit_dtype(host.dtype(), [&]<class T>() {
    CHECK((std::is_same_v<T, bfloat16> || std::is_same_v<T, float>));  // what models are trained in
    if constexpr (std::is_same_v<T, bfloat16> || std::is_same_v<T, float>)
      std::transform(host.data<T>(), host.data<T>() + host.size(), std::back_inserter(values),
                     [](T x) { return to_float(x); });
  });
  return values;
}

/// The update of one tensor of the files.
struct FileUpdate {
  int64_t rank = 0, in = 0, out = 0, parts = 0;
  std::vector<float> a, b;     // [rank, in], [out, rank]
  std::vector<float> lengths;  // [out]; empty: not of DoRA
};

/// Of the parameters that lie in one tensor, in the order of the model.
FileUpdate file_update(const Placement& placement, const WeightPlace& place, const std::vector<const Parameter*>& parts,
                       AdapterWeights& weights) {
  FileUpdate file;
  for (const Parameter* p : parts) file.rank += weights.update(*p)->a.value.rows();
  const StoredPart first = placement.part(parts[0]->name, place);
  file.in = first.shape.cols, file.out = first.total_rows, file.parts = static_cast<int64_t>(parts.size());
  file.b.resize(static_cast<size_t>(file.out * file.rank));
  int64_t before = 0;  // ranks
  for (const Parameter* p : parts) {
    LoraWeights& lora = *weights.update(*p);
    const StoredPart part = placement.part(p->name, place);
    const std::vector<float> a = floats_of(lora.a.value), b = floats_of(lora.b.value);
    const int64_t rank = lora.a.value.rows();
    file.a.insert(file.a.end(), a.begin(), a.end());
    for (int64_t r = 0; r < part.shape.rows; ++r)
      std::copy_n(b.begin() + r * rank, rank, file.b.begin() + part.row_of(r) * file.rank + before);
    before += rank;
    if (!lora.magnitude.value) continue;
    const std::vector<float> lengths = floats_of(lora.magnitude.value);
    file.lengths.resize(static_cast<size_t>(file.out));
    for (int64_t r = 0; r < part.shape.rows; ++r)
      file.lengths[static_cast<size_t>(part.row_of(r))] = lengths[static_cast<size_t>(r)];
  }
  return file;
}

Json config_of(const LoraConfig& config, const std::map<std::string, FileUpdate>& updates, const std::string& base,
               bool transposed) {
  std::set<std::string> targets;
  Json ranks = Json::object(), alphas = Json::object();
  for (const auto& [module, update] : updates) {
    targets.insert(last_part(module));
    if (update.parts == 1) continue;
    const auto n = static_cast<double>(update.parts);
    ranks[last_part(module)] = update.rank;
    alphas[last_part(module)] = config.alpha * (config.use_rslora ? std::sqrt(n) : n);  // the same scale at this rank
  }
  return {{"peft_type", "LORA"},
          {"task_type", "CAUSAL_LM"},
          {"base_model_name_or_path", base},
          {"inference_mode", true},
          {"init_lora_weights", true},
          {"r", config.rank},
          {"lora_alpha", config.alpha},
          {"lora_dropout", 0.0},
          {"use_rslora", config.use_rslora},
          {"use_dora", config.use_dora.value_or(false)},
          {"bias", "none"},
          {"fan_in_fan_out", transposed},
          {"target_modules", targets},
          {"rank_pattern", ranks},
          {"alpha_pattern", alphas}};
}

}  // namespace

namespace {

/// Those of the matrices whose names are asked for. `names_of`: ours, and the files'.
template <class NamesOf>
std::vector<const Parameter*> targets_among(const std::vector<const Parameter*>& matrices, const LoraConfig& config,
                                            const NamesOf& names_of) {
  std::vector<const Parameter*> targets;
  std::set<std::string> had;
  std::set<std::string> wanted(config.target_modules.begin(), config.target_modules.end());
  const bool all = wanted.erase(std::string(kAllLinear)) > 0;
  std::set<std::string> left = wanted;
  for (const Parameter* p : matrices) {
    const auto [ours, theirs] = names_of(*p);
    had.insert(theirs);
    if (all || wanted.contains(ours) || wanted.contains(theirs)) targets.push_back(p);
    left.erase(ours);
    left.erase(theirs);
  }
  if (!left.empty() || targets.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("lora.target_modules: {}: expected all-linear or some of: {}",
                              left.empty() ? "none" : "\"" + *left.begin() + "\"", fmt::join(had, " ")));
  return targets;
}

std::vector<const Parameter*> matrices_of(Model& model, std::string_view within) {
  std::vector<const Parameter*> matrices;
  for (const Parameter* p : model.parameters())
    if (is_linear(*p) && p->name.starts_with(within)) matrices.push_back(p);
  return matrices;
}

}  // namespace

std::vector<const Parameter*> lora_targets(Decoder& model, const LoraConfig& config) {
  const Placement placement(model);
  return targets_among(matrices_of(model, ""), config, [&](const Parameter& p) {
    return std::pair(last_part(module_of(p.name)), last_part(module_of(placement.place(p.name).tensor)));
  });
}

std::vector<const Parameter*> lora_targets(Encoder& model, const LoraConfig& config) {
  constexpr std::string_view kLayer = "encoder.layer.";
  return targets_among(matrices_of(model, kLayer), config, [&](const Parameter& p) {
    const std::string module = module_of(p.name);
    return std::pair(last_part(module), module.substr(module.find('.', kLayer.size()) + 1));
  });
}

std::vector<const Parameter*> saved_whole(Decoder& model, const LoraConfig& config) {
  const Placement placement(model);
  std::set<std::string> left(config.modules_to_save.begin(), config.modules_to_save.end());
  const std::set<std::string> wanted = left;
  std::vector<const Parameter*> saved;
  for (const Parameter* p : model.parameters()) {
    const std::string module = p->name.substr(0, p->name.rfind('.')), tensor = placement.place(p->name).tensor;
    if (module != "model.embed_tokens" && module != "lm_head") continue;
    const std::string ours = last_part(module), theirs = last_part(tensor.substr(0, tensor.rfind('.')));
    if (!wanted.contains(ours) && !wanted.contains(theirs)) continue;
    if (p->quantized)
      throw Failure(ErrorCode::kUnimplemented,
                    fmt::format("lora.modules_to_save: {}: is quantized, and cannot be trained whole", ours));
    left.erase(ours), left.erase(theirs);
    saved.push_back(p);
  }
  if (!left.empty())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("lora.modules_to_save: \"{}\": expected embed_tokens or lm_head", *left.begin()));
  return saved;
}

namespace {

/// A tensor of the files that an adapter has whole.
struct WholeTensor {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

std::vector<WholeTensor> whole_tensors(Decoder& model, Adapter& adapter, const Parameter* score) {
  const Placement placement(model);
  std::vector<WholeTensor> all;
  for (const Parameter* p : model.parameters()) {
    const Parameter* const own = adapter.weights().replacement(*p);
    if (own == nullptr) continue;
    const WeightPlace place = placement.place(p->name);
    CHECK(place.layout != WeightLayout::kTransposed);
    all.push_back({place.tensor, stored_shape(placement.part(p->name, place), p->role), floats_of(own->value)});
  }
  if (score != nullptr) all.push_back({score->name, {score->shape.rows, score->shape.cols}, floats_of(score->value)});
  return all;
}

}  // namespace

void save_adapter(Decoder& model, Adapter& adapter, const LoraConfig& config, const std::string& base,
                  const fs::path& directory, const Parameter* score) {
  const Placement placement(model);
  std::map<std::string, std::vector<const Parameter*>> tensors;
  for (const Parameter* p : model.parameters())
    if (adapter.weights().update(*p) != nullptr) tensors[placement.place(p->name).tensor].push_back(p);
  std::map<std::string, FileUpdate> updates;
  bool transposed = false;
  for (const auto& [tensor, parts] : tensors) {
    const WeightPlace place = placement.place(parts[0]->name);
    transposed |= place.layout == WeightLayout::kTransposed;
    updates[module_of(tensor)] = file_update(placement, place, parts, adapter.weights());
  }
  fs::create_directories(directory);
  Json json = config_of(config, updates, base, transposed);
  if (score != nullptr) json["task_type"] = "SEQ_CLS";
  const std::vector<WholeTensor> whole = whole_tensors(model, adapter, score);
  std::set<std::string> modules;
  for (const WholeTensor& tensor : whole) modules.insert(last_part(tensor.name.substr(0, tensor.name.rfind('.'))));
  if (!modules.empty()) json["modules_to_save"] = modules;
  write_json(directory / "adapter_config.json", json);
  formats::SafetensorsWriter writer(directory / "adapter_model.safetensors");
  for (const auto& [module, u] : updates) {
    writer.declare(std::string(kPrefix) + module + ".lora_A.weight", "F32", {u.rank, u.in});
    writer.declare(std::string(kPrefix) + module + ".lora_B.weight", "F32", {u.out, u.rank});
    if (!u.lengths.empty()) writer.declare(std::string(kPrefix) + module + ".lora_magnitude_vector", "F32", {u.out});
  }
  for (const WholeTensor& tensor : whole) writer.declare(std::string(kPrefix) + tensor.name, "F32", tensor.shape);
  for (const auto& [module, u] : updates) {
    writer.write(std::as_bytes(std::span(u.a)));
    writer.write(std::as_bytes(std::span(u.b)));
    if (!u.lengths.empty()) writer.write(std::as_bytes(std::span(u.lengths)));
  }
  for (const WholeTensor& tensor : whole) writer.write(std::as_bytes(std::span(tensor.values)));
  writer.commit();
}

}  // namespace maru
