// maru merge: an adapter's learning becomes part of a model's weights.
#include <fmt/format.h>

#include "base/interrupt.h"
#include "base/json.h"
#include "base/progress.h"
#include "cli/adapter.h"
#include "cli/foreign.h"
#include "cli/inspection.h"
#include "cli/lineage.h"
#include "cli/verbs.h"
#include "ledger/artefact_writer.h"
#include "models/adapter.h"

namespace maru::cli {
namespace {

struct MergeArguments {
  std::string model, adapter, out;
  bool force = false;
};

fs::path adapter_directory(const Session& session, const std::string& name) {
  if (const auto registered = adapter_named(session, name)) return *registered;
  return session.find("models", name);
}

Json merge_model(Session& session, const MergeArguments& a) {
  const fs::path out = new_model(session, a.out, a.force);
  const fs::path model = session.find("models", a.model), directory = adapter_directory(session, a.adapter);
  ledger::ArtefactWriter writer(out);
  const formats::LoraAdapter adapter(directory);
  ledger::Manifest manifest{.kind = "model", .name = directory_name(out)};
  manifest.recipe = {{"verb", "merge"}, {"tensors", adapter.targets()}};
  add_origin(session, manifest, "model", model, model, out);
  add_origin(session, manifest, "adapter", directory, directory / "adapter_model.safetensors", out);
  Progress bar("merge", static_cast<uint64_t>(inspect_model(model).parameters), "weights", session.quiet);
  merge_into_model(model, adapter, writer.directory(), [&](uint64_t elements) {
    throw_if_interrupted();
    bar.update(elements);
  });
  copy_beside(model, writer.directory());
  writer.commit(std::move(manifest));
  return {{"path", out.string()}, {"tensors", adapter.targets().size()}};
}

}  // namespace

void add_merge(CLI::App& app, Session& session) {
  CLI::App* verb = app.add_subcommand("merge", "add an adapter's learning to a model's weights");
  auto a = std::make_shared<MergeArguments>();
  verb->add_option("model", a->model, "a model by name or directory")->required();
  verb->add_option("adapter", a->adapter, "a PEFT adapter's directory: LoRA, rsLoRA or DoRA")->required();
  verb->add_option("--out", a->out, "name of the new model, or a path with a '/'")->required();
  verb->add_flag("--force", a->force, "replace what is there");
  verb->callback([&session, a] {
    const Json result = merge_model(session, *a);
    session.answer(result, fmt::format("merge        {}: {} tensors changed", result["path"].get<std::string>(),
                                       result["tensors"].get<int64_t>()));
  });
}

}  // namespace maru::cli
