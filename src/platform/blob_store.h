// Bytes by their SHA-256, each once, whoever brings them:
//
//   blobs/ab/abcd…   64 hexadecimal digits
//   incoming/        what is still being written
//
// What is there is whole: it was written under another name, hashed on the way, flushed to the disk and renamed.
// Nobody deletes a blob but collect(), for which the owner says what is referred to.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/file.h"
#include "base/hash.h"

namespace maru::platform {

struct Blob {
  std::string sha256;
  uint64_t size = 0;
};

/// 64 lower-case hexadecimal digits.
bool is_sha256(std::string_view text);

/// A blob on its way. What is not committed leaves nothing.
class BlobWriter {
 public:
  explicit BlobWriter(const fs::path& store);
  /// Throws   kExhausted on a full disk.
  void write(std::string_view bytes);
  uint64_t size() const { return file_.size(); }
  /// Call once. Throws   kDataLoss when it is not what was expected, and nothing is kept.
  Blob commit(const std::optional<Blob>& expected = std::nullopt);

 private:
  fs::path store_;
  AtomicFile file_;
  Sha256 hash_;
};

/// Small blobs that share their way to the disk: one flush of the file system for many, where each of its own would
/// take milliseconds.
class BlobBatch {
 public:
  explicit BlobBatch(const fs::path& store) : store_(store) {}
  /// It is in the store after the next flush(), which comes by itself when there is much.
  ///
  /// Throws   what flush() throws.
  Blob add(std::string bytes);
  /// Throws   StorageFull; otherwise what the system says. Then none of those that wait is kept.
  void flush();

  static constexpr size_t kBlobBytes = 64 << 10;  // larger ones better have a BlobWriter

 private:
  const fs::path store_;
  std::vector<std::pair<Blob, std::string>> waiting_;
  size_t waiting_bytes_ = 0;
};

/// Thread-safe, and processes may share it.
class BlobStore {
 public:
  /// Makes the folder where it is missing, and removes what dead processes left of their uploads.
  explicit BlobStore(const fs::path& root);
  BlobWriter writer() const { return BlobWriter(root_); }
  BlobBatch batch() const { return BlobBatch(root_); }
  /// Of one that is there; nothing for any other text. It counts as used now: collect() lets it be for a while.
  std::optional<Blob> find(std::string_view sha256) const;
  /// Where its bytes lie. CHECKs that the hash is one.
  fs::path path_of(std::string_view sha256) const;
  /// Removes blobs that nobody has brought or asked for since `unused_for`, and that `referred(sha256)` denies; their
  /// number. The caller keeps others from referring to any meanwhile.
  int64_t collect(const std::function<bool(const std::string&)>& referred, std::chrono::seconds unused_for);

 private:
  fs::path root_;
};

}  // namespace maru::platform
