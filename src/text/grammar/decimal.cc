#include "text/grammar/decimal.h"

#include <algorithm>
#include <cstdint>
#include <cstdlib>

#include "base/json.h"

namespace maru::text::grammar {
namespace {

constexpr size_t kMaxDigits = 40;

std::strong_ordering compare_magnitudes(const Decimal& a, const Decimal& b) {
  if (const auto by_length = a.whole.size() <=> b.whole.size(); by_length != 0) return by_length;
  if (const auto by_digits = a.whole.compare(b.whole) <=> 0; by_digits != 0) return by_digits;
  return a.fraction.compare(b.fraction) <=> 0;  // without zeros behind, the shorter of two that agree is smaller
}

}  // namespace

std::strong_ordering operator<=>(const Decimal& a, const Decimal& b) {
  if (a.is_zero() && b.is_zero()) return std::strong_ordering::equal;
  if (a.negative != b.negative && !(a.is_zero() && b.negative) && !(b.is_zero() && a.negative))
    return a.negative ? std::strong_ordering::less : std::strong_ordering::greater;
  if (a.negative || b.negative) return compare_magnitudes(b, a);
  return compare_magnitudes(a, b);
}

std::optional<Decimal> decimal_of(const Json& number) {
  std::string text = number.dump();
  Decimal made;
  if (text.starts_with('-')) made.negative = true, text.erase(0, 1);
  int64_t exponent = 0;
  if (const size_t e = text.find('e'); e != std::string::npos) {
    exponent = std::strtol(text.c_str() + e + 1, nullptr, 10);
    text.resize(e);
  }
  const size_t point = std::min(text.find('.'), text.size());
  std::string digits = text.substr(0, point) + (point < text.size() ? text.substr(point + 1) : "");
  int64_t before = static_cast<int64_t>(point) + exponent;  // digits in front of the point
  if (std::abs(before) > static_cast<int64_t>(kMaxDigits)) return std::nullopt;
  for (; before < 0; ++before) digits.insert(0, 1, '0');
  while (static_cast<int64_t>(digits.size()) < before) digits += '0';
  made.whole = digits.substr(0, static_cast<size_t>(before));
  made.fraction = digits.substr(static_cast<size_t>(before));
  made.whole.erase(0, std::min(made.whole.find_first_not_of('0'), made.whole.size()));
  if (made.whole.empty()) made.whole = "0";
  while (made.fraction.ends_with('0')) made.fraction.pop_back();
  if (made.whole.size() > kMaxDigits || made.fraction.size() > kMaxDigits) return std::nullopt;
  if (made.is_zero()) made.negative = false;
  return made;
}

uint64_t remainder(const Decimal& integer, uint64_t divisor) {
  uint64_t rest = 0;
  for (const char digit : integer.whole) rest = (rest * 10 + static_cast<uint64_t>(digit - '0')) % divisor;
  return rest;
}

std::string plus_one(std::string digits) {
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '9') {
      ++digits[i];
      return digits;
    }
    digits[i] = '0';
  }
  return "1" + digits;
}

std::optional<std::string> minus_one(std::string digits) {
  if (digits == "0") return std::nullopt;
  for (size_t i = digits.size(); i-- > 0;) {
    if (digits[i] != '0') {
      --digits[i];
      break;
    }
    digits[i] = '9';
  }
  if (digits.size() > 1 && digits[0] == '0') digits.erase(0, 1);
  return digits;
}

}  // namespace maru::text::grammar
