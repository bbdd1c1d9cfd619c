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
/// Why `adapter` may not fit `model`, in words: it was trained beside another one, by the ledger. Empty where it was
/// trained beside this one or a quantized form of it, or where nobody has put that on record.
std::string trained_beside_another(const fs::path& adapter, const fs::path& model);

}  // namespace maru::catalogue
