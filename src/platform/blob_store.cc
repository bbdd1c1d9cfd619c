#include "platform/blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <algorithm>
#include <random>

#include "base/error.h"
#include "base/temporary.h"

namespace maru::platform {
namespace {

constexpr const char *kBlobs = "blobs", *kIncoming = "incoming";

fs::path place_of(const fs::path& store, std::string_view sha256) {
  return store / kBlobs / std::string(sha256.substr(0, 2)) / std::string(sha256);
}

// Whoever uploads at the same time, in this process or another.
std::string name_of_its_own() {
  std::random_device random;
  return fmt::format("{:08x}{:08x}", random(), random());
}

void touch(const fs::path& file) { ::utimensat(AT_FDCWD, file.c_str(), nullptr, 0); }

}  // namespace

bool is_sha256(std::string_view text) {
  return text.size() == 64 && text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

BlobWriter::BlobWriter(const fs::path& store) : store_(store), file_(store / kIncoming / name_of_its_own()) {}

void BlobWriter::write(std::string_view bytes) {
  hash_.update(bytes);
  file_.write(bytes);
}

Blob BlobWriter::commit(const std::optional<Blob>& expected) {
  Blob blob{hash_.hex(), file_.size()};
  if (expected && (expected->sha256 != blob.sha256 || expected->size != blob.size))
    throw Failure(ErrorCode::kDataLoss, fmt::format("expected {} bytes with the SHA-256 {}, got {} bytes with {}",
                                                    expected->size, expected->sha256, blob.size, blob.sha256));
  const fs::path place = place_of(store_, blob.sha256);
  if (fs::create_directories(place.parent_path())) sync_directory(store_ / kBlobs);
  file_.commit_as(place);
  return blob;
}

BlobStore::BlobStore(const fs::path& root) : root_(root) {
  fs::create_directories(root_ / kBlobs);
  fs::create_directories(root_ / kIncoming);
  remove_leftovers(root_ / kIncoming);
}

std::optional<Blob> BlobStore::find(std::string_view sha256) const {
  if (!is_sha256(sha256)) return std::nullopt;
  const fs::path place = path_of(sha256);
  struct stat info {};
  if (::stat(place.c_str(), &info) != 0) return std::nullopt;
  touch(place);
  return Blob{std::string(sha256), static_cast<uint64_t>(info.st_size)};
}

fs::path BlobStore::path_of(std::string_view sha256) const {
  CHECK(is_sha256(sha256));
  return place_of(root_, sha256);
}

int64_t BlobStore::collect(const std::function<bool(const std::string&)>& referred, std::chrono::seconds unused_for) {
  const auto since = fs::file_time_type::clock::now() - unused_for;
  int64_t removed = 0;
  for (const fs::path& file : list_files(root_ / kBlobs)) {
    const std::string name = file.filename().string();
    if (!is_sha256(name) || fs::last_write_time(file) > since || referred(name)) continue;
    removed += fs::remove(file) ? 1 : 0;
  }
  return removed;
}

}  // namespace maru::platform
