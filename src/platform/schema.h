// The tables of platform.db. A script that is out never changes: what a later version wants comes behind it.
#pragma once
#include <span>
#include <string_view>

namespace maru::platform {

/// What Database takes.
std::span<const std::string_view> migrations();

/// From the second version to the third.
extern const std::string_view kTenantsScript;

}  // namespace maru::platform
