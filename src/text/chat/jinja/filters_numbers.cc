// Filters that make numbers: abs, int, float, round.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

Value do_abs(Call& call) {
  call.bind({});
  const Value& value = call.self;
  if (value.is(Kind::kFloat)) return Value::real(std::abs(value.as_real()));
  if (value.is_undefined()) fail_undefined(call.runtime, value);
  if (!value.is_integral()) call.runtime.fail("bad operand type for abs(): '" + std::string(type_name(value)) + "'");
  return value.as_int() < 0 ? negate(call.runtime, value) : Value::integer(value.as_int());
}

/// Text without white space around it, with the decimal digits of all scripts as 0 to 9; nothing where other characters
/// beyond ASCII are in it. Here Python sees no white space in U+001C to U+001F.
std::optional<std::string> plain_number(Runtime& runtime, const MarkedText& text) {
  runtime.step_characters(2 * text.size());
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    const int digit = digit_value(c.code_point);
    const bool wide_space = c.code_point >= 0x80 && is_space(c.code_point);
    out += digit >= 0 ? static_cast<char>('0' + digit) : wide_space ? ' ' : text.bytes[i];
    i += c.length;
  }
  constexpr std::string_view kSpace = " \t\n\v\f\r";
  const size_t begin = std::min(out.find_first_not_of(kSpace), out.size());
  out = out.substr(begin, out.find_last_not_of(kSpace) + 1 - begin);
  const bool plain = std::none_of(out.begin(), out.end(), [](char c) { return c & 0x80; });
  return plain ? std::optional(out) : std::nullopt;
}

/// Without underscores; nothing where one does not stand between two `parts`.
std::optional<std::string> without_underscores(std::string_view text, bool (*part)(char)) {
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool between = i > 0 && i + 1 < text.size() && part(text[i - 1]) && part(text[i + 1]);
    if (text[i] != '_')
      out += text[i];
    else if (!between)
      return std::nullopt;
  }
  return out;
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter_or_digit(char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

/// The base of "0x", "0o" and "0b", else 0.
int64_t base_of_prefix(std::string_view text) {
  if (text.size() < 2 || text[0] != '0') return 0;
  const char letter = static_cast<char>(text[1] | 0x20);
  return letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
}

// Source: Python's int(text, base).
std::optional<int64_t> parse_int(Runtime& runtime, const MarkedText& text, int64_t base) {
  const std::optional<std::string> plain = plain_number(runtime, text);
  if (!plain || (base != 0 && (base < 2 || base > 36))) return std::nullopt;
  std::string_view left = *plain;
  const bool negative = left.starts_with('-');
  if (negative || left.starts_with('+')) left.remove_prefix(1);
  const int64_t prefix = base_of_prefix(left);
  if (prefix != 0 && (base == prefix || base == 0)) {
    left.remove_prefix(left.substr(2).starts_with('_') ? 3 : 2);
    base = prefix;
  }
  const std::optional<std::string> digits = without_underscores(left, is_letter_or_digit);
  if (!digits || digits->empty() || !is_letter_or_digit((*digits)[0])) return std::nullopt;
  if (base == 0 && (*digits)[0] == '0' && digits->find_first_not_of('0') != std::string::npos) return std::nullopt;
  uint64_t value = 0;
  const auto [end, error] =
      std::from_chars(digits->data(), digits->data() + digits->size(), value, static_cast<int>(base == 0 ? 10 : base));
  if (end != digits->data() + digits->size()) return std::nullopt;
  if (error != std::errc() || value > static_cast<uint64_t>(INT64_MAX))
    runtime.fail(ErrorCode::kUnimplemented, "integers beyond 64 bits are not supported");
  return negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
}

// Source: Python's float(text).
std::optional<double> parse_real(Runtime& runtime, const MarkedText& text) {
  const std::optional<std::string> plain = plain_number(runtime, text);
  const std::optional<std::string> digits = plain ? without_underscores(*plain, is_digit) : std::nullopt;
  if (!digits || digits->empty()) return std::nullopt;
  std::string lower = to_lower(*digits);
  const bool signed_number = lower[0] == '+' || lower[0] == '-';
  const double sign = lower[0] == '-' ? -1 : 1;
  if (signed_number) lower.erase(0, 1);
  if (lower == "inf" || lower == "infinity") return sign * INFINITY;
  if (lower == "nan") return NAN;
  if (lower.empty() || !(is_digit(lower[0]) || lower[0] == '.')) return std::nullopt;
  double value = 0;
  const auto [end, error] = std::from_chars(lower.data(), lower.data() + lower.size(), value);
  if (end != lower.data() + lower.size()) return std::nullopt;
  if (error == std::errc::result_out_of_range) value = std::strtod(lower.c_str(), nullptr);
  return sign * value;
}

std::optional<int64_t> truncated(Runtime& runtime, double value) {
  if (!std::isfinite(value)) return std::nullopt;
  if (std::abs(value) >= 9.2e18) runtime.fail(ErrorCode::kUnimplemented, "integers beyond 64 bits are not supported");
  return static_cast<int64_t>(value);
}

Value do_int(Call& call) {
  const auto a = call.bind({"default", "base"});
  const Value& value = call.self;
  const Value fallback = a[0].value_or(Value::integer(0));
  if (value.is_undefined()) fail_undefined(call.runtime, value);
  if (value.is_integral()) return Value::integer(value.as_int());
  std::optional<int64_t> whole;
  if (value.is(Kind::kFloat)) {
    if (std::isinf(value.as_real())) call.runtime.fail("cannot convert float infinity to integer");
    whole = truncated(call.runtime, value.as_real());
  } else if (value.is_string()) {
    whole = parse_int(call.runtime, value.text(), a[1] ? require_int(call.runtime, *a[1], "int") : 10);
    if (const auto real = whole ? std::nullopt : parse_real(call.runtime, value.text()))
      whole = truncated(call.runtime, *real);
  }
  return whole ? Value::integer(*whole) : fallback;
}

Value do_float(Call& call) {
  const auto a = call.bind({"default"});
  const Value& value = call.self;
  if (value.is_undefined()) fail_undefined(call.runtime, value);
  if (value.is_number()) return Value::real(value.as_real());
  if (value.is_string())
    if (const auto real = parse_real(call.runtime, value.text())) return Value::real(*real);
  return a[0].value_or(Value::real(0));
}

// To the nearest decimal of the exact value, halves to even, as Python's round().
double rounded(Runtime& runtime, double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 320) return value;
  runtime.step(std::max<int64_t>(precision, 0) + (value != 0 ? std::abs(std::ilogb(value)) / 3 : 0));
  if (precision < -308) return std::copysign(0.0, value);
  if (precision >= 0) return std::strtod(fmt::format("{:.{}f}", value, static_cast<int>(precision)).c_str(), nullptr);
  const double scale = std::pow(10.0, static_cast<double>(-precision));
  return std::nearbyint(value / scale) * scale;
}

