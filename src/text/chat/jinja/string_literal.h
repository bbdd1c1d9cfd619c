// Escapes in string literals, as Python's unicode-escape reads them.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::text::jinja {

/// What stands between the quotes. Unknown escapes stay as they are.
Result<std::string> unescape(std::string_view literal);

}  // namespace maru::text::jinja
