// Proof that nothing has changed: from an artefact's manifest through its inputs' manifests down to the raw files,
// every file is read and hashed again. Nothing is cached and nothing is repaired. What no manifest names is not proved:
// where loading would read it, that is a problem too.
//
// The proof is as good as the first manifest. Whoever rewrites a file can rewrite the manifests as well, seals
// included; against that stands the first manifest's own SHA-256, noted elsewhere and compared by the caller.
#pragma once
#include <functional>
#include <string>
#include <vector>

#include "base/file.h"

namespace maru::ledger {

enum class Problem : uint8_t {
  kMissing,      // a named file is not there (or cannot be read)
  kChanged,      // its bytes or its length differ from what the manifest says
  kBadManifest,  // a manifest cannot be parsed, or was changed after it was written
  kUnlisted,     // no manifest names it, and loading the artefact would read it
};

struct Finding {
  Problem problem = Problem::kMissing;
  fs::path file;
  std::string message;  // names the file, what was expected, what came, and who says so
};

struct VerifyReport {
  int64_t artefacts = 0, files = 0;
  uint64_t bytes = 0;
  std::string manifest_sha256;  // of the first manifest's file: stands for everything that was walked
  std::vector<Finding> problems;
  std::vector<fs::path> unlisted;  // in an artefact's directory, but in no manifest: a warning
  bool ok() const { return problems.empty(); }
  /// Human-readable, one line per problem and warning.
  std::string text() const;
};

/// Whether loading a model, adapter or tokenizer may read a file or link of this name in its directory: weights and
/// their index, configuration, vocabularies, chat templates; a link to a folder may hold any of them.
bool is_read_by_loading(const fs::path& path);

/// Called after each file with the bytes hashed so far; what it throws ends the walk.
using VerifyProgress = std::function<void(uint64_t bytes_done)>;

/// Takes the artefact's directory or its manifest. Every artefact is visited once, however often it is an input.
///
/// Throws   kNotFound if there is no manifest at `artefact`; all else is a finding.
/// Cost     reads every file of the chain once.
VerifyReport verify(const fs::path& artefact, const VerifyProgress& progress = {});

}  // namespace maru::ledger
