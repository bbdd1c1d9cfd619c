#include "pipeline/inspect_adapter.h"

#include <fmt/format.h>

#include "base/json_node.h"
#include "catalogue/adapter.h"
#include "formats/lora.h"
#include "ledger/manifest.h"

namespace maru::pipeline {
namespace {

using catalogue::kAdapterConfig, catalogue::kAdapterWeights;

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
Json json_of(const std::map<Key, int64_t>& counts) {
  Json json = Json::object();
  for (const auto& [key, count] : counts) json[fmt::format("{}", key)] = count;
  return json;
}

}  // namespace

AdapterInspection inspect_adapter(const fs::path& directory) {
  AdapterInspection in{.path = directory.string()};
  const JsonFile config(directory / kAdapterConfig, ErrorCode::kDataLoss);
  in.licence = find_licence(directory);
  try {
    in.base_model = config["base_model_name_or_path"].string("");
    in.task = config["task_type"].string("");
    in.method = config["peft_type"].string("");
    if (fs::exists(directory / kAdapterWeights)) count_tensors(in, formats::WeightFiles(directory / kAdapterWeights));
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

}  // namespace maru::pipeline
