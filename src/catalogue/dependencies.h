// What hangs on what in a home: through the inputs of manifests, the recipes of runs, and links to files.
#pragma once
#include <string>
#include <vector>

#include "catalogue/home.h"

namespace maru::catalogue {

/// A path inside the home as it is spoken of, "models/docs"; another as it is.
std::string label_of(const Home& home, const fs::path& path);

/// The directories below `directory`, itself included, that hold a manifest; links are not followed. Sorted.
std::vector<fs::path> artefacts_in(const fs::path& directory);
/// The artefacts and raw files that a run was started with: its recipe's tokens, tokenizer and first model.
std::vector<fs::path> inputs_of_run(const fs::path& run);

/// All that one home says, as it was when this was made. Artefacts outside a home that were made from its own are not
/// known to it.
///
/// Cost     reads every manifest of the home once.
class Dependencies {
 public:
  explicit Dependencies(const Home& home);
  /// Labels of what was made from something in `directory`, or links to it, and lies elsewhere; sorted, each once. Of a
  /// run's checkpoints the run is named.
  std::vector<std::string> dependents_of(const fs::path& directory) const;

 private:
  struct Edge {
    fs::path from, to;  // what depends, on what; both without links
    std::string label;  // of `from`
  };
  void add_artefact(const Home& home, const fs::path& owner, const fs::path& artefact);
  std::vector<Edge> edges_;
};

}  // namespace maru::catalogue
