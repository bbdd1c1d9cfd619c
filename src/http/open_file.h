// A file that is open for reading and stays so: whoever replaces or removes it by its name changes nothing here.
#pragma once
#include <cstdint>
#include <span>

#include "base/file.h"

namespace maru::http {

/// Immutable, so thread-safe.
class OpenFile {
 public:
  /// Throws   kNotFound: nothing of that name; kInvalidArgument: no regular file; kInternal: what the system says.
  explicit OpenFile(const fs::path& path);
  ~OpenFile();
  OpenFile(const OpenFile&) = delete;
  /// In bytes, when it was opened.
  uint64_t size() const { return size_; }
  /// Fills `to` from `offset` on.
  ///
  /// Throws   kDataLoss where the file ends before: it was cut since; kInternal when it cannot be read. They do not
  /// name
  ///          the path, which is not a client's business.
  void read(uint64_t offset, std::span<char> to) const;

 private:
  uint64_t size_ = 0;
  int fd_ = -1;
};

}  // namespace maru::http
