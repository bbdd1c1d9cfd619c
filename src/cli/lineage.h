// What a model was made from, through the manifests.
#pragma once
#include <string>

#include "cli/session.h"
#include "ledger/manifest.h"

namespace maru::cli {

/// The artefact that plays a role among the inputs of another; empty if none does, or if there is no manifest.
fs::path input_of(const fs::path& artefact, const std::string& role);
/// The packed tokens that a model learnt from, or the model that it was made of; empty if the ledger names none.
fs::path tokens_behind(fs::path model);

/// Adds what a model is made of to its manifest: an artefact as an input, anything else as weights from outside.
void add_origin(const Session& session, ledger::Manifest& manifest, const std::string& role, const fs::path& directory,
                const fs::path& weights, const fs::path& out);

/// Copies everything beside the weights and the manifest (tokenizer, template, licence, generation settings) unless it
/// is there already.
void copy_beside(const fs::path& from, const fs::path& to);

/// Where a new model goes: `out` is a name in this home, or a path if it has a '/'. Throws kExists unless `force`.
fs::path new_model(const Session& session, const std::string& out, bool force);

}  // namespace maru::cli
