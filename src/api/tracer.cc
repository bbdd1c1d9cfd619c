#include "api/tracer.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "api/spans.h"
#include "http/json_body.h"

namespace maru::api {
namespace {

constexpr int kTries = 3;

/// What may work another time (OTLP/HTTP, "Failures").
bool is_passing(const Result<int>& status) {
  if (!status) return status.error().code != ErrorCode::kInvalidArgument;
  const int code = status.value();
  return code == 429 || code == 502 || code == 503 || code == 504;
}

}  // namespace

Tracer::Tracer(http::Destination to, std::string version, std::function<void(const std::string&)> warn,
               TracerOptions options)
    : to_(std::move(to)), version_(std::move(version)), warn_(std::move(warn)), options_(options) {
  thread_ = std::thread([this] { loop(); });
}

Tracer::~Tracer() {
  stop_.request_stop();
  {
    std::lock_guard lock(mutex_);
    finishing_ = true;
    deadline_ = Clock::now();
  }
  changed_.notify_all();
  thread_.join();
}

void Tracer::add(const http::Exchange& exchange) {
  std::vector<Span> spans = spans_of(exchange, Clock::now(), std::chrono::system_clock::now());
  if (spans.empty()) return;
  std::lock_guard lock(mutex_);
  if (finishing_ || waiting_.size() + spans.size() > options_.most_spans) {
    dropped_ += std::ssize(spans);
    return;
  }
  std::move(spans.begin(), spans.end(), std::back_inserter(waiting_));
  if (waiting_.size() >= options_.batch_spans) changed_.notify_all();
}

bool Tracer::finish(Clock::time_point deadline) {
  std::unique_lock lock(mutex_);
  const int64_t before = dropped_;
  finishing_ = true;
  deadline_ = deadline;
  changed_.notify_all();
  return changed_.wait_until(lock, deadline, [&] { return idle_; }) && dropped_ == before;
}

void Tracer::loop() {
  for (;;) {
    const std::vector<Span> batch = next_batch();
    if (batch.empty()) return;
    send(batch);
  }
}

/// Waits for spans, and for more of them while there is time; empty: it is over.
std::vector<Span> Tracer::next_batch() {
  std::unique_lock lock(mutex_);
  const auto full = [&] { return finishing_ || waiting_.size() >= options_.batch_spans; };
  while (!finishing_ && waiting_.empty()) changed_.wait_for(lock, options_.interval, full);
  changed_.wait_for(lock, options_.interval, full);
  std::vector<Span> batch;
  while (!waiting_.empty() && batch.size() < options_.batch_spans) {
    batch.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (batch.empty()) idle_ = true, changed_.notify_all();
  return batch;
}

void Tracer::send(const std::vector<Span>& batch) {
  if (post(batch))
    sent_ += std::ssize(batch);
  else
    dropped_ += std::ssize(batch);
}

bool Tracer::post(const std::vector<Span>& batch) {
  const std::string body = http::to_line(export_request(batch, version_));
  for (int i = 1; i <= kTries; ++i) {
    auto deadline = Clock::now() + options_.timeout;
    {
      std::lock_guard lock(mutex_);
      if (finishing_) deadline = std::min(deadline, deadline_);
    }
    const Result<int> status = http::post_json(to_, body, deadline, stop_.get_token());
    if (status && status.value() / 100 == 2) return told_ = false, true;
    tell(status ? "its answer is " + std::to_string(status.value()) : status.error().message);
    std::unique_lock lock(mutex_);
    if (!is_passing(status) || changed_.wait_for(lock, options_.pause, [&] { return finishing_; })) return false;
  }
  return false;
}

void Tracer::tell(const std::string& why) {
  if (std::exchange(told_, true) || !warn_) return;
  warn_("traces_endpoint: " + to_.authority() + " takes no traces: " + why);
}

}  // namespace maru::api
