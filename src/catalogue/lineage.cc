#include "catalogue/lineage.h"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "base/hash.h"
#include "base/json.h"
#include "ledger/manifest.h"

namespace maru::catalogue {
namespace {

const ledger::ManifestInput* model_input(const ledger::Manifest& manifest) {
  const auto found = std::ranges::find(manifest.inputs, "model", &ledger::ManifestInput::role);
  return found == manifest.inputs.end() ? nullptr : &*found;
}

// Hashes of the manifests that stand for the same weights: its own, and that of what it was quantized from.
std::vector<std::string> forms_of(fs::path model) {
  std::vector<std::string> forms;
  for (int steps = 0; steps < 100 && fs::exists(model / ledger::kManifestName); ++steps) {
    forms.push_back(sha256_file(model / ledger::kManifestName));
    const ledger::Manifest manifest = ledger::read_manifest(model);
    const ledger::ManifestInput* from = model_input(manifest);
    const bool quantized = manifest.recipe.is_object() && manifest.recipe.value("verb", Json()) == "quantize";
    if (from == nullptr || !quantized) break;
    forms.push_back(from->sha256);
    model = ledger::resolved_path(from->path, model).parent_path();
  }
  return forms;
}

}  // namespace

fs::path input_of(const fs::path& artefact, const std::string& role) {
  if (!fs::exists(artefact / ledger::kManifestName)) return {};
  for (const ledger::ManifestInput& input : ledger::read_manifest(artefact).inputs)
    if (input.role == role) return ledger::resolved_path(input.path, artefact).parent_path();
  return {};
}

fs::path tokenizer_of(const fs::path& model) {
  const fs::path made_with = input_of(model, "tokenizer");
  return !made_with.empty() && fs::exists(made_with) ? made_with : model;
}

fs::path tokens_behind(fs::path model) {
  // Each manifest was sealed with the hash of the ones before it: there are no circles, but a copied one may lie.
  for (int steps = 0; !model.empty() && steps < 100; ++steps) {
    if (const fs::path tokens = input_of(model, "tokens"); !tokens.empty()) return tokens;
    model = input_of(model, "model");
  }
  return {};
}

fs::path dataset_behind(const fs::path& model) {
  const fs::path tokens = input_of(model, "tokens");
  return tokens.empty() ? fs::path() : input_of(tokens, "dataset");
}

std::string trained_beside_another(const fs::path& adapter, const fs::path& model) {
  if (!fs::exists(adapter / ledger::kManifestName) || !fs::exists(model / ledger::kManifestName)) return "";
  const ledger::Manifest manifest = ledger::read_manifest(adapter);
  const ledger::ManifestInput* base = model_input(manifest);
  if (base == nullptr) return "";
  const fs::path directory = ledger::resolved_path(base->path, adapter).parent_path();
  std::vector<std::string> its = forms_of(directory);
  its.push_back(base->sha256);  // whatever lies there now
  const std::vector<std::string> here = forms_of(model);
  if (std::ranges::find_first_of(its, here) != its.end()) return "";
  return fmt::format("{}: was trained beside another model than {}: beside {} with the manifest {}", adapter.string(),
                     model.string(), directory.string(), base->sha256);
}

}  // namespace maru::catalogue
