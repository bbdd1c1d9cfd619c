#include "pipeline/merge.h"

#include "base/json.h"
#include "base/progress.h"
#include "catalogue/adapter.h"
#include "formats/lora.h"
#include "ledger/artefact_writer.h"
#include "models/adapter.h"
#include "pipeline/inspect.h"
#include "pipeline/origin.h"

namespace maru::pipeline {
namespace {

fs::path adapter_directory(const catalogue::Home& home, const std::string& name) {
  if (const auto registered = catalogue::adapter_named(home, name)) return *registered;
  return home.find(Kind::kModel, name);
}

}  // namespace

MergeResult merge(const Workplace& at, const MergeConfig& a) {
  const fs::path out = at.home.new_place(Kind::kModel, a.out, a.force);
  const fs::path model = at.home.find(Kind::kModel, a.model), directory = adapter_directory(at.home, a.adapter);
  ledger::ArtefactWriter writer(out);
  const formats::LoraAdapter adapter(directory);
  ledger::Manifest manifest{.kind = "model", .name = catalogue::directory_name(out)};
  manifest.recipe = {{"verb", "merge"}, {"tensors", adapter.targets()}};
  add_origin(at, manifest, "model", model, model, out);
  add_origin(at, manifest, "adapter", directory, directory / catalogue::kAdapterWeights, out);
  Progress bar(at.watch, "merge", static_cast<uint64_t>(inspect_model(model).parameters), "weights");
  merge_into_model(model, adapter, writer.directory(), [&](uint64_t elements) {
    at.watch.throw_if_cancelled();
    bar.update(elements);
  });
  copy_beside(model, writer.directory());
  writer.commit(std::move(manifest));
  return {out, static_cast<int64_t>(adapter.targets().size())};
}

}  // namespace maru::pipeline
