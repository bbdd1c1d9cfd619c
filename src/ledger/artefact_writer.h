// Building an artefact so that it appears whole or not at all: files are written into a temporary directory beside
// the final one; commit() adds the manifest and swaps the directories. After a crash the old artefact is untouched
// and the next writer of the same artefact removes the leftovers of dead processes. Not thread-safe.
#pragma once
#include "ledger/manifest.h"

namespace maru::ledger {

class ArtefactWriter {
 public:
  /// Creates the parent directories and `final_directory` + ".tmp-PID".
  explicit ArtefactWriter(fs::path final_directory);
  /// Without commit() nothing remains.
  ~ArtefactWriter();
  ArtefactWriter(const ArtefactWriter&) = delete;
  /// Where to write the files.
  const fs::path& directory() const { return temporary_; }
  /// Fills in `files`, `code_version` and the foreign weights that its inputs hand on, writes the manifest, and puts
  /// the directory in its place.
  void commit(Manifest manifest);

 private:
  fs::path final_, temporary_;
  bool committed_ = false;
};

}  // namespace maru::ledger
