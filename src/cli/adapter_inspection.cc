#include "cli/adapter_inspection.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/json.h"
#include "base/progress.h"
#include "formats/lora.h"
#include "ledger/manifest.h"

namespace maru::cli {
namespace {

constexpr const char* kConfig = "adapter_config.json";
constexpr const char* kWeights = "adapter_model.safetensors";

std::string text_at(const Json& config, const char* key) {
  const auto it = config.find(key);
  return it != config.end() && it->is_string() ? it->get<std::string>() : "";
}

void count_update(AdapterInspection& in, const std::string& tensor, const formats::LoraUpdate& update) {
  const std::string module = tensor.substr(0, tensor.rfind('.'));
  ++in.ranks[update.rank()];
  ++in.scales[fmt::format("{:.4g}", update.scale)];
  ++in.modules[module.substr(module.rfind('.') + 1)];
}

std::string method_of(const formats::LoraAdapter& adapter) {
  std::string method = adapter.rank_stabilised() ? "rsLoRA" : "LoRA";
  for (const std::string& name : adapter.targets())
    if (const formats::LoraUpdate* u = adapter.update(name); u != nullptr && u->magnitude != nullptr)
      return adapter.rank_stabilised() ? "DoRA, rank-stabilised" : "DoRA";
  return method;
}

void describe(AdapterInspection& in, const formats::LoraAdapter& adapter) {
  in.method = method_of(adapter);
  for (const std::string& name : adapter.targets()) {
    if (const formats::LoraUpdate* update = adapter.update(name)) count_update(in, name, *update);
    if (adapter.replacement(name) != nullptr) in.replaced.push_back(name);
  }
}

void count_tensors(AdapterInspection& in, const formats::WeightFiles& files) {
  for (const formats::StoredTensor& t : files.tensors()) {
    DtypeCount& count = in.dtypes[t.dtype];
    count.tensors += 1, count.elements += t.elements(), count.bytes += t.bytes.size();
    in.parameters += t.elements(), in.tensors += 1;
  }
}

template <class Key>
std::string counted(const std::map<Key, int64_t>& counts) {
  std::string text;
  for (const auto& [key, count] : counts) text += fmt::format("{}{} ({}x)", text.empty() ? "" : ", ", key, count);
  return text;
}

template <class Key>
Json json_of(const std::map<Key, int64_t>& counts) {
  Json json = Json::object();
  for (const auto& [key, count] : counts) json[fmt::format("{}", key)] = count;
  return json;
}

}  // namespace

AdapterInspection inspect_adapter(const fs::path& directory) {
  AdapterInspection in{.path = directory.string()};
  const Json config = read_json(directory / kConfig);
  if (!config.is_object())
    throw Failure(ErrorCode::kDataLoss, (directory / kConfig).string() + ": expected a JSON object");
  in.base_model = text_at(config, "base_model_name_or_path");
  in.task = text_at(config, "task_type");
  in.method = text_at(config, "peft_type");
  in.licence = find_licence(directory);
  try {
    if (fs::exists(directory / kWeights)) count_tensors(in, formats::WeightFiles(directory / kWeights));
    describe(in, formats::LoraAdapter(directory));
  } catch (const Failure& e) {
    in.obstacle = e.what();
  }
  if (fs::exists(directory / ledger::kManifestName))
    for (const ledger::ForeignOrigin& origin : ledger::read_manifest(directory).foreign)
      in.foreign.push_back(origin.name + " from " + origin.source);
  return in;
}

Json to_json(const AdapterInspection& in) {
  Json dtypes = Json::object();
  for (const auto& [name, count] : in.dtypes)
    dtypes[name] = {{"tensors", count.tensors}, {"elements", count.elements}, {"bytes", count.bytes}};
  return {{"path", in.path},
          {"kind", "PEFT adapter"},
          {"method", in.method},
          {"base_model", in.base_model},
          {"task", in.task},
          {"parameters", in.parameters},
          {"dtypes", dtypes},
          {"ranks", json_of(in.ranks)},
          {"scales", json_of(in.scales)},
          {"modules", json_of(in.modules)},
          {"replaced", in.replaced},
          {"licence", {{"name", in.licence.name}, {"file", in.licence.file}, {"text", in.licence.text}}},
          {"foreign", in.foreign},
          {"runs", in.obstacle.empty()},
          {"obstacle", in.obstacle}};
}

std::string text_of(const AdapterInspection& in) {
  const auto line = [](std::string_view title, const std::string& value) {
    return fmt::format("{:<13}{}\n", title, value.empty() ? "-" : value);
  };
  std::string text = line("path", in.path) + line("kind", "PEFT adapter, " + in.method) +
                     line("made for", in.base_model) +
                     line("parameters", short_count(static_cast<double>(in.parameters)));
  for (const auto& [name, count] : in.dtypes)
    text += line("", fmt::format("{}: {} tensors, {} elements, {}", name, count.tensors,
                                 short_count(static_cast<double>(count.elements)),
                                 short_bytes(static_cast<double>(count.bytes))));
  text += line("modules", counted(in.modules)) + line("rank", counted(in.ranks)) + line("scale", counted(in.scales));
  if (!in.replaced.empty()) text += line("replaces", fmt::format("{}", fmt::join(in.replaced, ", ")));
  text += line("licence", in.licence.name);
  for (const std::string& origin : in.foreign) text += line("foreign", origin);
  return text +
         fmt::format("{:<13}{}", "usable", in.obstacle.empty() ? "yes, beside that model" : "no: " + in.obstacle);
}

}  // namespace maru::cli
