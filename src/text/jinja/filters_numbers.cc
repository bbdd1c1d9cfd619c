// Filters that make numbers: abs, int, float, round.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "text/jinja/filters.h"
#include "text/jinja/operations.h"
#include "text/jinja/utf8.h"

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

/// Text without white space around it and without the underscores between digits; nothing where one is misplaced.
std::optional<std::string> digits_of(Runtime& runtime, const MarkedText& text) {
  const std::string trimmed = strip(runtime, text, nullptr, StripSide::kBoth).bytes;
  std::string out;
  for (size_t i = 0; i < trimmed.size(); ++i) {
    const auto alnum = [&](size_t at) {
      return at < trimmed.size() && std::isalnum(static_cast<uint8_t>(trimmed[at])) != 0;
    };
    if (trimmed[i] != '_')
      out += trimmed[i];
    else if (i == 0 || !alnum(i - 1) || !alnum(i + 1))
      return std::nullopt;
  }
  return out;
}

std::optional<int64_t> parse_int(Runtime& runtime, const MarkedText& text, int64_t base) {
  std::optional<std::string> digits = digits_of(runtime, text);
  if (!digits || (base != 0 && (base < 2 || base > 36))) return std::nullopt;
  std::string_view left = *digits;
  const bool negative = left.starts_with('-');
  if (negative || left.starts_with('+')) left.remove_prefix(1);
  const char letter = left.size() > 2 && left[0] == '0' ? static_cast<char>(left[1] | 0x20) : '\0';
  const int64_t prefix = letter == 'x' ? 16 : letter == 'o' ? 8 : letter == 'b' ? 2 : 0;
  if (prefix != 0 && (base == prefix || base == 0)) left.remove_prefix(2), base = prefix;
  if (base == 0) base = 10;
  uint64_t value = 0;
  const auto [end, error] = std::from_chars(left.data(), left.data() + left.size(), value, static_cast<int>(base));
  if (left.empty() || end != left.data() + left.size()) return std::nullopt;
  if (error != std::errc() || value > static_cast<uint64_t>(INT64_MAX))
    runtime.fail(ErrorCode::kUnimplemented, "integers beyond 64 bits are not supported");
  return negative ? -static_cast<int64_t>(value) : static_cast<int64_t>(value);
}

std::optional<double> parse_real(Runtime& runtime, const MarkedText& text) {
  const std::optional<std::string> digits = digits_of(runtime, text);
  if (!digits || digits->empty()) return std::nullopt;
  std::string lower = to_lower(*digits);
  const bool signed_number = lower[0] == '+' || lower[0] == '-';
  const double sign = lower[0] == '-' ? -1 : 1;
  if (signed_number) lower.erase(0, 1);
  if (lower == "inf" || lower == "infinity") return sign * INFINITY;
  if (lower == "nan") return NAN;
  if (lower.empty() || lower.find_first_not_of("0123456789.e+-") != std::string::npos) return std::nullopt;
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
double rounded(double value, int64_t precision) {
  if (!std::isfinite(value) || precision > 320) return value;
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
                               : Value::real(rounded(value.as_real(), precision));
  const double scale = std::pow(10.0, static_cast<double>(precision)), scaled = value.as_real() * scale;
  return Value::real((method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale);
}

constexpr auto kFilters =
    std::to_array<Method>({{"abs", do_abs}, {"float", do_float}, {"int", do_int}, {"round", do_round}});

}  // namespace

std::span<const Method> number_filters() { return kFilters; }

}  // namespace maru::text::jinja
