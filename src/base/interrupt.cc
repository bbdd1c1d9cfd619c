#include "base/interrupt.h"

#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/error.h"

namespace maru {
namespace {

// The one global of the program: a signal handler can reach nothing else.
std::atomic<bool> signalled{false};
static_assert(std::atomic<bool>::is_always_lock_free);

void on_signal(int number) {
  if (signalled.exchange(true)) ::_exit(128 + number);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
}

bool interrupted() { return signalled.load(std::memory_order_relaxed); }
void set_interrupted(bool value) { signalled = value; }

void throw_if_interrupted() {
  if (interrupted()) throw Failure(ErrorCode::kCancelled, "interrupted; run the same command again to go on from here");
}

}  // namespace maru
