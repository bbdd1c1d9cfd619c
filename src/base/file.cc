#include "base/file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/error.h"
#include "base/storage_full.h"
#include "base/system_error.h"
#include "base/temporary.h"

namespace maru {
namespace {

constexpr size_t kBuffer = 1 << 20;
constexpr uint64_t kStretch = 32 << 20;  // of a file, on whose way to the disk nobody waits

[[noreturn]] void fail(const fs::path& path, const char* action, int error) {
  if (error == ENOSPC || error == EDQUOT || error == EFBIG) throw StorageFull(system_error(path, action, error));
  throw Failure(system_error(path, action, error));
}

std::string_view kind_of(mode_t mode) {
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

// A pipe has no size: only who reads from beginning to end can take one. Without a writer it is empty, not waited for.
enum class Accept : uint8_t { kStreams, kRegularFiles };

int open_for_reading(const fs::path& path, uint64_t& size, Accept accept) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) fail(path, "open", errno);
  struct stat info {};
  const int error = ::fstat(fd, &info) != 0 ? errno : S_ISDIR(info.st_mode) ? EISDIR : 0;
  const bool stream = accept == Accept::kStreams && S_ISFIFO(info.st_mode);
  if (error == 0 && (stream || S_ISREG(info.st_mode))) {
    size = static_cast<uint64_t>(info.st_size);
    if (stream) ::fcntl(fd, F_SETFL, ::fcntl(fd, F_GETFL) & ~O_NONBLOCK);  // wait for what the writer sends
    return fd;
  }
  ::close(fd);
  if (error != 0) fail(path, "read", error);
  throw Failure(ErrorCode::kInvalidArgument,
                path.string() + ": expected a regular file, got " + std::string(kind_of(info.st_mode)));
}

}  // namespace

InputFile::InputFile(const fs::path& path) : path_(path), fd_(open_for_reading(path, size_, Accept::kStreams)) {
  ::posix_fadvise(fd_, 0, 0, POSIX_FADV_SEQUENTIAL);
}
InputFile::~InputFile() { ::close(fd_); }

size_t InputFile::read(char* to, size_t size) {
  for (;;) {
    const ssize_t n = ::read(fd_, to, size);
    if (n >= 0) return static_cast<size_t>(n);
    if (errno != EINTR) fail(path_, "read", errno);
  }
}

AtomicFile::AtomicFile(const fs::path& path, unsigned mode) : path_(path), temporary_(temporary_of(path)) {
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  if (fd_ < 0) fail(temporary_, "create", errno);
  struct stat info {};  // one that a dead process left keeps its own mode
  if (::fstat(fd_, &info) == 0 && (info.st_mode & 0777 & ~mode) != 0 && ::fchmod(fd_, mode) != 0)
    fail(temporary_, "protect", errno);
  hold_temporary(fd_);
}

AtomicFile::~AtomicFile() {
  if (fd_ < 0) return;
  ::close(fd_);
  ::unlink(temporary_.c_str());
}

void AtomicFile::write(std::string_view bytes) {
  size_ += bytes.size();
  buffer_.append(bytes);
  if (buffer_.size() >= kBuffer) flush();
}

