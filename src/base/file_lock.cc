#include "base/file_lock.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <chrono>
#include <thread>
#include <utility>

#include "base/error.h"
#include "base/system_error.h"

namespace maru {
namespace {

// Others look for leftovers in a moment; who writes holds it for longer.
constexpr int kAttempts = 17;
constexpr auto kPause = std::chrono::milliseconds(20);

// False: the file that is locked has been removed by its last holder, and another may lie there now.
bool still_lies_at(int fd, const fs::path& file) {
  struct stat locked {
  }, there{};
  return ::fstat(fd, &locked) == 0 && ::stat(file.c_str(), &there) == 0 && locked.st_ino == there.st_ino &&
         locked.st_dev == there.st_dev;
}

// The process that the file names, if it lives; 0: none. Only for messages: nothing else depends on it.
pid_t holder_in(int fd) {
  char text[32] = {};
  const ssize_t size = ::pread(fd, text, sizeof(text), 0);
  pid_t process = 0;
  std::from_chars(text, text + std::max<ssize_t>(0, size), process);
  const bool lives = process > 0 && (::kill(process, 0) == 0 || errno == EPERM);
  return lives ? process : 0;
}

void write_holder(int fd) {
  const std::string text = std::to_string(::getpid()) + "\n";
  if (::ftruncate(fd, 0) == 0) (void)!::pwrite(fd, text.data(), text.size(), 0);
}

std::string holder_of(const fs::path& file) {
  const int fd = ::open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  const pid_t process = fd < 0 ? 0 : holder_in(fd);
  if (fd >= 0) ::close(fd);
  return process > 0 ? "process " + std::to_string(process) : "another process";
}

fs::path lock_file_of(const fs::path& place) {
  return place.parent_path() / ("." + place.filename().string() + ".lock");
}

}  // namespace

bool FileLock::take(const fs::path& place, Mode mode) {
  file_ = lock_file_of(place);
  for (;;) {
    const int fd = ::open(file_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
    if (fd < 0) throw Failure(system_error(file_, "create", errno));
    if (::flock(fd, (mode == Mode::kShared ? LOCK_SH : LOCK_EX) | LOCK_NB) != 0) {
      const int error = errno;
      ::close(fd);
      if (error == EWOULDBLOCK) return false;
      if (error != EINTR) throw Failure(system_error(file_, "lock", error));
    } else if (still_lies_at(fd, file_)) {
      fd_ = fd;
      if (mode == Mode::kExclusive || holder_in(fd) == 0) write_holder(fd);  // of several, one is named
      return true;
    } else {
      ::close(fd);
    }
  }
}

FileLock::FileLock(const fs::path& place, Mode mode) {
  for (int attempt = 0; attempt < kAttempts; ++attempt) {
    if (attempt > 0) std::this_thread::sleep_for(kPause);
    if (take(place, mode)) return;
  }
  throw Failure(ErrorCode::kExists, place.string() + ": in use by " + holder_of(file_));
}

std::optional<FileLock> FileLock::try_exclusive(const fs::path& place) {
  FileLock lock;
  try {
    if (!lock.take(place, Mode::kExclusive)) return std::nullopt;
  } catch (const Failure&) {
    return std::nullopt;  // the caller can do without
  }
  return lock;
}

FileLock::FileLock(FileLock&& other) noexcept : file_(std::move(other.file_)), fd_(std::exchange(other.fd_, -1)) {}

FileLock::~FileLock() {
  if (fd_ < 0) return;
  // Exclusive: nobody else holds it any more.
  if (::flock(fd_, LOCK_EX | LOCK_NB) == 0) ::unlink(file_.c_str());
  ::close(fd_);
}

}  // namespace maru
