// Weights from outside: the mark that an artefact bears when it holds them.
#pragma once
#include <string>
#include <string_view>

#include "base/file.h"
#include "ledger/manifest.h"

namespace maru::cli {

/// Hashes every tensor of a directory or file, with a progress bar. Throws what formats::WeightFiles throws.
ledger::ForeignOrigin foreign_origin(const fs::path& weights, std::string name, std::string source, std::string licence,
                                     bool quiet);

/// Throws   kUnimplemented when the model is a GGUF file: it cannot be `what` ("exported").
void refuse_gguf(const fs::path& model, std::string_view what);

/// The last part of a path, with or without a '/' at its end.
std::string directory_name(const fs::path& path);

}  // namespace maru::cli
