#include "platform/job_recorder.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <limits>

#include "base/excerpt.h"
#include "base/json.h"

namespace maru::platform {
namespace {

using std::chrono::milliseconds;

constexpr size_t kMaxMessageBytes = 8192;
constexpr int64_t kWorkUs = 1000;  // of computing within a period: less is the recorder's own
constexpr milliseconds kAgain{500};

int64_t cpu_us(int who) {
  rusage usage{};
  ::getrusage(who, &usage);
  const auto us = [](const timeval& t) { return int64_t{1'000'000} * t.tv_sec + t.tv_usec; };
  return us(usage.ru_utime) + us(usage.ru_stime);
}

int64_t clamped(uint64_t n) { return static_cast<int64_t>(std::min<uint64_t>(n, std::numeric_limits<int64_t>::max())); }

/// Names of files are bytes of any kind.
void write_any(const fs::path& file, const Json& json) {
  write_file(file, json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n");
}

std::string one_line(std::string text) {
  for (char& c : text)
    if (static_cast<unsigned char>(c) < 0x20) c = ' ';
  return text;
}

}  // namespace

class RecordedLine : public ProgressLine {
 public:
  RecordedLine(JobRecorder& owner, const std::string& title, uint64_t total, const std::string& unit) : owner_(owner) {
    const std::lock_guard lock(owner_.mutex_);
    JobStatus& status = owner_.status_;
    status = {
        .attempt = status.attempt, .beat = status.beat + 1, .title = title, .unit = unit, .total = clamped(total)};
    owner_.changed_ = true;
  }
  void update(uint64_t done) override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.status_.done = clamped(done);
    ++owner_.status_.beat;
    owner_.changed_ = true;
  }
  void note(const std::string& text) override {
    const std::lock_guard lock(owner_.mutex_);
    owner_.status_.note = excerpt(text, kMaxMessageBytes);
    owner_.changed_ = true;
  }

 private:
  JobRecorder& owner_;
};

JobRecorder::JobRecorder(fs::path directory, int64_t attempt, milliseconds period)
    : directory_(std::move(directory)), attempt_(attempt), period_(period), status_{.attempt = attempt} {
  write_json(directory_ / kWorkerFile, to_json(WorkerFile{attempt, identity_of(::getpid()).value()}));
  thread_ = std::thread([this] { loop(); });
}

JobRecorder::~JobRecorder() { stop(); }

void JobRecorder::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

std::unique_ptr<ProgressLine> JobRecorder::begin(const std::string& title, uint64_t total, const std::string& unit) {
  return std::make_unique<RecordedLine>(*this, title, total, unit);
}

// Standard error is the job's log.
void JobRecorder::say(std::string_view kind, const std::string& message) const {
  const auto now = std::chrono::floor<std::chrono::seconds>(std::chrono::system_clock::now());
  const std::string line = fmt::format("{:%FT%TZ} {}{}\n", now, kind, one_line(excerpt(message, kMaxMessageBytes)));
  (void)!::write(STDERR_FILENO, line.data(), line.size());
}

void JobRecorder::loop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    beat_if_it_works();
    lock.unlock();
    write_status();
    lock.lock();
    wake_.wait_for(lock, period_, [&] { return stopping_; });
  }
}

// Work that computes and says nothing gets on, too; a thread that only writes here every second is no work.
void JobRecorder::beat_if_it_works() {
  const int64_t now = cpu_us(RUSAGE_SELF) - cpu_us(RUSAGE_THREAD);
  if (now - cpu_us_ < kWorkUs) return;
  cpu_us_ = now;
  ++status_.beat;
  changed_ = true;
}

void JobRecorder::write_status() {
  std::unique_lock lock(mutex_);
  if (!changed_) return;
  const JobStatus status = status_;
  changed_ = false;
  lock.unlock();
  try {
    write_any(directory_ / kStatusFile, to_json(status));
  } catch (const std::exception&) {  // no room, on the disk or in memory: there may be some the next time
    lock.lock();
    changed_ = true;
  }
}

void JobRecorder::finish(ExitRecord record, milliseconds patience) {
  record.attempt = attempt_;
  record.message = excerpt(record.message, kMaxMessageBytes);
  stop();
  write_status();
  const auto end = std::chrono::steady_clock::now() + patience;
  for (;;) try {
      return write_any(directory_ / kExitFile, to_json(record));
    } catch (const Failure&) {
      if (std::chrono::steady_clock::now() >= end) throw;
      std::this_thread::sleep_for(std::min(kAgain, patience));
    }
}

}  // namespace maru::platform
