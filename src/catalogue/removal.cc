#include "catalogue/removal.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <set>

#include "base/error.h"
#include "base/fields.h"
#include "base/file_lock.h"
#include "base/system_error.h"
#include "base/temporary.h"
#include "ledger/manifest.h"
#include "ledger/manifest_signature.h"

namespace maru::catalogue {
namespace {

// What a checkpoint consists of; for those whose manifest is damaged and does not say it any more.
const std::set<std::string_view>& checkpoint_files() {
  static const std::set<std::string_view> kFiles{"config.json", "model.safetensors", "optimizer.safetensors",
                                                 "state.json", ledger::kManifestName};
  return kFiles;
}

bool is_link(const fs::path& path) { return fs::is_symlink(fs::symlink_status(path)); }
bool is_folder(const fs::path& path) { return fs::is_directory(fs::symlink_status(path)); }
bool is_own_artefact(const fs::path& directory) {
  return !is_link(directory / ledger::kManifestName) && ledger::is_artefact(directory);
}
bool is_lock(const std::string& name) { return name.starts_with('.') && is_temporary(name); }

/// Walks what Maru made, and stops at the first thing that it did not make.
class Walk {
 public:
  Removal removal;

  void artefact(const fs::path& directory) {
    std::set<std::string> own{std::string(ledger::kManifestName), std::string(ledger::kSignatureName)};
    for (const ledger::ManifestFile& file : manifest_of(directory).files) own.insert(file.path);
    folder(directory, directory, own);
  }

  void run(const fs::path& directory) {
    const std::set<std::string_view> own{kRunRecipe, kRunInputs,  kRunPlan,      kRunMetrics,
                                         kRunReport, kRunSamples, kRunComparison};
    for_each(directory, [&](const fs::path& path, const std::string& name) {
      if (name == kCheckpointsFolder && is_folder(path))
        checkpoints(path);
      else if (name == kBestFolder && is_own_artefact(path))
        artefact(path);
      else if (own.contains(name) && !is_folder(path))
        count(path);
      else
        refuse(path);
    });
  }

  void packed_tokens(const fs::path& directory) {
    for_each(directory, [&](const fs::path& path, const std::string& name) {
      if (!name.starts_with(kTokensPrefix) || !is_folder(path) || !is_own_artefact(path)) refuse(path);
      artefact(path);
    });
  }

 private:
  template <class F>
  static void for_each(const fs::path& directory, F f) {
    for (const fs::directory_entry& entry : fs::directory_iterator(directory))
      if (const std::string name = entry.path().filename().string(); !is_lock(name)) f(entry.path(), name);
  }

  static ledger::Manifest manifest_of(const fs::path& directory) {
    try {
      return ledger::read_manifest(directory);
    } catch (const Failure& e) {
      throw Failure(ErrorCode::kDataLoss,
                    fmt::format("{}; so it is not known which files are Maru's: move {} away by hand", e.what(),
                                directory.string()));
    }
  }

  void checkpoints(const fs::path& directory) {
    for_each(directory, [&](const fs::path& path, const std::string& name) {
      if (!is_folder(path)) refuse(path);
      if (name.starts_with("damaged-step-"))
        damaged(path);
      else if (is_own_artefact(path))
        artefact(path);
      else
        refuse(path);
    });
  }

  void damaged(const fs::path& directory) {
    for_each(directory, [&](const fs::path& path, const std::string& name) {
      if (is_folder(path) || !checkpoint_files().contains(name)) refuse(path);
      count(path);
    });
  }

  // A folder of the artefact at `root`, whose files are `own`.
  void folder(const fs::path& directory, const fs::path& root, const std::set<std::string>& own) {
    for_each(directory, [&](const fs::path& path, const std::string&) {
      const std::string relative = path.lexically_relative(root).generic_string();
      if (!is_folder(path)) return own.contains(relative) ? count(path) : refuse(path);
      if (is_own_artefact(path)) return artefact(path);
      const auto first = own.lower_bound(relative + "/");
      if (first == own.end() || !first->starts_with(relative + "/")) refuse(path);
      folder(path, root, own);
    });
  }

