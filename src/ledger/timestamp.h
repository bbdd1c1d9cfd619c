// Moments in the time zone they were read in, as they stand in signed objects (RFC 3339, §5.6). Manifests hold none.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::ledger {

struct Timestamp {
  int64_t seconds = 0;         // since 1970
  int32_t offset_seconds = 0;  // of the clock on the wall, east of UTC; whole minutes

  /// Of this machine and its time zone.
  static Timestamp now();
  /// "2027-01-31T09:00:00+09:00". Whole seconds.
  std::string text() const;
  bool operator==(const Timestamp&) const = default;
};

/// Fails on every other spelling, and on days that no calendar has.
Result<Timestamp> parse_timestamp(std::string_view text);

}  // namespace maru::ledger
