#include "base/canonical_json.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <vector>

#include "base/json.h"

namespace maru {
namespace {

constexpr int64_t kLargestWhole = (int64_t{1} << 53) - 1;

/// The bytes of UTF-8 compare as code points do. As UTF-16 those beyond U+FFFF begin with 0xD8…0xDB, and so lie before
/// U+E000 to U+FFFF, whose first bytes are 0xEE and 0xEF.
int rank(unsigned char byte) { return byte == 0xEE || byte == 0xEF ? byte + 0x10 : byte; }

bool comes_before(const std::string& a, const std::string& b) {
  return std::lexicographical_compare(a.begin(), a.end(), b.begin(), b.end(), [](char x, char y) {
    return rank(static_cast<unsigned char>(x)) < rank(static_cast<unsigned char>(y));
  });
}

[[noreturn]] void refuse(const std::string& what) {
  throw Failure(ErrorCode::kInvalidArgument, "canonical JSON: " + what);
}

/// The shortest digits that are this number and no other, and the power of ten of the first.
struct Decimal {
  std::string digits;
  int exponent = 0;
};

Decimal decimal_of(double positive) {
  char text[40];
  const auto end = std::to_chars(text, text + sizeof text, positive, std::chars_format::scientific).ptr;
  const std::string_view all(text, static_cast<size_t>(end - text));
  const size_t e = all.find('e');
  Decimal decimal;
  for (const char c : all.substr(0, e))
    if (c != '.') decimal.digits += c;
  const std::string_view power = all.substr(e + 1);
  std::from_chars(power.data() + (power[0] == '+' ? 1 : 0), power.data() + power.size(), decimal.exponent);
  return decimal;
}

/// ECMA-262, Number::toString, radix 10.
std::string number_text(double value) {
  if (!std::isfinite(value)) refuse("a number that is not finite");
  if (value == 0) return "0";
  if (value < 0) return "-" + number_text(-value);
  const auto [digits, exponent] = decimal_of(value);
  const int count = static_cast<int>(digits.size()), point = exponent + 1;
  const auto part = [&](int begin, int size) {
    return digits.substr(static_cast<size_t>(begin), static_cast<size_t>(size));
  };
  if (count <= point && point <= 21) return digits + std::string(static_cast<size_t>(point - count), '0');
  if (0 < point && point <= 21) return part(0, point) + "." + part(point, count - point);
  if (-6 < point && point <= 0) return "0." + std::string(static_cast<size_t>(-point), '0') + digits;
  const std::string power = (exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  return count == 1 ? digits + power : part(0, 1) + "." + part(1, count - 1) + power;
}

std::string whole_text(const Json& json) {
  const bool fits = json.is_number_unsigned() ? json.get<uint64_t>() <= uint64_t{kLargestWhole}
                                              : std::abs(json.get<double>()) <= static_cast<double>(kLargestWhole);
  if (!fits) refuse("a whole number beyond 2^53 - 1");
  return json.dump();
}

void write(const Json& json, std::string& to);

void write_object(const Json& json, std::string& to) {
  std::vector<const std::string*> keys;
  for (const auto& [key, value] : json.items()) keys.push_back(&key);
  std::sort(keys.begin(), keys.end(), [](const auto* a, const auto* b) { return comes_before(*a, *b); });
  const char* between = "{";
  for (const std::string* key : keys) {
    to += between + Json(*key).dump() + ":";
    write(json.at(*key), to);
    between = ",";
  }
  to += keys.empty() ? "{}" : "}";
}

void write(const Json& json, std::string& to) {
  if (json.is_object()) return write_object(json, to);
  if (json.is_number_float()) return void(to += number_text(json.get<double>()));
  if (json.is_number()) return void(to += whole_text(json));
  if (!json.is_array()) return void(to += json.dump());
  to += '[';
  for (size_t i = 0; i < json.size(); ++i) {
    if (i > 0) to += ',';
    write(json[i], to);
  }
  to += ']';
}

}  // namespace

std::string canonical_json(const Json& json) {
  std::string text;
  try {
    write(json, text);
  } catch (const nlohmann::json::exception&) {
    refuse("text that is not UTF-8");
  }
  return text;
}

}  // namespace maru
