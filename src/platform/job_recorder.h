// What a worker tells those who watch its job, in the job's directory: how far it is, what it says, that it still gets
// on, and how it ended. A disk that is full keeps nobody from working: what cannot be written is told later.
#pragma once
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/watch.h"
#include "platform/job_files.h"

namespace maru::platform {

/// The work is watched from one thread, a second one writes every `period` what has changed.
class JobRecorder : public ProgressSink {
 public:
  /// Says which process this is, too.
  JobRecorder(fs::path directory, int64_t attempt, std::chrono::milliseconds period = std::chrono::milliseconds(1000));
  ~JobRecorder() override;
  std::unique_ptr<ProgressLine> begin(const std::string& title, uint64_t total, const std::string& unit) override;
  void inform(const std::string& message) override { say("", message); }
  void warn(const std::string& message) override { say("warning: ", message); }
  /// Once, at the end. Tries for a while when the disk is full.
  ///
  /// Throws   what writing throws then.
  void finish(ExitRecord record, std::chrono::milliseconds patience = std::chrono::seconds(30));

 private:
  friend class RecordedLine;
  void say(std::string_view kind, const std::string& message) const;
  void stop();
  void loop();
  void beat_if_it_works();
  void write_status();

  const fs::path directory_;
  const int64_t attempt_;
  const std::chrono::milliseconds period_;
  std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false, changed_ = true;
  JobStatus status_;
  int64_t cpu_us_ = 0;  // that the work had used at the last beat
  std::thread thread_;
};

}  // namespace maru::platform
