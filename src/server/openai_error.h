// What a client is told when its request is refused. Whatever it sent, a message stays short.
#pragma once
#include <string>
#include <string_view>

namespace maru::server {

/// At most `most` bytes of a client's own words, whole characters, and how many there were.
std::string shortened(std::string_view words, size_t most = 64);

/// Throws   ApiFailure: 400 with the field at fault; long messages and names are shortened.
[[noreturn]] void refuse(std::string_view message, std::string_view param, std::string_view code = "invalid_value");

}  // namespace maru::server
