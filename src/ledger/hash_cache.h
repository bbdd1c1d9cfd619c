// Remembers the SHA-256 of raw files by (path, size, modification time), so that a second `maru up` need not read
// a large corpus again to learn that nothing changed. A convenience for skipping stages; `verify` never uses it.
// Not thread-safe.
#pragma once
#include <map>
#include <string>

#include "base/file.h"

namespace maru::ledger {

class HashCache {
 public:
  /// Reads the cache; a missing or damaged one is an empty one.
  explicit HashCache(fs::path file);
  /// The file's SHA-256, computed when its size or time is new. Throws kNotFound.
  std::string sha256(const fs::path& path);
  /// Writes what was learnt, atomically.
  void save() const;

 private:
  void read();
  struct Entry {
    uint64_t bytes = 0;
    int64_t modified_ns = 0;
    std::string sha256;
  };
  fs::path file_;
  std::map<std::string, Entry> entries_;
};

}  // namespace maru::ledger
