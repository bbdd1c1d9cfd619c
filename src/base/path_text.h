// Paths as text. On Linux a file name is bytes; JSON, reports and terminals want UTF-8 without control characters.
#pragma once
#include <string>
#include <string_view>

#include "base/file.h"

namespace maru {

/// The path as UTF-8, and back without loss: bytes that are not UTF-8 and control characters become \xHH (two
/// hexadecimal digits), a backslash becomes two. Other names stay as they are.
std::string path_text(const fs::path& path);
fs::path path_of_text(std::string_view text);

}  // namespace maru
