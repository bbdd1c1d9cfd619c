// Building an artefact so that it appears whole or not at all: files are written into a temporary directory beside
// the final one; commit() adds the manifest and swaps the directories. After a crash the old artefact is untouched
// and the next writer of the same artefact, or the next start, removes the leftovers of dead processes.
//
// Only an artefact is ever replaced by one: a directory of something else, a file or a link at the place is refused.
// One writer at a time: the place is locked from construction on, and the artefact that it lies in (an evaluation in
// its model) cannot be replaced meanwhile. Not thread-safe.
#pragma once
#include <optional>

#include "base/file_lock.h"
#include "ledger/manifest.h"

namespace maru::ledger {

/// Throws   kInvalidArgument for a name of what is still being written; kExists, naming the place, unless it is free,
/// an empty directory, or a directory that holds a manifest of
///          ours, damaged or not.
void require_replaceable(const fs::path& place);
/// That, and that its parent directories can be made and written. For who begins long before the writing does.
void require_writable(const fs::path& place);

class ArtefactWriter {
 public:
  /// Creates the parent directories and `final_directory` + ".tmp-PID".
  ///
  /// Throws   what require_replaceable throws; kExists when another process writes the same artefact.
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
  std::optional<FileLock> enclosing_, lock_;
  bool committed_ = false;
};

}  // namespace maru::ledger
