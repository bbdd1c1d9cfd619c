// Foreign weights: who bears the mark, who inherits it, and the proof that a model has none.
//
// An imported model's manifest names its origin and tensors. Everything that is made with a marked artefact inherits
// the mark: models and checkpoints trained from it, merged or quantized models, data that it wrote and models trained
// on them. A tokenizer hands nothing on (it holds no weights), nor does an evaluation.
#pragma once
#include <string>
#include <vector>

#include "ledger/manifest.h"

namespace maru::ledger {

/// Adds the origins of the artefacts that `manifest` names as inputs; `directory` is where it will lie.
/// Throws   as read_manifest, when an input's manifest cannot be read.
void inherit_foreign(Manifest& manifest, const fs::path& directory);

struct ScratchReport {
  std::vector<ForeignOrigin> origins;  // of every ancestor, each once
  std::vector<std::string> tensors;    // names of all their tensors, sorted
  std::vector<std::string> unproven;   // messages: what hinders the proof, though no foreign weights were found there
  bool ok() const { return origins.empty() && unproven.empty(); }
  /// Human-readable, several lines.
  std::string text() const;
};

/// Walks from an artefact through all that may have handed weights on to it. Believes the manifests: verify() shows
/// that they are as they were written. A model or checkpoint that names neither training data nor another model is
/// unproven.
///
/// Throws   kNotFound if there is no manifest at `artefact`.
ScratchReport prove_from_scratch(const fs::path& artefact);

}  // namespace maru::ledger
