// Files with secrets: their owner's alone.
#pragma once
#include <string>

#include "base/file.h"

namespace maru {

/// The whole file, which may be read by its owner only; the owner is who runs this program, or root. Judged by the file
/// that is open, not by what has that name by then.
///
/// Throws   kInvalidArgument, naming it, when someone else may read or write it, or it is another user's; kExhausted
///          beyond `limit` bytes; the system's error.
std::string read_private_file(const fs::path& path, uint64_t limit);

}  // namespace maru
