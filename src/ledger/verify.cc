#include "ledger/verify.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/manifest.h"

namespace maru::ledger {
namespace {

bool is_loaded(std::string_view kind) {
  return kind == "model" || kind == "adapter" || kind == "tokenizer" || kind == "checkpoint";
}

Result<Manifest> manifest_at(const fs::path& path) {
  try {
    return read_manifest(path);
  } catch (const Failure& e) {
    return e.error();
  }
}

// An artefact that lies inside another one by design, and whose folder no loader looks into. A manifest alone makes no
// folder one: what is below it would go unseen.
bool is_nested(const fs::path& folder) {
  if (!is_artefact(folder)) return false;
  const Result<Manifest> manifest = manifest_at(folder);
  const std::string name = folder.filename().string();
  return manifest.ok() && ((manifest.value().kind == "evaluation" && name.starts_with("evaluation")) ||
                           (manifest.value().kind == "tokens" && name.starts_with("tokens-")));
}

class Walk {
 public:
  explicit Walk(const VerifyProgress& progress) : progress_(progress) {}

  // Breadth first with an explicit list: a long chain of artefacts must not exhaust the stack.
  VerifyReport run(const fs::path& root) {
    report_.manifest_sha256 = sha256_file(root);
    enqueue(root);
    for (size_t i = 0; i < manifests_.size(); ++i) check_artefact(fs::path(manifests_[i]));
    std::sort(report_.unlisted.begin(), report_.unlisted.end());
    return std::move(report_);
  }

 private:
  void enqueue(const fs::path& manifest) {
    if (seen_.insert(manifest.string()).second) manifests_.push_back(manifest.string());
  }

  void check_artefact(const fs::path& path) {
    ++report_.artefacts;
    Result<Manifest> manifest = manifest_at(path);
    if (!manifest.ok()) return problem(Problem::kBadManifest, path, manifest.error().message);
    const fs::path directory = path.parent_path();
    for (const ManifestFile& file : manifest->files)
      check_file(directory / file.path, file.sha256, file.bytes, path, "file");
    for (const ManifestInput& input : manifest->inputs) check_input(input, directory, path);
    find_unlisted(manifest.value(), directory, path);
  }

  void check_input(const ManifestInput& input, const fs::path& directory, const fs::path& by) {
    const fs::path file = resolved_path(input.path, directory);
    const bool there = check_file(file, input.sha256, input.bytes, by, "input \"" + input.role + "\"");
    if (there && input.role != "raw" && file.filename() == kManifestName) enqueue(file);
  }

  /// False if the file is missing.
  bool check_file(const fs::path& file, const std::string& sha256, uint64_t bytes, const fs::path& by,
                  const std::string& what) {
    ++report_.files;
    const std::string named = " (" + what + " of " + by.string() + ")";
    std::error_code error;
    const uint64_t size = fs::file_size(file, error);
    if (error) return problem(Problem::kMissing, file, file.string() + ": missing" + named), false;
    if (size != bytes) {
      problem(Problem::kChanged, file,
              file.string() + ": has " + std::to_string(size) + " bytes, expected " + std::to_string(bytes) + named);
    } else {
      check_hash(file, sha256, named);
    }
    report_.bytes += size;
    if (progress_) progress_(report_.bytes);
    return true;
  }

  void check_hash(const fs::path& file, const std::string& sha256, const std::string& named) {
    try {
      const std::string got = sha256_file(file);
      if (got != sha256)
        problem(Problem::kChanged, file, file.string() + ": SHA-256 is " + got + ", expected " + sha256 + named);
    } catch (const Failure& e) {
      problem(Problem::kMissing, file, e.error().message + named);
    }
  }

  void find_unlisted(const Manifest& manifest, const fs::path& directory, const fs::path& by) {
    std::set<std::string> listed;
    for (const ManifestFile& file : manifest.files) listed.insert(file.path);
    for (const std::string& name : files_of(directory, is_nested)) {
      const fs::path file = directory / name;
      if (listed.contains(name)) continue;
      if (is_loaded(manifest.kind) && is_read_by_loading(file))
        problem(Problem::kUnlisted, file,
                file.string() + ": not listed in " + by.string() + ", and loading may read it");
      else
        report_.unlisted.push_back(file);
    }
  }

  void problem(Problem kind, const fs::path& file, std::string message) {
    report_.problems.push_back({kind, file, std::move(message)});
  }

  const VerifyProgress& progress_;
  VerifyReport report_;
  std::vector<std::string> manifests_;
  std::set<std::string> seen_;
};

}  // namespace

bool is_read_by_loading(const fs::path& path) {
  static const std::set<std::string> kEndings{".gguf", ".jinja", ".json", ".model", ".safetensors", ".tiktoken"};
  static const std::set<std::string> kNames{"merges.txt", "vocab.txt"};
  return kEndings.contains(path.extension().string()) || kNames.contains(path.filename().string()) ||
         fs::is_directory(path);
}

std::string VerifyReport::text() const {
  std::string text;
  for (const Finding& finding : problems) text += "FAILED   " + finding.message + "\n";
  for (const fs::path& file : unlisted) text += "warning  " + file.string() + ": no manifest names this file\n";
  return text + (ok() ? "verified " : "checked ") + std::to_string(files) + " files of " + std::to_string(artefacts) +
         " artefacts, " + std::to_string(bytes) + " bytes, " + std::to_string(problems.size()) + " problems\n" +
         "manifest SHA-256 " + manifest_sha256 + "\n" +
         "Whoever rewrote files and every manifest that names them is seen only by that number: --expect compares it\n";
}

VerifyReport verify(const fs::path& artefact, const VerifyProgress& progress) {
  const fs::path full = fs::absolute(artefact).lexically_normal();
  const fs::path manifest = full.filename() == kManifestName ? full : full / kManifestName;
  if (!fs::is_regular_file(manifest))
    throw Failure(ErrorCode::kNotFound, manifest.string() + ": no such file; an artefact is a directory with one");
  return Walk(progress).run(manifest);
}

}  // namespace maru::ledger
