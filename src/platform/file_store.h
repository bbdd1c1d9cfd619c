// The files of a home's repositories, as one thing: bytes, and who holds them, below one folder.
//
//   platform.db    repositories, commits, which file is which blob (home_database.h)
//   files/         the blobs (blob_store.h)
//
// It is opened, and made, when somebody first asks for it: a server whose clients bring no files writes nothing.
#pragma once
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "platform/home_database.h"
#include "platform/repositories.h"

namespace maru::platform {

/// When what nobody refers to is removed.
struct CollectRule {
  std::chrono::seconds every{3600};
  std::chrono::seconds unused_for{86400};  // an upload that takes longer than this from its bytes to its commit fails
};

/// Thread-safe.
class FileStore {
 public:
  using Warn = HomeDatabase::Warn;

  /// Opens what is there already; `warn` is told what an operator should know, from any thread.
  explicit FileStore(HomeDatabase& home, Warn warn = {}, CollectRule rule = {});
  ~FileStore();
  FileStore(const FileStore&) = delete;
  /// Both throw, when they have to be opened and cannot be, StorageFull or kUnavailable; `warn` is told why, which is
  /// not a client's business.
  Repositories& repositories();
  BlobStore& blobs();

  /// Since the start, for metrics.
  struct Counts {
    std::atomic<int64_t> received_bytes{0}, commits{0}, collected_blobs{0};
  };
  Counts& counts() { return counts_; }

 private:
  struct Opened;
  Opened& open();
  Opened& reach();
  void collect();

  HomeDatabase& home_;
  const Warn warn_;
  const CollectRule rule_;
  Counts counts_;
  std::mutex mutex_;  // guards what follows
  std::unique_ptr<Opened> opened_;
  std::condition_variable_any ending_;
  std::jthread collector_;  // last: it uses the others
};

}  // namespace maru::platform
