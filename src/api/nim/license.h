// The licence of this program, which it carries in itself.
#pragma once
#include <string_view>

namespace maru::api::nim {

/// The file LICENSE, as it was when this was built.
std::string_view license_text();

}  // namespace maru::api::nim
