// What a client is told when its request is refused.
#pragma once
#include <string_view>

namespace maru::server {

/// Throws   ApiFailure: 400 with the field at fault.
[[noreturn]] void refuse(std::string_view message, std::string_view param, std::string_view code = "invalid_value");

}  // namespace maru::server
