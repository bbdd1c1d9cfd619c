#include "platform/repeated.h"

#include <exception>
#include <utility>

namespace maru::platform {

Repeated::Repeated(std::chrono::milliseconds period, std::function<void()> what, Warn warn, std::string about)
    : what_(std::move(what)), warn_(std::move(warn)), about_(std::move(about)) {
  thread_ = std::jthread([this, period](const std::stop_token& stop) { loop(stop, period); });
}

void Repeated::loop(const std::stop_token& stop, std::chrono::milliseconds period) {
  std::string said;
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, stop, period, [&] { return stop.stop_requested(); })) {
    lock.unlock();
    std::string trouble;
    try {
      what_();
    } catch (const std::exception& failure) {
      trouble = failure.what();
    }
    if (trouble != said && !trouble.empty() && warn_) warn_(about_ + ": " + trouble);
    said = trouble;
    lock.lock();
  }
}

}  // namespace maru::platform
