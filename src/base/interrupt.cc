#include "base/interrupt.h"

#include <unistd.h>

#include <csignal>

namespace maru {
namespace {

// The one global of the program: a signal handler can reach nothing else.
constinit CancelToken signalled{"interrupted; run the same command again to go on from here"};

void on_signal(int number) {
  if (signalled.cancel()) ::_exit(128 + number);
}

}  // namespace

void install_interrupt_handler() {
  struct sigaction action {};
  action.sa_handler = on_signal;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  std::signal(SIGXFSZ, SIG_IGN);
}

CancelToken& interrupt_token() { return signalled; }

}  // namespace maru
