#include "base/temporary.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <chrono>
#include <optional>

#include "base/error.h"
#include "base/file_lock.h"
#include "base/system_error.h"

namespace maru {
namespace {

constexpr std::string_view kNew = ".tmp-", kOld = ".old-", kLock = ".lock", kMark = ".maru.lock";
// A process that lives may have made a file a moment ago and not hold it yet; another may have got its id since.
constexpr auto kMoment = std::chrono::minutes(1);

struct Leftover {
  std::string name;  // of the thing itself
  bool is_old = false;
  pid_t process = 0;  // 0: no number of a process
};

std::optional<Leftover> parse(std::string_view name) {
  for (const std::string_view mark : {kNew, kOld}) {
    const size_t at = name.rfind(mark);
    if (at == std::string_view::npos || at == 0) continue;
    const std::string_view digits = name.substr(at + mark.size());
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos) continue;
    Leftover leftover{std::string(name.substr(0, at)), mark == kOld, 0};
    std::from_chars(digits.data(), digits.data() + digits.size(), leftover.process);
    return leftover;
  }
  return std::nullopt;
}

bool is_old_enough(const fs::path& path) {
  std::error_code error;
  const auto time = fs::last_write_time(path, error);
  return !error && fs::file_time_type::clock::now() - time > kMoment;
}

// Nobody holds it: is its process gone too, or has another got its number?
bool is_abandoned(const fs::path& path, pid_t process) {
  const bool gone = process > 0 && ::kill(process, 0) != 0 && errno == ESRCH;
  return gone || is_old_enough(path);
}

void remove_file(const fs::path& path, pid_t process) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
  if (fd < 0) return;
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0 && is_abandoned(path, process)) ::unlink(path.c_str());
  ::close(fd);
}

// The name's lock is held.
void settle_directory(const fs::path& path, const Leftover& leftover) {
  std::error_code error;
  if (!is_abandoned(path, leftover.process) || (!fs::exists(path / kMark, error) && !fs::is_empty(path, error))) return;
  const fs::path place = path.parent_path() / leftover.name;
  const bool lost = leftover.is_old && fs::symlink_status(place, error).type() == fs::file_type::not_found;
  if (lost) return fs::rename(path, place, error);
  try {
    remove_temporary(path);
  } catch (const Failure&) {  // it stays
  }
}

void settle(const fs::path& path, const Leftover& leftover, bool locked) {
  std::error_code error;
  const fs::file_status status = fs::symlink_status(path, error);
  if (fs::is_regular_file(status)) return remove_file(path, leftover.process);
  if (!fs::is_directory(status)) return;
  if (locked) return settle_directory(path, leftover);
  if (const auto lock = FileLock::try_exclusive(path.parent_path() / leftover.name)) settle_directory(path, leftover);
}

std::vector<std::string> names_in(const fs::path& folder) {
  std::vector<std::string> names;
  std::error_code error;
  for (fs::directory_iterator it(folder, error), end; !error && it != end; it.increment(error))
    names.push_back(it->path().filename().string());
  return names;
}

bool is_lock(std::string_view name) {
  return name.size() > kLock.size() + 1 && name.starts_with('.') && name.ends_with(kLock);
}

// Locked and let go: the last holder removes it.
void remove_lock(const fs::path& place) { FileLock::try_exclusive(place); }

fs::path with_mark(const fs::path& place, std::string_view mark) {
  return place.string() + std::string(mark) + std::to_string(::getpid());
}

}  // namespace

fs::path temporary_of(const fs::path& place) { return with_mark(place, kNew); }
fs::path replaced_of(const fs::path& place) { return with_mark(place, kOld); }

bool is_temporary(std::string_view name) { return parse(name).has_value() || is_lock(name); }

void refuse_temporary_name(const fs::path& place) {
  const std::string name = place.has_filename() ? place.filename().string() : place.parent_path().filename().string();
  if (is_temporary(name))
    throw Failure(ErrorCode::kInvalidArgument,
                  place.string() + ": Maru gives such names to what it is still writing; give another");
}

void mark_temporary(const fs::path& directory) {
  const fs::path mark = directory / kMark;
  const int fd = ::open(mark.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);
  if (fd < 0) throw Failure(system_error(mark, "create", errno));
  ::close(fd);
}

void unmark_temporary(const fs::path& directory) { fs::remove(directory / kMark); }

void remove_temporary(const fs::path& directory) {
  try {
    for (const std::string& name : names_in(directory))
      if (name != kMark) fs::remove_all(directory / name);
    fs::remove(directory / kMark);
    fs::remove(directory);
  } catch (const fs::filesystem_error& e) {
    throw Failure(system_error(e));
  }
}

void hold_temporary(int descriptor) {
  // Where a file system has no locks, the process id has to do.
  (void)::flock(descriptor, LOCK_EX | LOCK_NB);
}

void remove_leftovers(const fs::path& folder) {
  for (const std::string& name : names_in(folder)) {
    if (const auto leftover = parse(name)) settle(folder / name, *leftover, false);
    if (is_lock(name)) remove_lock(folder / name.substr(1, name.size() - 1 - kLock.size()));
  }
}

void remove_leftovers_of(const fs::path& place, bool locked) {
  const std::string thing = place.filename().string();
  for (const std::string& name : names_in(place.parent_path())) {
    if (const auto leftover = parse(name); leftover && leftover->name == thing)
      settle(place.parent_path() / name, *leftover, locked);
    if (!locked && name == "." + thing + std::string(kLock)) remove_lock(place);
  }
}

}  // namespace maru
