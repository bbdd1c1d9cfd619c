// A file on its way to a client: the next block is read, on a thread that may wait for a disk, while the one before is
// sent.
#pragma once
#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include "http/http.h"
#include "http/worker_pool.h"

namespace maru::http {

/// The connection asks for a block, waits, takes it, and asks for the next: only one of the two sides has it at a time.
class Download : public WorkerPool::Job, public std::enable_shared_from_this<Download> {
 public:
  static constexpr size_t kBlockBytes = 256 << 10;

  /// `wake` is called whenever is_ready() becomes true.
  Download(const FileAnswer& file, WorkerPool& threads, Wake wake)
      : file_(file.file), position_(file.offset), left_(file.length), threads_(threads), wake_(std::move(wake)) {}
  /// Begins to read the next block. Not when there is none left.
  void fetch();
  bool is_ready() const { return ready_; }
  /// Once it is ready: swaps the block in. Fails as OpenFile::read() does.
  Outcome take(std::string& block);
  /// Of the bytes that are not taken yet.
  uint64_t left() const { return left_; }

  void run() override;

 private:
  const std::shared_ptr<const OpenFile> file_;
  uint64_t position_, left_;
  WorkerPool& threads_;
  const Wake wake_;
  std::string block_;
  std::optional<Error> error_;
  std::atomic<bool> ready_{false};
};

/// Lets go of something where that may take its time: an open file that is the last of its name, what a sink has
/// written.
class Disposal : public WorkerPool::Job {
 public:
  explicit Disposal(std::shared_ptr<const void> what) : what_(std::move(what)) {}
  void run() override { what_.reset(); }

 private:
  std::shared_ptr<const void> what_;
};

}  // namespace maru::http