void AtomicFile::flush() {
  for (size_t done = 0; done < buffer_.size();) {
    const ssize_t n = ::write(fd_, buffer_.data() + done, buffer_.size() - done);
    if (n < 0 && errno != EINTR) fail(path_, "write", errno);
    if (n > 0) done += static_cast<size_t>(n);
  }
  // What is behind is sent to the disk while more comes, so that neither all of a large file stands in memory nor the
  // last flush takes as long as the whole. Where the file system does not do it, the flush at the end does.
  const uint64_t before = (size_ - buffer_.size()) / kStretch, now = size_ / kStretch;
  const auto at = [](uint64_t stretch) { return static_cast<off64_t>(stretch * kStretch); };
  if (now > before) {
    if (before > 0)
      ::sync_file_range(fd_, at(before - 1), kStretch,
                        SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
    ::sync_file_range(fd_, at(before), at(now - before), SYNC_FILE_RANGE_WRITE);
  }
  buffer_.clear();
}

void AtomicFile::commit_as(const fs::path& place) {
  flush();
  if (::fsync(fd_) != 0) fail(path_, "write", errno);
  if (::close(std::exchange(fd_, -1)) != 0) fail(path_, "write", errno);
  if (::rename(temporary_.c_str(), place.c_str()) != 0) {
    const int error = errno;
    ::unlink(temporary_.c_str());
    fail(place, "rename into place", error);
  }
  sync_directory(place.has_parent_path() ? place.parent_path() : fs::path("."));
}

MappedFile::MappedFile(const fs::path& path) {
  uint64_t size = 0;
  const int fd = open_for_reading(path, size, Accept::kRegularFiles);
  if (size > 0) {
    void* p = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, fd, 0);
    const int error = errno;
    if (p != MAP_FAILED) {
      data_ = static_cast<const std::byte*>(p);
      size_ = size;
      guard_ = MapGuard(bytes(), path, fd);
    }
    ::close(fd);
    if (p == MAP_FAILED) fail(path, "map", error);
  } else {
    ::close(fd);
  }
}

MappedFile::~MappedFile() {
  guard_ = MapGuard();
  if (data_ != nullptr) ::munmap(const_cast<std::byte*>(data_), size_);
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)),
      size_(std::exchange(other.size_, 0)),
      guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  std::swap(guard_, other.guard_);
  return *this;
}

void MappedFile::release(std::span<const std::byte> part) const {
  CHECK(part.empty() || (part.data() >= data_ && part.data() + part.size() <= data_ + size_));
  check();
  const auto page = static_cast<size_t>(::sysconf(_SC_PAGESIZE));
  const auto offset = static_cast<size_t>(part.data() - data_);
  const size_t first = (offset + page - 1) / page * page, last = (offset + part.size()) / page * page;
  // Advice that is not taken costs memory, nothing else.
  if (first < last) (void)::madvise(const_cast<std::byte*>(data_) + first, last - first, MADV_DONTNEED);
}

std::string read_file(const fs::path& path, uint64_t limit) {
  uint64_t size = 0;
  ::close(open_for_reading(path, size, Accept::kRegularFiles));
  InputFile file(path);
  if (file.size() > limit)
    throw Failure(ErrorCode::kExhausted, path.string() + ": is " + std::to_string(file.size()) +
                                             " bytes, expected at most " + std::to_string(limit));
  std::string text(file.size(), '\0');
  size_t done = 0;
  while (const size_t n = done < text.size() ? file.read(text.data() + done, text.size() - done) : 0) done += n;
  text.resize(done);
  return text;
}

void write_file(const fs::path& path, std::string_view bytes) {
  AtomicFile file(path);
  file.write(bytes);
  file.commit();
}

void sync_directory(const fs::path& directory) {
  const int fd = ::open(directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (fd < 0) fail(directory, "open", errno);
  const int error = ::fsync(fd) == 0 ? 0 : errno;
  ::close(fd);
  if (error != 0 && error != EINVAL) fail(directory, "flush", error);
}

void replace_directory(const fs::path& from, const fs::path& to) {
  const fs::path old = replaced_of(to);
  sync_directory(from);
  const fs::file_status there = fs::symlink_status(to);
  const bool existed = fs::exists(there);
  if (existed && !fs::is_directory(there))
    throw Failure(ErrorCode::kExists, to.string() + ": is no directory, and is not replaced by one");
  if (existed) mark_temporary(to);  // what is killed from here on leaves it to be removed
  if (existed && ::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_EXCHANGE) == 0) {
    fs::remove_all(from);
  } else {
    if (existed) fs::rename(to, old);
    fs::rename(from, to);
    fs::remove_all(old);
  }
  sync_directory(to.has_parent_path() ? to.parent_path() : fs::path("."));
}

std::vector<fs::path> list_files(const fs::path& root) {
  if (!fs::exists(root)) fail(root, "open", ENOENT);
  std::vector<fs::path> files;
  if (!fs::is_directory(root)) return {root};
  for (auto it = fs::recursive_directory_iterator(root, fs::directory_options::skip_permission_denied);
       const fs::directory_entry& entry : it)
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace maru
