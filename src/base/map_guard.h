// What happens to a mapped file while it is mapped. A file that is cut short raises SIGBUS in whoever reads its lost
// pages; here the lost part becomes zeros, the map is marked, and whoever used it learns of it before results leave.
#pragma once
#include <cstddef>
#include <filesystem>
#include <span>

#include "base/error.h"

namespace maru {

/// Stands for one mapped file; movable. Thread-safe, except that it must not be moved while others use it.
class MapGuard {
 public:
  MapGuard() = default;
  /// `bytes` are the map of what `fd` has open. Installs the process's handler of SIGBUS the first time; faults outside
  /// of guarded maps still end the process.
  MapGuard(std::span<const std::byte> bytes, const std::filesystem::path& path, int fd);
  ~MapGuard();  // before the map is undone
  MapGuard(MapGuard&& other) noexcept;
  MapGuard& operator=(MapGuard&& other) noexcept;

  /// From now on mapped_files_intact() speaks for this file too.
  void count_in();
  /// kDataLoss, naming the file, when it was cut short or written to since it was mapped: by the fault that came of it,
  /// or by its size and time. A file that another has replaced by renaming is intact: the map keeps the old one.
  /// Cost     one stat.
  Outcome intact() const;

 private:
  struct Slot;
  struct Registry;
  friend Outcome mapped_files_intact();
  Slot* slot_ = nullptr;
};

/// Whether all files that are counted in (weights and token shards in use) are intact. Asked after a step has computed
/// and before anything of it leaves.
Outcome mapped_files_intact();
/// Throws what mapped_files_intact() finds.
inline void check_mapped_files() { mapped_files_intact().value(); }

}  // namespace maru
