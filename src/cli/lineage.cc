#include "cli/lineage.h"

#include "cli/foreign.h"
#include "cli/inspection.h"

namespace maru::cli {

fs::path input_of(const fs::path& artefact, const std::string& role) {
  if (!fs::exists(artefact / ledger::kManifestName)) return {};
  for (const ledger::ManifestInput& input : ledger::read_manifest(artefact).inputs)
    if (input.role == role) return ledger::resolved_path(input.path, artefact).parent_path();
  return {};
}

fs::path tokens_behind(fs::path model) {
  // Each manifest was sealed with the hash of the ones before it: there are no circles, but a copied one may lie.
  for (int steps = 0; !model.empty() && steps < 100; ++steps) {
    if (const fs::path tokens = input_of(model, "tokens"); !tokens.empty()) return tokens;
    model = input_of(model, "model");
  }
  return {};
}

void add_origin(const Session& session, ledger::Manifest& manifest, const std::string& role, const fs::path& directory,
                const fs::path& weights, const fs::path& out) {
  if (fs::exists(directory / ledger::kManifestName))
    manifest.inputs.push_back(ledger::artefact_input(role, directory, {out, session.home}));
  else
    manifest.foreign.push_back(foreign_origin(weights, directory_name(directory), directory.string(),
                                              find_licence(directory).name, session.quiet));
}

void copy_beside(const fs::path& from, const fs::path& to) {
  for (const fs::directory_entry& entry : fs::directory_iterator(from)) {
    const std::string name = entry.path().filename().string();
    const bool described = entry.path().extension() != ".safetensors" && name != ledger::kManifestName &&
                           name != "model.safetensors.index.json";
    if (entry.is_regular_file() && described && !fs::exists(to / name)) fs::copy_file(entry.path(), to / name);
  }
}

fs::path new_model(const Session& session, const std::string& out, bool force) {
  const fs::path path =
      out.find('/') == std::string::npos ? session.place("models", out) : fs::absolute(out).lexically_normal();
  if (fs::exists(path) && !force) throw Failure(ErrorCode::kExists, path.string() + ": exists; --force replaces it");
  return path;
}

}  // namespace maru::cli
