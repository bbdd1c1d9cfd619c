// Errors of the operating system as ours: one table from errno to the codes.
#pragma once
#include <filesystem>

#include "base/error.h"

namespace maru {

/// "PATH: cannot ACTION: No space left on device".
Error system_error(const std::filesystem::path& path, const char* action, int error);
/// What a function of std::filesystem threw, with the path that it was about.
Error system_error(const std::filesystem::filesystem_error& error);

}  // namespace maru
