#include "ledger/provenance.h"

#include <algorithm>
#include <set>

#include "base/error.h"

namespace maru::ledger {
namespace {

bool inherits(const Manifest& manifest) { return manifest.kind != "evaluation" && manifest.kind != "tokenizer"; }

bool hands_on(const ManifestInput& input) {
  return input.role != "tokenizer" && input.role != "raw" && fs::path(input.path).filename() == kManifestName;
}

bool has_weights(const Manifest& manifest) {
  return manifest.kind == "model" || manifest.kind == "checkpoint" || manifest.kind == "adapter";
}

bool names_an_origin(const Manifest& manifest) {
  return !manifest.foreign.empty() || std::any_of(manifest.inputs.begin(), manifest.inputs.end(), hands_on);
}

void add(std::vector<ForeignOrigin>& to, const std::vector<ForeignOrigin>& origins) {
  for (const ForeignOrigin& origin : origins)
    if (std::find(to.begin(), to.end(), origin) == to.end()) to.push_back(origin);
}

class Ancestry {
 public:
  ScratchReport run(const fs::path& root) {
    enqueue(root);
    for (size_t i = 0; i < queue_.size(); ++i) visit(fs::path(queue_[i]));
    std::set<std::string> names;
    for (const ForeignOrigin& origin : report_.origins)
      for (const ForeignTensor& tensor : origin.tensors) names.insert(tensor.name);
    report_.tensors.assign(names.begin(), names.end());
    return std::move(report_);
  }

 private:
  void enqueue(const fs::path& manifest) {
    if (seen_.insert(manifest.string()).second) queue_.push_back(manifest.string());
  }

  void visit(const fs::path& path) {
    Manifest manifest;
    try {
      manifest = read_manifest(path);
    } catch (const Failure& e) {
      report_.unproven.push_back(e.what());
      return;
    }
    add(report_.origins, manifest.foreign);
    if (has_weights(manifest) && !names_an_origin(manifest))
      report_.unproven.push_back(path.string() + ": names neither training data nor a model that it came from");
    if (!inherits(manifest)) return;
    for (const ManifestInput& input : manifest.inputs)
      if (hands_on(input)) enqueue(resolved_path(input.path, path.parent_path()));
  }

  ScratchReport report_;
  std::vector<std::string> queue_;
  std::set<std::string> seen_;
};

}  // namespace

void inherit_foreign(Manifest& manifest, const fs::path& directory) {
  if (!inherits(manifest)) return;
  for (const ManifestInput& input : manifest.inputs)
    if (hands_on(input)) add(manifest.foreign, read_manifest(resolved_path(input.path, directory)).foreign);
}

std::string ScratchReport::text() const {
  std::string text;
  for (const ForeignOrigin& origin : origins) {
    text += "FOREIGN  " + origin.name + " from " + origin.source +
            (origin.licence.empty() ? "" : ", licence " + origin.licence) + ": " +
            std::to_string(origin.tensors.size()) + " tensors\n";
    for (const ForeignTensor& tensor : origin.tensors) text += "         " + tensor.name + "\n";
  }
  for (const std::string& message : unproven) text += "UNPROVEN " + message + "\n";
  return text + (ok() ? "from scratch: no tensor descends from foreign weights\n"
                      : "not from scratch: " + std::to_string(tensors.size()) + " foreign tensors, " +
                            std::to_string(unproven.size()) + " unproven\n");
}

ScratchReport prove_from_scratch(const fs::path& artefact) {
  const fs::path full = fs::absolute(artefact).lexically_normal();
  const fs::path manifest = full.filename() == kManifestName ? full : full / kManifestName;
  if (!fs::is_regular_file(manifest))
    throw Failure(ErrorCode::kNotFound, manifest.string() + ": no such file; an artefact is a directory with one");
  return Ancestry().run(manifest);
}

}  // namespace maru::ledger
