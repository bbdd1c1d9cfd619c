// Numbers as people write them, digit by digit: bounds of numbers are compared without rounding.
#pragma once
#include <compare>
#include <optional>
#include <string>
#include <string_view>

#include "base/json_fwd.h"

namespace maru::text::grammar {

struct Decimal {
  bool negative = false;
  std::string whole = "0";  // no zeros in front
  std::string fraction;     // no zeros behind
  bool is_zero() const { return whole == "0" && fraction.empty(); }
  bool is_integer() const { return fraction.empty(); }
  friend bool operator==(const Decimal&, const Decimal&) = default;
};
std::strong_ordering operator<=>(const Decimal& a, const Decimal& b);

/// The value of a JSON number, as its shortest spelling says; none beyond 40 digits on a side of the point.
std::optional<Decimal> decimal_of(const Json& number);
/// The remainder of an integer, without its sign. `divisor` is below 2³².
uint64_t remainder(const Decimal& integer, uint64_t divisor);
/// The next larger number of the same kind: digits only.
std::string plus_one(std::string digits);
/// The next smaller one; of "0" none.
std::optional<std::string> minus_one(std::string digits);

}  // namespace maru::text::grammar
