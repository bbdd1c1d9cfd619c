// Proof that nothing has changed: from an artefact's manifest through its inputs' manifests down to the raw files,
// every file is read and hashed again. Nothing is cached and nothing is repaired.
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
};

struct Finding {
  Problem problem = Problem::kMissing;
  fs::path file;
  std::string message;  // names the file, what was expected, what came, and who says so
};

struct VerifyReport {
  int64_t artefacts = 0, files = 0;
  uint64_t bytes = 0;
  std::vector<Finding> problems;
  std::vector<fs::path> unlisted;  // in an artefact's directory, but in no manifest: a warning
  bool ok() const { return problems.empty(); }
  /// Human-readable, one line per problem and warning.
  std::string text() const;
};

/// Called after each file with the bytes hashed so far.
using VerifyProgress = std::function<void(uint64_t bytes_done)>;

/// Takes the artefact's directory or its manifest. Every artefact is visited once, however often it is an input.
///
/// Throws   kNotFound if there is no manifest at `artefact`; all else is a finding.
/// Cost     reads every file of the chain once.
VerifyReport verify(const fs::path& artefact, const VerifyProgress& progress = {});

}  // namespace maru::ledger
