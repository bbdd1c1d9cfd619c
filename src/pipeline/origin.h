// Where the weights of a new model came from: an artefact, or from outside with the mark of foreign weights; and the
// files that travel with it.
#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "ledger/manifest.h"
#include "pipeline/workplace.h"

namespace maru::pipeline {

/// Hashes every tensor of a directory or file. Throws what formats::WeightFiles throws; kCancelled.
ledger::ForeignOrigin foreign_origin(const fs::path& weights, std::string name, std::string source, std::string licence,
                                     const Watch& watch);

/// Adds what a model is made of to its manifest: an artefact as an input, anything else as weights from outside.
void add_origin(const Workplace&, ledger::Manifest& manifest, const std::string& role, const fs::path& directory,
                const fs::path& weights, const fs::path& out);

/// Throws   kUnimplemented when the model is a GGUF file: it cannot be `what` ("exported").
void refuse_gguf(const fs::path& model, std::string_view what);

/// Says so when the ledger knows that `adapter` (or none: empty) was trained beside none of these models.
void warn_of_another_base(const Workplace&, const fs::path& adapter, const std::vector<fs::path>& models);

/// Copies everything beside the weights and the manifest (tokenizer, template, licence, generation settings) unless it
/// is there already.
void copy_beside(const fs::path& from, const fs::path& to);

}  // namespace maru::pipeline
