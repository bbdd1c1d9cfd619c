// Files that are read again when they change: keys and certificates are replaced while a server runs.
//
// Looked at by stat(2), which follows links, and not by inotify: Kubernetes changes a mounted secret by pointing a link
// of its folder elsewhere, network file systems tell nobody, and a watch on a file that is replaced watches the old
// one.
#pragma once
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/file.h"

namespace maru {

class FileWatch {
 public:
  using Load = std::function<void()>;
  using Warn = std::function<void(const std::string&)>;
  static constexpr auto kPeriod = std::chrono::milliseconds(500);

  /// Calls `load` now, and on a thread of its own whenever a file is another than the last time: once it looks the same
  /// twice in a row, so that one which is being written is not read half. What `load` throws then goes to `warn`, with
  /// `kept` behind it: what stays in force. An empty path is no file.
  ///
  /// Throws   what the first `load` throws.
  FileWatch(std::vector<fs::path> files, Load load, Warn warn, std::string kept,
            std::chrono::milliseconds period = kPeriod);
  ~FileWatch();
  FileWatch(const FileWatch&) = delete;

 private:
  /// What tells one version of a file from another; all zero: there is none.
  struct Stamp {
    uint64_t device = 0, inode = 0, size = 0;
    int64_t modified = 0, changed = 0;
    bool operator==(const Stamp&) const = default;
  };
  std::vector<Stamp> stamps() const;
  void loop();
  void look();

  const std::vector<fs::path> files_;
  const Load load_;
  const Warn warn_;
  const std::string kept_;
  const std::chrono::milliseconds period_;
  std::vector<Stamp> loaded_, last_;  // of the watch's own thread
  std::mutex mutex_;                  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace maru
