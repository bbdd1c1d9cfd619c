#include "ledger/content_hash.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <set>

#include "base/error.h"
#include "base/hash.h"
#include "ledger/manifest.h"
#include "ledger/verify.h"

namespace maru::ledger {
namespace {

std::vector<std::string> loaded_files(const fs::path& directory) {
  std::vector<std::string> files;
  for (std::string& file : files_of(directory))
    if (is_read_by_loading(directory / file) && !fs::is_directory(directory / file)) files.push_back(std::move(file));
  return files;
}

[[noreturn]] void refuse(const fs::path& file, const std::string& what, const fs::path& directory) {
  throw Failure(ErrorCode::kDataLoss, file.string() + ": " + what + " (" + (directory / kManifestName).string() + ")");
}

std::string hash_of_artefact(const fs::path& directory) {
  const std::string sha256 = sha256_file(directory / kManifestName);
  const Manifest manifest = read_manifest(directory);
  std::set<std::string> listed;
  for (const ManifestFile& file : manifest.files) {
    listed.insert(file.path);
    if (const std::string got = sha256_file(directory / file.path); got != file.sha256)
      refuse(directory / file.path, "SHA-256 is " + got + ", expected " + file.sha256, directory);
  }
  for (const std::string& file : loaded_files(directory))
    if (!listed.contains(file)) refuse(directory / file, "not listed, and loading may read it", directory);
  return sha256;
}

std::string hash_of_files(const fs::path& directory) {
  std::string list;
  for (const std::string& file : loaded_files(directory)) list += sha256_file(directory / file) + "  " + file + "\n";
  if (list.empty()) throw Failure(ErrorCode::kNotFound, directory.string() + ": holds no file of a model");
  return sha256_hex(list);
}

}  // namespace

ContentHash content_hash(const fs::path& path) {
  if (!fs::is_directory(path)) return {.sha256 = sha256_file(path), .of = "file"};
  if (is_artefact(path)) return {.sha256 = hash_of_artefact(path), .of = "manifest"};
  return {.sha256 = hash_of_files(path), .of = "files"};
}

std::vector<std::string> LoadedContent::stamps() const {
  std::vector<fs::path> files;
  if (!fs::is_directory(path_))
    files.push_back(path_);
  else
    for (const std::string& file : files_of(path_)) files.push_back(path_ / file);
  std::vector<std::string> stamps;
  for (const fs::path& file : files) {
    struct stat info {};
    if (::stat(file.c_str(), &info) != 0) continue;  // gone, or a link to nothing: seen where it is read
    stamps.push_back(fmt::format("{} {} {} {}.{}", file.string(), info.st_ino, info.st_size, info.st_mtim.tv_sec,
                                 info.st_mtim.tv_nsec));
  }
  return stamps;
}

void LoadedContent::check_unchanged() const {
  if (stamps() != stamps_)
    throw Failure(ErrorCode::kUnavailable, path_.string() + ": its files changed while it was loaded; start again");
}

}  // namespace maru::ledger