  void count(const fs::path& file) {
    ++removal.files;
    if (!is_link(file)) removal.bytes += fs::file_size(file);
  }

  [[noreturn]] static void refuse(const fs::path& path) {
    throw Failure(ErrorCode::kExists, path.string() +
                                          ": was not made by Maru, or is still being written; nothing is "
                                          "removed. Move it away first");
  }
};

void look(const Named& named, Walk& walk) {
  if (is_folder(named.path)) {
    if (is_own_artefact(named.path)) return walk.artefact(named.path);
    if (named.kind == Kind::kRun && is_run(named.path)) return walk.run(named.path);
    if (named.kind == Kind::kDataset && holds_packed_tokens(named.path)) return walk.packed_tokens(named.path);
  }
  const char* what = is_link(named.path) ? "is a symbolic link" : "has no manifest of Maru's";
  throw Failure(ErrorCode::kExists, named.path.string() + ": " + what + ", and is not removed");
}

std::string nearest_of(const std::string& name, const std::vector<std::string>& names) {
  const std::string near = nearest(name, {names.begin(), names.end()});
  return near.empty() ? "" : "; did you mean \"" + near + "\"?";
}

bool is_there(const fs::path& path) { return fs::exists(fs::symlink_status(path)); }

Named in_kind(const Home& home, const std::string& folder, const std::string& name) {
  const std::optional<Kind> kind = kind_of_folder(folder);
  if (!kind) {
    std::vector<std::string> folders;
    for (const Kind known : kKinds) folders.emplace_back(folder_of(known));
    throw Failure(ErrorCode::kInvalidArgument, fmt::format("\"{}\": expected one of {}{}", folder,
                                                           fmt::join(folders, ", "), nearest_of(folder, folders)));
  }
  Named named{*kind, name, home.place(*kind, name)};
  if (is_there(named.path)) return named;
  std::vector<std::string> names;
  for (const fs::path& path : folders_in(home.folder(*kind))) names.push_back(path.filename().string());
  throw Failure(ErrorCode::kNotFound, fmt::format("{}: \"{}\" is not there{}", folder, name, nearest_of(name, names)));
}

}  // namespace

Named find_named(const Home& home, const std::string& name) {
  if (const size_t slash = name.find('/'); slash != std::string::npos)
    return in_kind(home, name.substr(0, slash), name.substr(slash + 1));
  std::vector<Named> found;
  std::vector<std::string> choices, names;
  for (const Kind kind : kKinds) {
    for (const fs::path& path : folders_in(home.folder(kind))) names.push_back(path.filename().string());
    if (Named named{kind, name, home.place(kind, name)}; is_there(named.path)) {
      choices.push_back(fmt::format("{}/{}", folder_of(kind), name));
      found.push_back(std::move(named));
    }
  }
  if (found.size() == 1) return found.front();
  if (found.empty())
    throw Failure(ErrorCode::kNotFound, fmt::format("nothing is called \"{}\"{}", name, nearest_of(name, names)));
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("\"{}\" is the name of several: say {}", name, fmt::join(choices, " or ")));
}

Removal plan_removal(const Home& home, const Named& named) {
  Walk walk;
  look(named, walk);
  walk.removal.dependents = Dependencies(home).dependents_of(named.path);
  return std::move(walk.removal);
}

Removal remove(const Home& home, const Named& named, bool force) {
  const FileLock lock(named.path);
  remove_leftovers_of(named.path, /*locked=*/true);
  Removal removal = plan_removal(home, named);
  if (!force && !removal.dependents.empty())
    throw Failure(ErrorCode::kExists, fmt::format("{}: {} made from it; --force removes it all the same, and they can "
                                                  "no longer be verified or made again",
                                                  named.path.string(), fmt::join(removal.dependents, ", ")));
  const fs::path away = temporary_of(named.path);
  mark_temporary(named.path);
  std::error_code error;
  fs::rename(named.path, away, error);
  if (error) {
    unmark_temporary(named.path);
    throw Failure(system_error(named.path, "remove", error.value()));
  }
  sync_directory(named.path.parent_path());
  remove_temporary(away);
  return removal;
}

}  // namespace maru::catalogue
