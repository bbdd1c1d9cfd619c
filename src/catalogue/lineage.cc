#include "catalogue/lineage.h"

#include "ledger/manifest.h"

namespace maru::catalogue {

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

}  // namespace maru::catalogue
