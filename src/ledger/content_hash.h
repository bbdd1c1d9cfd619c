// What a model or an adapter on disk is called by: a hash that stands for every byte that loading reads.
#pragma once
#include <string>
#include <vector>

#include "base/file.h"
#include "ledger/receipt.h"

namespace maru::ledger {

/// Reads every file. Of an artefact: the SHA-256 of its manifest.json, whose files are as it says. Of one file: its
/// own. Of another directory: the SHA-256 of what `sha256sum` prints of those of its files that loading may read, by
/// name.
///
/// Throws   kNotFound; kDataLoss, naming the file, when an artefact's file is not as its manifest says or loading would
///          read one that it does not name.
ContentHash content_hash(const fs::path& path);

/// The hash of what is about to be loaded, and whether it was still there afterwards.
class LoadedContent {
 public:
  explicit LoadedContent(const fs::path& path) : path_(path), stamps_(stamps()), hash_(content_hash(path)) {}
  const ContentHash& hash() const { return hash_; }
  /// Throws   kUnavailable when a file was replaced since construction: what was loaded may be another.
  void check_unchanged() const;

 private:
  std::vector<std::string> stamps() const;
  const fs::path path_;
  const std::vector<std::string> stamps_;
  const ContentHash hash_;
};

}  // namespace maru::ledger
