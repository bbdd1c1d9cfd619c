#include "http/download.h"

#include <algorithm>
#include <new>
#include <utility>

namespace maru::http {

void Download::fetch() { threads_.push(shared_from_this()); }

void Download::run() {
  try {
    block_.resize(static_cast<size_t>(std::min<uint64_t>(left_, kBlockBytes)));
    file_->read(position_, block_);
  } catch (const Failure& failure) {
    error_ = failure.error();
  } catch (const std::bad_alloc&) {
    error_ = Error{ErrorCode::kUnavailable, ""};  // short: nothing is allocated
  }
  ready_ = true;
  wake_();
}

Outcome Download::take(std::string& block) {
  ready_ = false;
  if (error_) return *std::exchange(error_, std::nullopt);
  block.swap(block_);
  position_ += block.size();
  left_ -= block.size();
  return Done{};
}

}  // namespace maru::http
