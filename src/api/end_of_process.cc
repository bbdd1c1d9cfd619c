#include "api/end_of_process.h"

#include <unistd.h>

#include <condition_variable>
#include <mutex>
#include <thread>

#include "base/error.h"

namespace maru::api {

struct EndOfProcess::State {
  std::mutex mutex;  // guards what follows
  std::condition_variable changed;
  bool disarmed = false;
  std::thread thread;
};

EndOfProcess::EndOfProcess(std::chrono::duration<double> after, std::function<void()> last_words)
    : state_(std::make_unique<State>()) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration_cast<std::chrono::nanoseconds>(after);
  state_->thread = std::thread([state = state_.get(), end, last_words = std::move(last_words)] {
    std::unique_lock lock(state->mutex);
    if (state->changed.wait_until(lock, end, [&] { return state->disarmed; })) return;
    ::alarm(1);  // should the last words find nobody to take them
    if (last_words) last_words();
    ::_exit(exit_code_of(ErrorCode::kDeadline));  // no destructor: they would wait for what hangs
  });
}

EndOfProcess::~EndOfProcess() {
  {
    std::lock_guard lock(state_->mutex);
    state_->disarmed = true;
  }
  state_->changed.notify_all();
  state_->thread.join();
}

}  // namespace maru::api
