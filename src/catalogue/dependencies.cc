#include "catalogue/dependencies.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/json_node.h"
#include "ledger/manifest.h"

namespace maru::catalogue {
namespace {

fs::path without_links(const fs::path& path) {
  std::error_code error;
  const fs::path found = fs::weakly_canonical(path, error);
  return error ? path.lexically_normal() : found;
}

bool lies_in(const fs::path& path, const fs::path& directory) {
  const fs::path relative = path.lexically_relative(directory);
  return !relative.empty() && *relative.begin() != "..";
}

void collect(const fs::path& directory, std::vector<fs::path>& found) {
  if (fs::exists(directory / ledger::kManifestName)) found.push_back(directory);
  for (const fs::path& folder : folders_in(directory))
    if (!fs::is_symlink(folder)) collect(folder, found);
}

// One damaged manifest hides no other; `list` says which.
std::vector<ledger::ManifestInput> inputs_of(const fs::path& artefact) {
  try {
    return ledger::read_manifest(artefact).inputs;
  } catch (const Failure&) {
    return {};
  }
}

}  // namespace

std::string label_of(const Home& home, const fs::path& path) {
  const fs::path relative = path.lexically_relative(home.root());
  return relative.empty() || *relative.begin() == ".." ? path.string() : relative.generic_string();
}

std::vector<fs::path> artefacts_in(const fs::path& directory) {
  std::vector<fs::path> found;
  collect(directory, found);
  return found;
}

std::vector<fs::path> inputs_of_run(const fs::path& run) {
  std::vector<fs::path> inputs;
  try {
    const JsonFile recipe(run / kRunRecipe);
    for (const char* key : {"tokens", "tokenizer", "init_from"})
      if (const std::string path = recipe[key].string(""); !path.empty())
        inputs.push_back(ledger::resolved_path(path, run));
  } catch (const Failure&) {  // missing or damaged: its checkpoints say the same
  }
  return inputs;
}

Dependencies::Dependencies(const Home& home) {
  for (const Kind kind : kKinds)
    for (const fs::path& owner : folders_in(home.folder(kind))) {
      for (const fs::path& artefact : artefacts_in(owner))
        add_artefact(home, kind == Kind::kRun ? owner : artefact, artefact);
      if (kind == Kind::kRun)
        for (const fs::path& input : inputs_of_run(owner))
          edges_.push_back({without_links(owner), without_links(input), label_of(home, owner)});
    }
}

void Dependencies::add_artefact(const Home& home, const fs::path& owner, const fs::path& artefact) {
  const fs::path from = without_links(owner);
  const std::string label = label_of(home, owner);
  for (const ledger::ManifestInput& input : inputs_of(artefact))
    edges_.push_back({from, without_links(ledger::resolved_path(input.path, artefact)), label});
  for (const std::string& file : ledger::files_of(artefact))
    if (fs::is_symlink(artefact / file)) edges_.push_back({from, without_links(artefact / file), label});
}

std::vector<std::string> Dependencies::dependents_of(const fs::path& directory) const {
  const fs::path at = without_links(directory);
  std::set<std::string> labels;
  for (const Edge& edge : edges_)
    if (lies_in(edge.to, at) && !lies_in(edge.from, at)) labels.insert(edge.label);
  return {labels.begin(), labels.end()};
}

}  // namespace maru::catalogue
