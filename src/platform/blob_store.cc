#include "platform/blob_store.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <deque>
#include <random>
#include <utility>

#include "base/error.h"
#include "base/storage_full.h"
#include "base/system_error.h"
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

[[noreturn]] void fail(const fs::path& path, const char* action, int error) {
  const Error words = system_error(path, action, error);
  if (words.code == ErrorCode::kExhausted && error != EMFILE && error != ENFILE) throw StorageFull(words);
  throw Failure(words);
}

/// True when it was not there.
bool make_folder(const fs::path& folder) {
  std::error_code error;
  const bool made = fs::create_directories(folder, error);
  if (error) fail(folder, "create", error.value());
  return made;
}

std::optional<Blob> find_blob(const fs::path& store, std::string_view sha256) {
  if (!is_sha256(sha256)) return std::nullopt;
  const fs::path place = place_of(store, sha256);
  struct stat info {};
  if (::stat(place.c_str(), &info) != 0) return std::nullopt;
  ::utimensat(AT_FDCWD, place.c_str(), nullptr, 0);  // it is used now
  return Blob{std::string(sha256), static_cast<uint64_t>(info.st_size)};
}

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
  if (make_folder(place.parent_path())) sync_directory(store_ / kBlobs);
  file_.commit_as(place);
  return blob;
}

namespace {

/// A file of a batch, until it has its name.
class BatchFile {
 public:
  BatchFile(const fs::path& store, const Blob& blob, std::string_view bytes)
      : place_(place_of(store, blob.sha256)), temporary_(temporary_of(store / kIncoming / name_of_its_own())) {
    make_folder(place_.parent_path());
    fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
    if (fd_ < 0) fail(temporary_, "create", errno);
    hold_temporary(fd_);
    while (!bytes.empty()) {
      const ssize_t n = ::write(fd_, bytes.data(), bytes.size());
      if (n < 0 && errno != EINTR) {
        const int error = errno;
        discard();
        fail(place_, "write", error);
      }
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    }
  }
  ~BatchFile() { discard(); }
  BatchFile(const BatchFile&) = delete;
  /// Everything of the file system that was written so far.
  void flush_all() const {
    if (::syncfs(fd_) != 0) fail(place_, "flush", errno);
  }
  void take_place() {
    if (::rename(temporary_.c_str(), place_.c_str()) != 0) fail(place_, "rename into place", errno);
    temporary_.clear();
  }

 private:
  void discard() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
    if (!temporary_.empty()) ::unlink(temporary_.c_str());
  }
  fs::path place_, temporary_;
  int fd_ = -1;
};

constexpr size_t kBatchFiles = 64;               // as many are open at once
constexpr size_t kBatchBytes = size_t{4} << 20;  // as much stands in memory

}  // namespace

Blob BlobBatch::add(std::string bytes) {
  Blob blob{sha256_hex(bytes), bytes.size()};
  waiting_bytes_ += bytes.size();
  waiting_.emplace_back(blob, std::move(bytes));
  if (waiting_.size() >= kBatchFiles || waiting_bytes_ >= kBatchBytes) flush();
  return blob;
}

void BlobBatch::flush() {
  const auto waiting = std::exchange(waiting_, {});
  waiting_bytes_ = 0;
  std::deque<BatchFile> files;
  for (const auto& [blob, bytes] : waiting)
    if (!find_blob(store_, blob.sha256)) files.emplace_back(store_, blob, bytes);
  if (files.empty()) return;
  files.front().flush_all();  // the bytes before the names
  for (BatchFile& file : files) file.take_place();
  files.front().flush_all();
}

BlobStore::BlobStore(const fs::path& root) : root_(root) {
  fs::create_directories(root_ / kBlobs);
  fs::create_directories(root_ / kIncoming);
  remove_leftovers(root_ / kIncoming);
}

std::optional<Blob> BlobStore::find(std::string_view sha256) const { return find_blob(root_, sha256); }

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
