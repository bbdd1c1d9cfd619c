#include "catalogue/home.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "base/error.h"
#include "base/temporary.h"
#include "ledger/manifest.h"
#include "ledger/name.h"
#include "ledger/signing_keys.h"
#include "text/unicode/unicode_form.h"

namespace maru::catalogue {

std::optional<Kind> kind_of_folder(std::string_view folder) {
  for (const Kind kind : kKinds)
    if (folder_of(kind) == folder) return kind;
  return std::nullopt;
}

std::string directory_name(const fs::path& path) {
  return (path.has_filename() ? path : path.parent_path()).filename().string();
}

std::vector<fs::path> folders_in(const fs::path& directory) {
  std::vector<fs::path> folders;
  std::error_code error;  // a home that cannot be read says so where it is used
  for (fs::directory_iterator it(directory, error), end; !error && it != end; it.increment(error))
    if (it->is_directory(error) && !is_temporary(it->path().filename().string())) folders.push_back(it->path());
  std::sort(folders.begin(), folders.end());
  return folders;
}

bool Home::has(Kind kind, const std::string& name) const {
  return fs::exists(folder(kind) / name / ledger::kManifestName);
}

fs::path Home::find(Kind kind, const std::string& name_or_path) const {
  if (has(kind, name_or_path)) return folder(kind) / name_or_path;
  if (kind == Kind::kTokenizer && has(Kind::kModel, name_or_path)) return folder(Kind::kModel) / name_or_path;
  if (fs::exists(name_or_path)) return fs::absolute(name_or_path).lexically_normal();
  const std::vector<std::string> known = names(kind);
  throw Failure(ErrorCode::kNotFound,
                fmt::format("{}: \"{}\" is neither a path nor one of: {}", folder_of(kind), name_or_path,
                            known.empty() ? "(none yet)" : fmt::format("{}", fmt::join(known, ", "))));
}

fs::path Home::place(Kind kind, const std::string& name) const {
  ledger::check_name(folder_of(kind), name).value();
  const bool ascii = std::all_of(name.begin(), name.end(), [](char c) { return (c & 0x80) == 0; });
  std::string storage;
  if (!ascii)
    if (const std::string_view composed = text::UnicodeForm(text::NormalizationForm::kNfc).apply(name, storage);
        composed != name)
      throw Failure(ErrorCode::kInvalidArgument,
                    fmt::format("{}: \"{}\" is spelled with combining characters, expected Unicode's composed form "
                                "(NFC), {} bytes in place of {}",
                                folder_of(kind), name, composed.size(), name.size()));
  return folder(kind) / name;
}

fs::path Home::new_place(Kind kind, const std::string& out, bool force) const {
  const fs::path path = out.find('/') == std::string::npos ? place(kind, out) : fs::absolute(out).lexically_normal();
  if (fs::exists(path) && !force) throw Failure(ErrorCode::kExists, path.string() + ": exists; --force replaces it");
  return path;
}

fs::path Home::find_any(const std::string& name_or_path) const {
  for (const Kind kind : {Kind::kModel, Kind::kAdapter, Kind::kTokenizer, Kind::kDataset})
    if (has(kind, name_or_path)) return folder(kind) / name_or_path;
  return find(Kind::kModel, name_or_path);
}

std::vector<std::string> Home::names(Kind kind) const {
  std::vector<std::string> names;
  for (const fs::path& directory : folders_in(folder(kind)))
    if (fs::exists(directory / ledger::kManifestName)) names.push_back(directory.filename().string());
  return names;
}

void Home::remove_leftovers() const {
  remove_leftovers_of(root_ / kKeysFile, /*locked=*/false);
  for (const char* folder : {"", "public"}) maru::remove_leftovers(root_ / ledger::kSigningFolder / folder);
  maru::remove_leftovers(root_ / kCacheFolder);
  for (const fs::path& directory : folders_in(root_ / kCacheFolder)) maru::remove_leftovers(directory);
  for (const Kind kind : kKinds) {
    maru::remove_leftovers(folder(kind));
    for (const fs::path& directory : folders_in(folder(kind))) maru::remove_leftovers(directory);
  }
  for (const fs::path& run : folders_in(folder(Kind::kRun))) maru::remove_leftovers(run / kCheckpointsFolder);
}

}  // namespace maru::catalogue
