// The time as files and APIs tell it.
#pragma once
#include <chrono>
#include <cstdint>

namespace maru {

/// Seconds since 1970, UTC.
inline int64_t unix_seconds() {
  using std::chrono::system_clock;
  return std::chrono::duration_cast<std::chrono::seconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace maru
