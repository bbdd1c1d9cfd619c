// Ctrl-C and SIGTERM. Long loops call throw_if_interrupted() at points where stopping loses nothing.
#pragma once

namespace maru {

/// First signal: interrupted() becomes true. Second: the process ends at once.
void install_interrupt_handler();
bool interrupted();
/// For tests and for programs that stop a run themselves.
void set_interrupted(bool value);
/// Throws kCancelled.
void throw_if_interrupted();

}  // namespace maru
