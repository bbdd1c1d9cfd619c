// Something that is done again and again, on a thread of its own.
#pragma once
#include <chrono>
#include <condition_variable>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

namespace maru::platform {

class Repeated {
 public:
  using Warn = std::function<void(const std::string&)>;
  /// What `what` throws goes to `warn` with `about` before it, once as long as it is the same; then it is tried again.
  Repeated(std::chrono::milliseconds period, std::function<void()> what, Warn warn, std::string about);
  /// Waits until it is not being done.
  ~Repeated() = default;
  Repeated(const Repeated&) = delete;

 private:
  void loop(const std::stop_token& stop, std::chrono::milliseconds period);

  const std::function<void()> what_;
  const Warn warn_;
  const std::string about_;
  std::mutex mutex_;
  std::condition_variable_any wake_;
  std::jthread thread_;  // last: it uses the others
};

}  // namespace maru::platform
