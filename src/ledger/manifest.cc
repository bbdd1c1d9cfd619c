#include "ledger/manifest.h"

#include <algorithm>

#include "base/hash.h"
#include "base/path_text.h"
#include "base/temporary.h"
#include "ledger/manifest_signature.h"

namespace maru::ledger {
namespace {

constexpr uint64_t kMaxManifestBytes = uint64_t{1} << 30;

bool is_of_ledger(const fs::path& name) { return name == kManifestName || name == kSignatureName; }

// Purely lexical, so that it works for places that do not exist yet.
bool lies_below(const fs::path& path, const fs::path& root) {
  const fs::path relative = path.lexically_relative(root);
  return !relative.empty() && *relative.begin() != "..";
}

fs::path absolute_path(const fs::path& path) { return fs::absolute(path).lexically_normal(); }

fs::path manifest_path(const fs::path& artefact) {
  return artefact.filename() == kManifestName ? artefact : artefact / kManifestName;
}

using IsOther = std::function<bool(const fs::path&)>;

void collect(const fs::path& directory, const fs::path& root, const IsOther& is_other,
             std::vector<std::string>& paths) {
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    if (is_temporary(entry.path().filename().string())) continue;  // locks, and what others are still writing
    if (entry.is_directory() && !entry.is_symlink()) {
      if (!is_other(entry.path())) collect(entry.path(), root, is_other, paths);
    } else if (directory != root || !is_of_ledger(entry.path().filename())) {
      paths.push_back(entry.path().lexically_relative(root).generic_string());
    }
  }
}

std::string invalid_path(const Manifest& manifest) {
  for (const ManifestFile& file : manifest.files) {
    const fs::path path = fs::path(file.path).lexically_normal();
    if (path.empty() || path.is_absolute() || *path.begin() == ".." || path.generic_string() != file.path)
      return "files: \"" + file.path + "\" does not lie inside the artefact";
  }
  for (const ManifestInput& input : manifest.inputs)
    if (input.path.empty() || input.role.empty()) return "inputs: an input has no path or no role";
  return manifest.kind.empty() || manifest.name.empty() ? "kind or name is missing" : "";
}

ManifestInput input_of(std::string role, const fs::path& file, const Place& place, std::string sha256) {
  return {std::move(role), stored_path(file, place), std::move(sha256), fs::file_size(file)};
}

}  // namespace

std::string stored_path(const fs::path& path, const Place& place) {
  const fs::path full = absolute_path(path);
  if (place.home.empty()) return path_text(full);
  const fs::path home = absolute_path(place.home), directory = absolute_path(place.directory);
  const bool inside = lies_below(full, home) && lies_below(directory, home);
  return path_text(inside ? full.lexically_relative(directory) : full);
}

fs::path resolved_path(const std::string& stored, const fs::path& directory) {
  const fs::path path = path_of_text(stored);
  return path.is_absolute() ? path : absolute_path(directory / path);
}

ManifestInput raw_input(std::string role, const fs::path& file, const Place& place, const FileHasher& hasher) {
  return input_of(std::move(role), file, place, hasher(file));
}

ManifestInput raw_input(std::string role, const fs::path& file, const Place& place) {
  return raw_input(std::move(role), file, place, sha256_file);
}

ManifestInput artefact_input(std::string role, const fs::path& directory, const Place& place) {
  return raw_input(std::move(role), manifest_path(directory), place);
}

std::vector<std::string> files_of(const fs::path& directory, const IsOther& is_other) {
  std::vector<std::string> paths;
  collect(directory, directory, is_other, paths);
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::vector<std::string> files_of(const fs::path& directory) {
  return files_of(directory, [](const fs::path& folder) { return fs::exists(folder / kManifestName); });
}

std::vector<ManifestFile> hash_files(const fs::path& directory) {
  std::vector<ManifestFile> files;
  for (const std::string& path : files_of(directory))
    files.push_back({path, sha256_file(directory / path), fs::file_size(directory / path)});
  return files;
}

std::string render_manifest(const Manifest& manifest) {
  Json json = to_json(manifest);
  json["seal"] = sha256_hex(json.dump());
  return json.dump(2) + "\n";
}

Result<Manifest> parse_manifest(std::string_view text, std::string_view name) {
  Result<Json> parsed = parse_json(text, name);
  if (!parsed) return parsed.error();
  try {
    Json json = std::move(parsed).value();
    if (json.is_object()) json.erase("seal");  // checked below, through the exact bytes
    Manifest manifest = from_json<Manifest>(json, name);
    if (const std::string why = invalid_path(manifest); !why.empty())
      return {ErrorCode::kInvalidArgument, std::string(name) + ": " + why};
    if (render_manifest(manifest) != text)
      return {ErrorCode::kDataLoss, std::string(name) + ": changed after it was written (its seal does not match)"};
    return manifest;
  } catch (const Failure& e) {
    return e.error();
  } catch (const nlohmann::json::exception& e) {  // text that is not UTF-8 cannot be rendered
    return {ErrorCode::kInvalidArgument, std::string(name) + ": " + e.what()};
  }
}

bool is_artefact(const fs::path& directory) {
  constexpr std::string_view kBegin = "{\n  \"format\": ", kThen = ",\n  \"kind\": \"";
  const fs::path path = directory / kManifestName;
  std::error_code error;
  if (!fs::is_regular_file(path, error)) return false;
  std::string begin(64, '\0');
  begin.resize(InputFile(path).read(begin.data(), begin.size()));
  if (!begin.starts_with(kBegin)) return false;
  const size_t after = begin.find_first_not_of("0123456789", kBegin.size());
  return after != std::string::npos && after > kBegin.size() && begin.compare(after, kThen.size(), kThen) == 0;
}

void write_manifest(const fs::path& directory, const Manifest& manifest) {
  write_file(directory / kManifestName, render_manifest(manifest));
}

Manifest read_manifest(const fs::path& artefact) {
  const fs::path path = manifest_path(artefact);
  return parse_manifest(read_file(path, kMaxManifestBytes), path.string()).value();
}

std::string stage_key(std::string_view kind, const Json& recipe, const std::vector<ManifestInput>& inputs) {
  std::vector<std::string> contents;
  for (const ManifestInput& input : inputs) contents.push_back(input.role + " " + input.sha256);
  std::sort(contents.begin(), contents.end());
  return sha256_hex(Json({{"kind", kind}, {"recipe", recipe}, {"inputs", contents}}).dump());
}

bool is_current(const fs::path& directory, const std::string& key) {
  remove_leftovers_of(directory, /*locked=*/false);
  if (!fs::exists(directory / kManifestName)) return false;
  const Result<Manifest> manifest =
      parse_manifest(read_file(directory / kManifestName, kMaxManifestBytes), kManifestName);
  if (!manifest.ok()) return false;
  const Manifest& m = manifest.value();
  return stage_key(m.kind, m.recipe, m.inputs) == key &&
         std::all_of(m.files.begin(), m.files.end(), [&](const ManifestFile& file) {
           std::error_code error;
           return fs::file_size(directory / file.path, error) == file.bytes && !error;
         });
}

}  // namespace maru::ledger