Value rounded_integer(Runtime& runtime, const Value& value, int64_t precision) {
  if (precision >= 0) return Value::integer(value.as_int());
  if (precision < -18) return Value::integer(0);
  int64_t scale = 1;
  for (int64_t i = 0; i < -precision; ++i) scale *= 10;
  const int64_t rest = ((value.as_int() % scale) + scale) % scale;
  const Value low = binary(runtime, BinaryOp::kSubtract, Value::integer(value.as_int()), Value::integer(rest));
  const bool odd = (low.as_int() / scale) % 2 != 0;
  const bool up = rest > scale - rest || (rest == scale - rest && odd);
  return up ? binary(runtime, BinaryOp::kAdd, low, Value::integer(scale)) : low;
}

Value do_round(Call& call) {
  const auto a = call.bind({"precision", "method"});
  Runtime& runtime = call.runtime;
  const Value& value = call.self;
  const int64_t precision = a[0] ? require_int(runtime, *a[0], "round") : 0;
  const std::string method = a[1] ? require_text(runtime, *a[1], "round").bytes : "common";
  if (method != "common" && method != "ceil" && method != "floor") runtime.fail("method must be common, ceil or floor");
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (!value.is_number()) runtime.fail("round: expected a number, got " + std::string(type_name(value)));
  if (method == "common")
    return value.is_integral() ? rounded_integer(runtime, value, precision)
                               : Value::real(rounded(runtime, value.as_real(), precision));
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = value.as_real() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr auto kFilters =
    std::to_array<Method>({{"abs", do_abs}, {"float", do_float}, {"int", do_int}, {"round", do_round}});

}  // namespace

std::span<const Method> number_filters() { return kFilters; }

}  // namespace maru::text::jinja
