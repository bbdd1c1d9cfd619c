// A deadline for the whole process.
#pragma once
#include <chrono>
#include <functional>
#include <memory>

namespace maru::api {

/// After this long the process ends with the exit code of kDeadline, whatever its threads do, unless this is destroyed
/// first: a handler or a computation that hangs must not outlive a request to stop.
class EndOfProcess {
 public:
  /// `last_words` is called right before; it must not wait for other threads.
  EndOfProcess(std::chrono::duration<double> after, std::function<void()> last_words);
  ~EndOfProcess();
  EndOfProcess(const EndOfProcess&) = delete;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace maru::api
