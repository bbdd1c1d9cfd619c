// A home: the directory where datasets, tokenizers, models, adapters and runs lie, found by name or by path.
#pragma once
#include <string>
#include <vector>

#include "catalogue/layout.h"

namespace maru::catalogue {

class Home {
 public:
  explicit Home(fs::path root) : root_(std::move(root)) {}
  const fs::path& root() const { return root_; }
  fs::path folder(Kind kind) const { return root_ / folder_of(kind); }
  fs::path hash_cache() const { return root_ / kCacheFolder / "hashes.json"; }
  fs::path sample_corpus() const { return root_ / kCorpusFolder / "debian-ko"; }
  fs::path sample_chats() const { return root_ / kCorpusFolder / "chats-ko.jsonl"; }

  /// An artefact by name ("korean") or by path ("./runs/x"). A model is also a tokenizer: it carries one.
  ///
  /// Throws   kNotFound, naming those that exist.
  fs::path find(Kind kind, const std::string& name_or_path) const;
  /// Where an artefact of this name lies or will lie.
  ///
  /// Throws   kInvalidArgument for what cannot be a name (ledger/name.h), and for one that is not in Unicode's composed
  ///          form: it would look like another.
  fs::path place(Kind kind, const std::string& name) const;
  /// Where something new goes: `out` is a name, or a path if it has a '/'.
  ///
  /// Throws   as place; kExists when something lies there, unless `force`.
  fs::path new_place(Kind kind, const std::string& out, bool force) const;
  /// The artefact of this name, whatever its kind; models before adapters, tokenizers and datasets. Else as find does
  /// for a model.
  fs::path find_any(const std::string& name_or_path) const;
  /// Names of the artefacts of a kind (directories with a manifest.json), sorted.
  std::vector<std::string> names(Kind kind) const;

  /// Removes what killed processes left anywhere in this home. Never fails.
  void remove_leftovers() const;

 private:
  bool has(Kind kind, const std::string& name) const;
  fs::path root_;
};

/// The directories in a folder, without what is still being written, sorted; none where it cannot be read.
std::vector<fs::path> folders_in(const fs::path& directory);

}  // namespace maru::catalogue
