#include "base/private_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "base/error.h"
#include "base/system_error.h"

namespace maru {
namespace {

[[noreturn]] void refuse(const std::string& what) { throw Failure(ErrorCode::kInvalidArgument, what); }

/// Of the file that is open, not of what has that name by now.
void check_owner(int fd, const fs::path& path) {
  struct stat info {};
  if (::fstat(fd, &info) != 0) throw Failure(system_error(path, "read", errno));
  if (!S_ISREG(info.st_mode)) refuse(path.string() + ": expected a regular file");
  if ((info.st_mode & 077) != 0)
    refuse(path.string() +
           ": others than its owner may read or write it; chmod 600 it (in Kubernetes: "
           "defaultMode: 0400)");
  if (info.st_uid != ::geteuid() && info.st_uid != 0)
    refuse(path.string() + ": belongs to another user than the one who runs this program");
}

}  // namespace

std::string read_private_file(const fs::path& path, uint64_t limit) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) throw Failure(system_error(path, "open", errno));
  const struct Closer {
    int fd;
    ~Closer() { ::close(fd); }
  } closer{fd};
  check_owner(fd, path);
  std::string text;
  char bytes[1 << 16];
  for (ssize_t n = 0; (n = ::read(fd, bytes, sizeof bytes)) != 0;) {
    if (n < 0 && errno != EINTR) throw Failure(system_error(path, "read", errno));
    if (n > 0) text.append(bytes, static_cast<size_t>(n));
    if (text.size() > limit)
      throw Failure(ErrorCode::kExhausted, path.string() + ": larger than " + std::to_string(limit) + " bytes");
  }
  return text;
}

}  // namespace maru
