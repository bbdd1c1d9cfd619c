// Files: reading, mapping, and writing so that a crash or a full disk leaves either the old file or the new one.
// Every failure names the path.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/map_guard.h"

namespace maru {

namespace fs = std::filesystem;

/// Sequential reader of a regular file. Throws kNotFound if the file is missing, kInvalidArgument if it is of another
/// kind (opening a pipe would wait for ever), kInternal on I/O errors.
class InputFile {
 public:
  explicit InputFile(const fs::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  size_t read(char* to, size_t size);  // 0 at the end
  uint64_t size() const { return size_; }

 private:
  fs::path path_;
  uint64_t size_ = 0;  // before fd_, whose initialiser sets it
  int fd_ = -1;
};

/// Writes to `path` + ".tmp-PID"; commit() flushes to disk and renames. Without commit() nothing remains.
/// Throws kExhausted on a full disk, kInternal otherwise.
class AtomicFile {
 public:
  /// `mode`: who may use the file, as far as the process's mask lets them.
  explicit AtomicFile(const fs::path& path, unsigned mode = 0644);
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  void write(std::string_view bytes);
  void write(std::span<const std::byte> bytes) { write({reinterpret_cast<const char*>(bytes.data()), bytes.size()}); }
  void commit() { commit_as(path_); }
  /// Under another name of the same file system, where what is written says what it is called.
  void commit_as(const fs::path& place);
  uint64_t size() const { return size_; }

 private:
  void flush();
  fs::path path_, temporary_;
  int fd_ = -1;
  uint64_t size_ = 0;
  std::string buffer_;
};

/// A read-only memory map of a regular file. Empty files map to an empty span. A file that is cut short or written to
/// while it is mapped does not end the process (base/map_guard.h): what was lost reads as zeros, and check() says so.
class MappedFile {
 public:
  MappedFile() = default;
  explicit MappedFile(const fs::path& path);
  ~MappedFile();
  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  std::span<const std::byte> bytes() const { return {data_, size_}; }
  std::string_view text() const { return {reinterpret_cast<const char*>(data_), size_}; }
  /// Gives the memory of the pages that lie wholly in `part` back to the system; they are read again when they are
  /// looked at. What a loader calls when it has copied a part: throws as check() does. CHECKs that `part` lies in the
  /// map.
  void release(std::span<const std::byte> part) const;
  /// From now on check_mapped_files() speaks for this file too: for what is read long after it was opened.
  void count_in() { guard_.count_in(); }
  /// Throws kDataLoss, naming the file, when it was cut short or written to since it was mapped.
  void check() const { guard_.intact().value(); }

 private:
  const std::byte* data_ = nullptr;
  size_t size_ = 0;
  MapGuard guard_;
};

/// The whole file. Throws kExhausted if it is larger than `limit` bytes.
std::string read_file(const fs::path& path, uint64_t limit = uint64_t{1} << 32);
void write_file(const fs::path& path, std::string_view bytes);
/// Flushes a directory's entries to disk, so that a rename inside it survives a power cut.
void sync_directory(const fs::path& directory);
/// Replaces directory `to` by `from` (same file system); `to` is never half written.
void replace_directory(const fs::path& from, const fs::path& to);
/// All regular files below `root` (or `root` itself), sorted by path; symbolic links are not followed out of it.
std::vector<fs::path> list_files(const fs::path& root);

}  // namespace maru
