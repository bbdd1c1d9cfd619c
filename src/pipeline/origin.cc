#include "pipeline/origin.h"

#include <fmt/format.h>

#include "base/hash.h"
#include "base/progress.h"
#include "catalogue/lineage.h"
#include "formats/weight_files.h"
#include "ledger/manifest_signature.h"
#include "pipeline/inspect.h"

namespace maru::pipeline {

ledger::ForeignOrigin foreign_origin(const fs::path& weights, std::string name, std::string source, std::string licence,
                                     const Watch& watch) {
  const formats::WeightFiles files(weights);
  uint64_t total = 0;
  for (const formats::StoredTensor& t : files.tensors()) total += t.bytes.size();
  Progress progress(watch, "hash", total, "bytes");
  ledger::ForeignOrigin origin{std::move(name), std::move(source), std::move(licence), {}};
  for (const formats::StoredTensor& t : files.tensors()) {
    watch.throw_if_cancelled();
    origin.tensors.push_back({t.name, sha256_hex({reinterpret_cast<const char*>(t.bytes.data()), t.bytes.size()})});
    progress.add(t.bytes.size());
  }
  return origin;
}

void add_origin(const Workplace& at, ledger::Manifest& manifest, const std::string& role, const fs::path& directory,
                const fs::path& weights, const fs::path& out) {
  if (fs::exists(directory / ledger::kManifestName))
    manifest.inputs.push_back(ledger::artefact_input(role, directory, {out, at.home.root()}));
  else
    manifest.foreign.push_back(foreign_origin(weights, catalogue::directory_name(directory), directory.string(),
                                              find_licence(directory).name, at.watch));
}

void warn_of_another_base(const Workplace& at, const fs::path& adapter, const std::vector<fs::path>& models) {
  if (adapter.empty()) return;
  std::string why;
  for (const fs::path& model : models)
    if ((why = catalogue::trained_beside_another(adapter, model)).empty()) return;
  at.watch.warn(why + "; what it does here nobody has measured");
}

void copy_beside(const fs::path& from, const fs::path& to) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    const bool described = entry.path().extension() != ".safetensors" && name != ledger::kManifestName &&
                           name != ledger::kSignatureName && name != "model.safetensors.index.json";
    if (entry.is_regular_file() && described && !fs::exists(to / name)) fs::copy_file(entry.path(), to / name);
  }
}

void refuse_gguf(const fs::path& model, std::string_view what) {
  if (!formats::gguf_file_of(model)) return;
  throw Failure(ErrorCode::kUnimplemented,
                fmt::format("{}: a GGUF file cannot be {}; give the model it was made from", model.string(), what));
}

}  // namespace maru::pipeline
