#include "infer/generation.h"

#include <utility>

namespace maru::infer {

std::string_view name_of(FinishReason reason) { return reason == FinishReason::kStop ? "stop" : "length"; }

Channel::Channel(int64_t choices, size_t capacity, std::function<void()> wake)
    : capacity_(capacity), open_choices_(choices), wake_(std::move(wake)) {}

void Channel::push(Piece piece) {
  std::lock_guard lock(mutex_);
  pieces_.push_back(std::move(piece));
  ready_.notify_all();
  if (wake_) wake_();
}

void Channel::fail(Error error) {
  std::lock_guard lock(mutex_);
  if (!error_) error_ = std::move(error);
  ready_.notify_all();
  if (wake_) wake_();
}

bool Channel::full() const {
  std::lock_guard lock(mutex_);
  return pieces_.size() >= capacity_;
}

bool Channel::abandoned() const {
  std::lock_guard lock(mutex_);
  return abandoned_;
}

void Channel::set_notify(std::function<void()> notify) {
  std::lock_guard lock(mutex_);
  notify_ = std::move(notify);
}

Channel::Next Channel::next(Piece& piece) {
  std::lock_guard lock(mutex_);
  return next_locked(piece);
}

Channel::Next Channel::wait_next(Piece& piece) {
  std::unique_lock lock(mutex_);
  ready_.wait(lock, [&] { return !pieces_.empty() || error_ || open_choices_ == 0; });
  return next_locked(piece);
}

Channel::Next Channel::next_locked(Piece& piece) {
  if (pieces_.empty()) return error_ ? Next::kFailed : open_choices_ == 0 ? Next::kEnd : Next::kWait;
  const bool was_full = pieces_.size() >= capacity_;
  piece = std::move(pieces_.front());
  pieces_.pop_front();
  open_choices_ -= piece.finish.has_value();
  if (was_full && notify_) notify_();
  return Next::kPiece;
}

Error Channel::error() const {
  std::lock_guard lock(mutex_);
  return error_.value_or(Error{});
}

void Channel::abandon() {
  std::lock_guard lock(mutex_);
  abandoned_ = true;
  wake_ = nullptr;
  if (notify_) notify_();
}

}  // namespace maru::infer
