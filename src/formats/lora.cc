#include "formats/lora.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/json_node.h"
#include "formats/block_quant.h"
#include "formats/convert.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

constexpr std::string_view kPrefix = "base_model.model.";

fs::path weights_of(const fs::path& directory) {
  const fs::path file = directory / "adapter_model.safetensors";
  if (fs::exists(file)) return file;
  if (fs::exists(directory / "adapter_model.bin"))
    throw Failure(ErrorCode::kUnimplemented, (directory / "adapter_model.bin").string() +
                                                 ": reading a pickle runs whatever code is in it; convert it to "
                                                 "safetensors first");
  throw Failure(ErrorCode::kNotFound, file.string() + ": no such file; expected a PEFT adapter's directory");
}

bool is_set(const Json& value) {
  if (value.is_null()) return false;
  return value.is_boolean() ? value.get<bool>() : !value.is_structured() || !value.empty();
}

// Ways to start that take something out of the base model's weights: without that the adapter adds to the wrong ones.
// (PEFT can save such adapters as plain ones, and then says true here.)
bool changes_base(const std::string& init) {
  constexpr std::string_view kWays[] = {"pissa", "corda", "olora", "loftq", "lora_ga"};
  return std::any_of(std::begin(kWays), std::end(kWays), [&](std::string_view way) { return init.starts_with(way); });
}

// What is computed, and what changes nothing once an adapter is trained: where it came from, how it was trained, and
// settings of features that have a switch of their own. Every other key would change the numbers if it were ignored.
bool is_known(std::string_view key) {
  constexpr std::string_view kComputed[] = {"peft_type",        "r",        "lora_alpha",    "fan_in_fan_out",
                                            "use_rslora",       "use_dora", "alpha_pattern", "rank_pattern",
                                            "init_lora_weights"};
  constexpr std::string_view kShownByTensors[] = {"target_modules", "exclude_modules", "layers_to_transform",
                                                  "layers_pattern", "modules_to_save", "bias"};
  constexpr std::string_view kOfTraining[] = {
      "task_type",     "auto_mapping",      "peft_version",   "base_model_name_or_path",
      "revision",      "inference_mode",    "lora_dropout",   "megatron_core",
      "loftq_config",  "eva_config",        "corda_config",   "lora_ga_config",
      "velora_config", "qalora_group_size", "runtime_config", "merge_weights",
      "unsloth_fixed"};
  const auto in = [&](const auto& list) { return std::find(std::begin(list), std::end(list), key) != std::end(list); };
  return in(kComputed) || in(kShownByTensors) || in(kOfTraining);
}

// Features that would change the numbers if they were ignored.
void refuse_unsupported(const JsonNode& config) {
  if (const std::string type = config["peft_type"].string(""); type != "LORA")
    config.unsupported("peft_type \"" + type + "\"");
  for (const auto& [key, value] : config.json().items())
    if (!is_known(key) && is_set(value)) config.unsupported(key);
  const JsonNode init = config["init_lora_weights"];
  if (init.is_string() && changes_base(init.string())) config.unsupported("init_lora_weights " + init.json().dump());
}

// weight += scale · left [rows, rank] · right [rank, cols]
void add_product(std::vector<float>& weight, int64_t rows, int64_t cols, int64_t rank, double scale,
                 const std::vector<float>& left, const std::vector<float>& right) {
  std::vector<double> row(static_cast<size_t>(cols));
  for (int64_t r = 0; r < rows; ++r) {
    std::fill(row.begin(), row.end(), 0.0);
    for (int64_t k = 0; k < rank; ++k) {
      const double factor = left[static_cast<size_t>(r * rank + k)];
      for (int64_t c = 0; c < cols; ++c)
        row[static_cast<size_t>(c)] += factor * right[static_cast<size_t>(k * cols + c)];
    }
    for (int64_t c = 0; c < cols; ++c) {
      float& w = weight[static_cast<size_t>(r * cols + c)];
      w = static_cast<float>(w + scale * row[static_cast<size_t>(c)]);
    }
  }
}

