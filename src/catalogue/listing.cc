#include "catalogue/listing.h"

#include <sys/stat.h>

#include <algorithm>

#include "base/error.h"
#include "ledger/manifest.h"

namespace maru::catalogue {
namespace {

int64_t written(const fs::path& file) {
  struct stat status {};
  return ::stat(file.c_str(), &status) == 0 ? static_cast<int64_t>(status.st_mtim.tv_sec) : 0;
}

uint64_t bytes_in(const fs::path& directory) {
  uint64_t bytes = 0;
  std::error_code error;  // what cannot be read counts nothing
  for (fs::recursive_directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (std::error_code unread; fs::is_regular_file(it->symlink_status(unread)))
      if (const uint64_t size = it->file_size(unread); !unread) bytes += size;
  return bytes;
}

void add_once(std::vector<std::string>& to, std::string label) {
  if (std::find(to.begin(), to.end(), label) == to.end()) to.push_back(std::move(label));
}

void describe_artefact(const Home& home, const fs::path& artefact, Entry& entry) {
  const ledger::Manifest manifest = ledger::read_manifest(artefact);
  size_t files = 0;
  for (const ledger::ManifestInput& input : manifest.inputs) {
    const fs::path path = ledger::resolved_path(input.path, artefact);
    if (path.filename() == ledger::kManifestName)
      add_once(entry.from, label_of(home, path.parent_path()));
    else
      ++files;
  }
  if (files > 0) entry.from.push_back(std::to_string(files) + (files == 1 ? " file" : " files"));
  for (const ledger::ForeignOrigin& origin : manifest.foreign)
    add_once(entry.foreign, origin.name + " from " + origin.source);
  entry.made = std::max(entry.made, written(artefact / ledger::kManifestName));
}

void describe(const Home& home, Entry& entry) {
  if (fs::exists(entry.path / ledger::kManifestName)) return describe_artefact(home, entry.path, entry);
  if (entry.kind == Kind::kRun && is_run(entry.path)) {
    for (const fs::path& input : inputs_of_run(entry.path)) add_once(entry.from, label_of(home, input));
    for (const fs::path& checkpoint : artefacts_in(entry.path))
      for (const ledger::ForeignOrigin& origin : ledger::read_manifest(checkpoint).foreign)
        add_once(entry.foreign, origin.name + " from " + origin.source);
    entry.made = written(entry.path / kRunRecipe);
  } else if (entry.kind == Kind::kDataset && holds_packed_tokens(entry.path)) {
    for (const fs::path& tokens : artefacts_in(entry.path)) describe_artefact(home, tokens, entry);
  } else {
    entry.obstacle = "has no manifest: Maru did not make it";
  }
}

}  // namespace

bool is_run(const fs::path& directory) {
  if (fs::exists(directory / ledger::kManifestName)) return false;
  for (const std::string_view name : {kRunRecipe, kRunInputs, kRunPlan, kCheckpointsFolder})
    if (fs::exists(directory / name)) return true;
  return false;
}

bool holds_packed_tokens(const fs::path& directory) {
  const std::vector<fs::path> folders = folders_in(directory);
  return std::any_of(folders.begin(), folders.end(), [](const fs::path& folder) {
    return folder.filename().string().starts_with(kTokensPrefix) && fs::exists(folder / ledger::kManifestName);
  });
}

std::vector<Entry> list(const Home& home, std::optional<Kind> wanted) {
  const Dependencies dependencies(home);
  std::vector<Entry> entries;
  for (const Kind kind : kKinds) {
    if (wanted && kind != *wanted) continue;
    for (const fs::path& directory : folders_in(home.folder(kind))) {
      Entry entry{.kind = kind, .name = directory.filename().string(), .path = directory};
      try {
        describe(home, entry);
      } catch (const Failure& e) {
        entry.obstacle = e.what();
      }
      entry.bytes = bytes_in(directory);
      entry.dependents = dependencies.dependents_of(directory);
      entries.push_back(std::move(entry));
    }
  }
  return entries;
}

}  // namespace maru::catalogue
