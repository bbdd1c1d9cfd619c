// A lock on a name in a folder, held as long as this object and its process live: the kernel releases it however the
// process ends.
//
// It is on a file .NAME.lock beside NAME, so it holds while NAME itself is made, swapped or removed. The file says who
// holds it. The last holder removes it; one that a killed process left is taken over by the next.
#pragma once
#include <optional>

#include "base/file.h"

namespace maru {

class FileLock {
 public:
  enum class Mode : uint8_t { kExclusive, kShared };

  /// The folder of `place` must exist; `place` need not.
  ///
  /// Throws   kExists ("PLACE: in use by process 123") when another holder has not let go within a third of a second;
  ///          the system's error when the file cannot be made, which names it.
  explicit FileLock(const fs::path& place, Mode mode = Mode::kExclusive);
  /// Nothing when it is in use or cannot be locked. Does not wait.
  static std::optional<FileLock> try_exclusive(const fs::path& place);
  ~FileLock();
  FileLock(FileLock&& other) noexcept;
  FileLock& operator=(FileLock&&) = delete;

 private:
  FileLock() = default;
  bool take(const fs::path& place, Mode mode);
  fs::path file_;
  int fd_ = -1;
};

}  // namespace maru
