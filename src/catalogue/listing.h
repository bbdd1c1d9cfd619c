// What a home holds: name, kind, size, origin, and what depends on it.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "catalogue/dependencies.h"

namespace maru::catalogue {

struct Entry {
  Kind kind = Kind::kModel;
  std::string name;
  fs::path path;
  uint64_t bytes = 0;                   // of its files; links are not followed
  int64_t made = 0;                     // seconds since 1970: when its manifest, of a run its recipe, was written
  std::vector<std::string> from;        // labels of artefacts, "3 files"
  std::vector<std::string> foreign;     // origins of weights from outside; empty: its own
  std::vector<std::string> dependents;  // labels
  std::string obstacle;                 // why not more is known: damaged, or not made by Maru
};

/// Everything of one kind, or of all: by kind, then by name. Also what is damaged, and what is none of Maru's.
///
/// Cost     reads every manifest and looks at every file of the home; no contents.
std::vector<Entry> list(const Home& home, std::optional<Kind> kind = std::nullopt);

/// A directory of runs/ that training made: it has one of a run's own files.
bool is_run(const fs::path& directory);
/// A directory of datasets/ without a manifest of its own, which holds packed conversations.
bool holds_packed_tokens(const fs::path& directory);

}  // namespace maru::catalogue