// Every row gets the learnt length.
void set_row_lengths(std::vector<float>& weight, int64_t rows, int64_t cols, const std::vector<float>& lengths) {
  for (int64_t r = 0; r < rows; ++r) {
    float* row = weight.data() + r * cols;
    double squares = 0;
    for (int64_t c = 0; c < cols; ++c) squares += double{row[c]} * row[c];
    const double factor = lengths[static_cast<size_t>(r)] / std::sqrt(squares);
    for (int64_t c = 0; c < cols; ++c) row[c] = static_cast<float>(row[c] * factor);
  }
}

std::vector<float> transposed(const std::vector<float>& m, int64_t rows, int64_t cols) {
  std::vector<float> t(m.size());
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < cols; ++c) t[static_cast<size_t>(c * rows + r)] = m[static_cast<size_t>(r * cols + c)];
  return t;
}

}  // namespace

LoraAdapter::LoraAdapter(const fs::path& directory) : where_(directory.string()), files_(weights_of(directory)) {
  const JsonFile config(directory / "adapter_config.json");
  refuse_unsupported(config.root());
  rank_stabilised_ = config["use_rslora"].boolean(false);
  fan_in_fan_out_ = config["fan_in_fan_out"].boolean(false);
  alpha_ = config["lora_alpha"].number(8);
  if (const JsonNode pattern = config["alpha_pattern"]; !pattern.is_null()) read_alphas(pattern);
  for (const StoredTensor& tensor : files_.tensors()) add(tensor);
  for (const auto& [name, update] : updates_) check(name, update);
}

void LoraAdapter::read_alphas(const JsonNode& pattern) {
  for (const auto& [modules, alpha] : pattern.members())
    alphas_.push_back({NamePattern::compile(modules, pattern.where()).value(), alpha.number()});
}

// rank_pattern says what the tensors show: their rank.
double LoraAdapter::scale_of(const std::string& module, int64_t rank) const {
  const auto named =
      std::find_if(alphas_.begin(), alphas_.end(), [&](const AlphaPattern& p) { return p.modules.names(module); });
  const auto r = static_cast<double>(rank);
  return (named != alphas_.end() ? named->alpha : alpha_) / (rank_stabilised_ ? std::sqrt(r) : r);
}

// "base_model.model.MODULE.lora_A.weight" and its kin; anything else under the prefix replaces the model's tensor.
void LoraAdapter::add(const StoredTensor& tensor) {
  if (!tensor.name.starts_with(kPrefix))
    throw Failure(ErrorCode::kUnimplemented,
                  where_ + ": tensor " + tensor.name + ": expected a name that begins with " + std::string(kPrefix));
  std::string name = tensor.name.substr(kPrefix.size());
  if (const size_t base = name.rfind(".base_layer."); base != std::string::npos)
    name.erase(base, std::string_view(".base_layer").size());  // a trained embedding's own table
  const size_t at = name.rfind(".lora_");
  if (at == std::string::npos) {
    replaced_[name] = &tensor;
    return;
  }
  const std::string module = name.substr(0, at), part = name.substr(at + 1);
  LoraUpdate& update = updates_[module + ".weight"];
  if (part == "lora_A.weight" || part == "lora_embedding_A") {
    update.a = &tensor;
    update.embedding = part == "lora_embedding_A";
    update.scale = scale_of(module, tensor.shape.empty() ? 1 : std::max<int64_t>(1, tensor.shape[0]));
  } else if (part == "lora_B.weight" || part == "lora_embedding_B") {
    update.b = &tensor;
  } else if (part == "lora_magnitude_vector" || part == "lora_magnitude_vector.weight") {
    update.magnitude = &tensor;
  } else {
    throw Failure(ErrorCode::kUnimplemented, where_ + ": tensor " + tensor.name + " is of no known kind");
  }
}

