// Moments of UTC as people and programs write them (RFC 3339 §5.6, the form that ends in Z).
#pragma once
#include <chrono>
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::platform {

using UtcTime = std::chrono::sys_seconds;

/// "2027-01-31T00:00:00Z", or "2027-01-31" for the beginning of that day. Fails on anything else, and on days that no
/// calendar has.
Result<UtcTime> parse_utc(std::string_view text);
/// "2027-01-31T00:00:00Z".
std::string utc_text(UtcTime time);
UtcTime utc_now();
/// "2027-01-31T00:00:00.000Z".
std::string utc_milliseconds(std::chrono::system_clock::time_point time);

}  // namespace maru::platform
