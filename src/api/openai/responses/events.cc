#include "api/openai/responses/events.h"

#include <utility>

#include "base/json.h"
#include "http/json_body.h"

namespace maru::api::openai {

void append_numbered(std::string& to, const char* type, int64_t number, const Json& data) {
  Json whole{{"type", type}, {"sequence_number", number}};
  whole.update(data);
  http::append_event(to, http::to_line(whole), type);
}

void EventLog::append(const char* type, const Json& data) {
  std::lock_guard lock(mutex_);
  std::string event;
  append_numbered(event, type, static_cast<int64_t>(events_.size()), data);
  event.shrink_to_fit();
  bytes_ += static_cast<int64_t>(sizeof event + event.size());
  events_.push_back(std::move(event));
  wake_readers();
}

void EventLog::close() {
  std::lock_guard lock(mutex_);
  closed_ = true;
  wake_readers();
}

void EventLog::wake_readers() const {
  for (const http::Wake& wake : readers_) wake();
}

int64_t EventLog::size() const {
  std::lock_guard lock(mutex_);
  return static_cast<int64_t>(events_.size());
}

int64_t EventLog::bytes() const {
  std::lock_guard lock(mutex_);
  return bytes_;
}

/// One connection's place in a log. That it goes away ends nothing.
class LoggedEvents : public http::EventStream {
 public:
  LoggedEvents(std::shared_ptr<EventLog> log, int64_t begin, http::Wake wake)
      : log_(std::move(log)), next_(static_cast<size_t>(begin)) {
    std::lock_guard lock(log_->mutex_);
    reader_ = log_->readers_.insert(log_->readers_.end(), std::move(wake));
  }
  ~LoggedEvents() override {
    std::lock_guard lock(log_->mutex_);
    log_->readers_.erase(reader_);
  }

  bool take(std::string& to) override {
    std::lock_guard lock(log_->mutex_);
    while (next_ < log_->events_.size() && to.size() < kTakeBytes) to += log_->events_[next_++];
    return !log_->closed_ || next_ < log_->events_.size();
  }

 private:
  const std::shared_ptr<EventLog> log_;
  std::list<http::Wake>::iterator reader_;
  size_t next_;
};

std::unique_ptr<http::EventStream> events_from(std::shared_ptr<EventLog> log, int64_t begin, http::Wake wake) {
  return std::make_unique<LoggedEvents>(std::move(log), begin, std::move(wake));
}

}  // namespace maru::api::openai