void LoraAdapter::check(const std::string& name, const LoraUpdate& u) const {
  if (u.a == nullptr || u.b == nullptr)
    throw Failure(ErrorCode::kDataLoss, where_ + ": " + name + ": lora_A or lora_B is missing");
  if (u.a->shape.size() != 2 || u.b->shape.size() != 2 || u.a->shape[0] != u.b->shape[1] || u.rank() == 0)
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: {}: lora_A is [{}] and lora_B [{}], expected matrices that share a rank", where_,
                              name, fmt::join(u.a->shape, ", "), fmt::join(u.b->shape, ", ")));
  if (u.magnitude != nullptr && u.embedding)
    throw Failure(ErrorCode::kUnimplemented, where_ + ": " + name + ": DoRA of a token table is not supported");
  if (u.magnitude != nullptr && u.magnitude->elements() != u.b->shape[0])
    throw Failure(ErrorCode::kDataLoss, fmt::format("{}: {}: lora_magnitude_vector has {} elements, expected {}",
                                                    where_, name, u.magnitude->elements(), u.b->shape[0]));
}

std::vector<std::string> LoraAdapter::targets() const {
  std::vector<std::string> names;
  for (const auto& [name, unused] : updates_) names.push_back(name);
  for (const auto& [name, unused] : replaced_) names.push_back(name);
  std::sort(names.begin(), names.end());
  return names;
}

const LoraUpdate* LoraAdapter::update(const std::string& name) const {
  const auto it = updates_.find(name);
  return it == updates_.end() ? nullptr : &it->second;
}

const StoredTensor* LoraAdapter::replacement(const std::string& name) const {
  const auto it = replaced_.find(name);
  return it == replaced_.end() ? nullptr : it->second;
}

void LoraAdapter::merge(const std::string& name, int64_t rows, int64_t cols, bool transposed_weight,
                        std::vector<float>& weight) const {
  const auto misfit = [&](const std::string& got) {
    throw Failure(ErrorCode::kDataLoss,
                  fmt::format("{}: {}: made for {}, the model has [{}, {}]", where_, name, got, rows, cols));
  };
  if (const StoredTensor* stored = replacement(name); stored != nullptr) {
    if (stored->elements() != rows * cols) misfit(fmt::format("[{}]", fmt::join(stored->shape, ", ")));
    weight = read_plain(*stored, where_);
  }
  const LoraUpdate* u = update(name);
  if (u == nullptr) return;
  const int64_t out = u->b->shape[0], in = u->a->shape[1];
  const bool across = u->embedding || transposed_weight;
  if (rows != (across ? in : out) || cols != (across ? out : in)) misfit(fmt::format("[{}, {}]", out, in));
  if (!across) return apply(*u, rows, cols, weight);
  weight = transposed(weight, rows, cols);
  apply(*u, cols, rows, weight);
  weight = transposed(weight, cols, rows);
}

void LoraAdapter::apply(const LoraUpdate& u, int64_t rows, int64_t cols, std::vector<float>& weight) const {
  add_product(weight, rows, cols, u.rank(), u.scale, read_plain(*u.b, where_), read_plain(*u.a, where_));
  if (u.magnitude != nullptr) set_row_lengths(weight, rows, cols, read_plain(*u.magnitude, where_));
}

void merge_adapter(const fs::path& model, const LoraAdapter& adapter, const fs::path& out,
                   const std::function<bool(const std::string& tensor)>& transposed_in_model,
                   const std::function<void(uint64_t)>& progress) {
  std::set<std::string> left;
  std::map<std::string, std::string> bare;  // of targets, without the base model's name in front
  for (const std::string& name : adapter.targets()) {
    left.insert(name);
    bare.emplace(name.substr(name.find('.') + 1), name);
  }
  const WeightEdit edit = [&](const PlainWeights::Item& item, std::vector<float>& values) {
    const auto without = bare.find(item.name);
    const bool renamed = !adapter.changes(item.name) && without != bare.end() && left.contains(without->second);
    const std::string& name = renamed ? without->second : item.name;
    const int64_t rows = item.shape.empty() ? 1 : item.shape[0];
    adapter.merge(name, rows, rows > 0 ? static_cast<int64_t>(values.size()) / rows : 0, transposed_in_model(name),
                  values);
    left.erase(name);
  };
  convert_to_safetensors(model, out, {}, progress, edit);
  if (!left.empty())
    throw Failure(ErrorCode::kDataLoss,
                  model.string() + ": has no tensor " + *left.begin() + ", which the adapter changes");
}

}  // namespace maru::formats
