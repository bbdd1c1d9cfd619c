// Ctrl-C and SIGTERM as a token that the work of this process may watch.
#pragma once
#include "base/cancel.h"

namespace maru {

/// First signal: the token is cancelled. Second: the process ends at once. A file that may not grow any further
/// (RLIMIT_FSIZE) is an error of who writes it, not the end of the process.
void install_interrupt_handler();
/// Cancelled by the first signal; a program may stop itself by it, too.
CancelToken& interrupt_token();

inline bool interrupted() { return interrupt_token().cancelled(); }
/// Throws kCancelled.
inline void throw_if_interrupted() { interrupt_token().throw_if_cancelled(); }

}  // namespace maru
