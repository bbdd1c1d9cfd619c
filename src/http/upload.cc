#include "http/upload.h"

#include <utility>

namespace maru::http {

bool Upload::is_open() const {
  std::lock_guard lock(mutex_);
  return open_ || failed_;
}

uint64_t Upload::limit() const {
  std::lock_guard lock(mutex_);
  return limit_;
}

size_t Upload::queued_bytes() const {
  std::lock_guard lock(mutex_);
  return queued_bytes_;
}

bool Upload::is_done() const {
  std::lock_guard lock(mutex_);
  return done_ || failed_;
}

bool Upload::has_failed() const {
  std::lock_guard lock(mutex_);
  return failed_;
}

std::optional<Response> Upload::take_failure() {
  std::lock_guard lock(mutex_);
  return std::exchange(failure_, std::nullopt);
}

std::string Upload::add(std::string block) {
  std::string empty;
  {
    std::lock_guard lock(mutex_);
    if (failed_) return block.clear(), block;
    queued_bytes_ += block.size();
    blocks_.push_back(std::move(block));
    if (!spare_.empty()) {
      empty = std::move(spare_.back());
      spare_.pop_back();
    }
  }
  schedule();
  return empty;
}

void Upload::end() {
  {
    std::lock_guard lock(mutex_);
    ended_ = true;
  }
  schedule();
}

void Upload::give_up() {
  work_->stop.request_stop();
  {
    std::lock_guard lock(mutex_);
    given_up_ = true;
  }
  schedule();
}

/// One job at a time, whoever asks for it.
void Upload::schedule() {
  {
    std::lock_guard lock(mutex_);
    if (std::exchange(scheduled_, true)) return;
  }
  threads_.push(shared_from_this());
}

void Upload::run() {
  try {
    step();
  } catch (...) {
    fail(response_to_current(dialect_));
  }
  bool more;
  {
    std::lock_guard lock(mutex_);
    more = !done_ && (given_up_ ? sink_ != nullptr : !failed_ && (!blocks_.empty() || ended_));
    scheduled_ = more;
  }
  if (more) threads_.push(shared_from_this());  // behind the others
  wake_();
}

/// Makes the sink, writes one block, or finishes.
void Upload::step() {
  std::string block;
  bool gone, last;
  {
    std::lock_guard lock(mutex_);
    gone = given_up_ || failed_;
    last = blocks_.empty() && ended_;
    if (!blocks_.empty()) {
      block = std::move(blocks_.front());
      blocks_.pop_front();
    }
  }
  if (gone) {
    sink_.reset();
    work_->request.sink.reset();
  } else if (sink_ == nullptr) {
    sink_ = make_(work_->request);
    CHECK(sink_ != nullptr);  // a route refuses by throwing
    const uint64_t limit = sink_->limit();
    std::lock_guard lock(mutex_);
    limit_ = limit;
    open_ = true;
  } else if (last) {
    sink_->finish();
    work_->request.sink = std::move(sink_);
    std::lock_guard lock(mutex_);
    done_ = true;
  } else {
    sink_->write(block);
    std::lock_guard lock(mutex_);
    queued_bytes_ -= block.size();
    block.clear();
    spare_.push_back(std::move(block));
  }
}

void Upload::fail(Response failure) {
  sink_.reset();
  std::lock_guard lock(mutex_);
  failed_ = true;
  failure_ = std::move(failure);
  blocks_.clear();
  queued_bytes_ = 0;
}

}  // namespace maru::http
