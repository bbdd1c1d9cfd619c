// What an artefact was made from, through the manifests.
#pragma once
#include <string>

#include "base/file.h"

namespace maru::catalogue {

/// The artefact that plays a role among the inputs of another; empty if none does, or if there is no manifest.
fs::path input_of(const fs::path& artefact, const std::string& role);
/// The tokenizer that a model was made with, or the model itself, which carries one, where that is not here.
fs::path tokenizer_of(const fs::path& model);
/// The packed tokens that a model learnt from, or the model that it was made of; empty if the ledger names none.
fs::path tokens_behind(fs::path model);
/// The dataset behind a model: through its tokens. Empty if the ledger does not name it.
fs::path dataset_behind(const fs::path& model);

}  // namespace maru::catalogue
