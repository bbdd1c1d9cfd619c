// Ctrl-C and SIGTERM. Long loops call throw_if_interrupted() at points where stopping loses nothing.
#pragma once

namespace maru {

/// First signal: interrupted() becomes true. Second: the process ends at once. A file that may not grow any further
/// (RLIMIT_FSIZE) is an error of who writes it, not the end of the process.
void install_interrupt_handler();
bool interrupted();
/// For tests and for programs that stop a run themselves.
void set_interrupted(bool value);
/// Throws kCancelled.
void throw_if_interrupted();

}  // namespace maru
