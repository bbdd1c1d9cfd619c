#include "serving/fingerprint.h"

#include <algorithm>
#include <span>

#include "base/hash.h"
#include "ledger/code_version.h"
#include "ledger/manifest.h"

namespace maru::serving {
namespace {

constexpr size_t kWholeBytes = 4 << 20, kEndBytes = 64 << 10, kPlaces = 256, kPlaceBytes = 4 << 10;

/// With its length before it, so that no two lists of parts look alike.
void add(Sha256& hash, std::string_view part) {
  hash.update(std::to_string(part.size()) + ":");
  hash.update(part);
}

/// A large file: sizes and names of tensors stand in its head, their values are looked at here and there.
void add_places(Sha256& hash, std::string_view bytes) {
  add(hash, bytes.substr(0, kWholeBytes));
  for (size_t i = 1; i <= kPlaces; ++i) add(hash, bytes.substr(bytes.size() / (kPlaces + 1) * i, kPlaceBytes));
  add(hash, bytes.substr(bytes.size() - kEndBytes));
}

void add_file(Sha256& hash, const fs::path& path, const std::string& name) {
  add(hash, name);
  if (fs::file_size(path) == 0) return add(hash, "");
  const MappedFile file(path);
  add(hash, std::to_string(file.text().size()));
  if (file.text().size() <= 2 * kWholeBytes) return add(hash, file.text());
  add_places(hash, file.text());
}

}  // namespace

std::string weights_identity(const fs::path& path) {
  Sha256 hash;
  if (fs::exists(path / ledger::kManifestName)) {
    add_file(hash, path / ledger::kManifestName, "manifest");
    return hash.hex();
  }
  if (!fs::is_directory(path)) {
    add_file(hash, path, "file");
    return hash.hex();
  }
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  for (const fs::path& file : files) add_file(hash, file, file.filename().string());
  return hash.hex();
}

std::string system_fingerprint(const fs::path& weights, std::string_view besides) {
  Sha256 hash;
  add(hash, weights_identity(weights));
  add(hash, ledger::code_version());
  add(hash, besides);
  return "fp_" + hash.hex().substr(0, 16);
}

}  // namespace maru::serving
