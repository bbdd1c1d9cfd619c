// A body on its way from a connection into its sink, block by block over a thread that may wait for a disk.
//
// The connection's strand adds blocks, one job after the other takes them out; so the sink sees one call at a time, and
// uploads take turns on the threads.
#pragma once
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "http/body_sink.h"
#include "http/work.h"

namespace maru::http {

class Upload : public WorkerPool::Job, public std::enable_shared_from_this<Upload> {
 public:
  static constexpr size_t kBlockBytes = 256 << 10;
  static constexpr size_t kQueuedBytes = 4 * kBlockBytes;  // that wait for the sink; then its client waits

  /// `work`'s request is the sink's; nobody else touches it before is_done(). `wake` is called after every step.
  Upload(std::shared_ptr<Work> work, const MakeSink& make, const Dialect& dialect, WorkerPool& threads, Wake wake)
      : work_(std::move(work)), make_(make), dialect_(dialect), threads_(threads), wake_(std::move(wake)) {}

  // On the connection's strand:
  /// Makes the sink.
  void begin() { schedule(); }
  /// The sink is there, or failed.
  bool is_open() const;
  /// Once it is open.
  uint64_t limit() const;
  size_t queued_bytes() const;
  /// The next bytes of the body; returns an empty block to fill.
  std::string add(std::string block);
  /// There are no more: finishes the sink and gives it to the request.
  void end();
  bool is_done() const;
  bool has_failed() const;
  /// What the sink threw, as an answer; only once.
  std::optional<Response> take_failure();
  /// Nobody waits for it, and nobody has the request: the sink goes.
  void give_up();

  void run() override;

 private:
  void schedule();
  void step();
  void fail(Response failure);

  const std::shared_ptr<Work> work_;
  const MakeSink& make_;
  const Dialect& dialect_;
  WorkerPool& threads_;
  const Wake wake_;
  std::unique_ptr<BodySink> sink_;  // of the job that runs
  mutable std::mutex mutex_;        // guards what follows
  std::deque<std::string> blocks_;
  std::vector<std::string> spare_;  // empty ones, so that no memory is asked for again
  size_t queued_bytes_ = 0;         // the block that is written included
  uint64_t limit_ = 0;
  bool scheduled_ = false, open_ = false, ended_ = false, done_ = false, failed_ = false, given_up_ = false;
  std::optional<Response> failure_;
};

}  // namespace maru::http
