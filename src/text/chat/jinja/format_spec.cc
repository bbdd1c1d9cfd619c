#include "text/chat/jinja/format_spec.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

constexpr int64_t kMaxPrecision = 1000;

std::string grouped(const std::string& digits, char separator) {
  std::string out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out;
}

std::string signed_text(bool negative, char sign, std::string digits) {
  if (negative) return "-" + std::move(digits);
  return sign == '+' || sign == ' ' ? sign + std::move(digits) : digits;
}

std::string with_grouping(const std::string& number, char separator) {
  if (separator == '\0') return number;
  const size_t end = std::min(number.find_first_not_of("0123456789"), number.size());
  return grouped(number.substr(0, end), separator) + number.substr(end);
}

/// The work of writing a number: its digits are computed one by one.
int64_t work_of(double magnitude, int64_t precision) {
  const int64_t exponent = std::isfinite(magnitude) && magnitude != 0 ? std::abs(std::ilogb(magnitude)) / 3 : 0;
  return 4 + std::min(precision, kMaxPrecision) + exponent;
}

/// General format: like repr() without a precision, else significant digits as in C.
std::string general(double value, const FormatSpec& spec) {
  if (spec.type == '\0' && !spec.precision) return float_repr(value);
  const auto digits = static_cast<int>(spec.precision.value_or(6));
  std::string text = spec.alternate ? fmt::format("{:#.{}g}", value, std::max(digits, 1))
                                    : fmt::format("{:.{}g}", value, std::max(digits, 1));
  if (spec.type == '\0' && text.find_first_of(".en") == std::string::npos) text += ".0";
  return text;
}

}  // namespace

FormatSpec parse_format_spec(Runtime& runtime, std::string_view text) {
  FormatSpec spec;
  size_t at = 0;
  const auto is_align = [](char c) { return c == '<' || c == '>' || c == '=' || c == '^'; };
  const size_t first = text.empty() ? 0 : character_at(text, 0).length;
  if (first > 0 && first < text.size() && is_align(text[first])) {
    spec.fill = text.substr(0, first);
    spec.align = text[first];
    at = first + 1;
  } else if (!text.empty() && is_align(text[0])) {
    spec.align = text[at++];
  }
  const auto peek = [&] { return at < text.size() ? text[at] : '\0'; };
  const auto number = [&]() -> int64_t {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data() + at, text.data() + text.size(), value);
    if (error == std::errc::result_out_of_range) runtime.fail("Too many decimal digits in format string");
    at = static_cast<size_t>(end - text.data());
    return value;
  };
  if (peek() == '+' || peek() == '-' || peek() == ' ') spec.sign = text[at++];
  if (peek() == '#') spec.alternate = true, ++at;
  if (peek() == '0') spec.zero = true, ++at;
  if (peek() >= '0' && peek() <= '9') spec.width = number();
  if (peek() == ',' || peek() == '_') spec.grouping = text[at++];
  if (peek() == '.') {
    if (++at; peek() < '0' || peek() > '9') runtime.fail("Format specifier missing precision");
    spec.precision = number();
  }
  if (at < text.size()) spec.type = text[at++];
  if (at != text.size()) runtime.fail("Invalid format specifier '" + std::string(text) + "'");
  return spec;
}

std::string format_integer(Runtime& runtime, int64_t value, const FormatSpec& spec) {
  const uint64_t magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : static_cast<uint64_t>(value);
  std::string digits;
  switch (spec.type) {
    case '\0':
    case 'd':
    case 'i':
    case 'u':
    case 'n': digits = with_grouping(std::to_string(magnitude), spec.grouping); break;
    case 'x': digits = fmt::format("{}{:x}", spec.alternate ? "0x" : "", magnitude); break;
    case 'X': digits = fmt::format("{}{:X}", spec.alternate ? "0X" : "", magnitude); break;
    case 'o': digits = fmt::format("{}{:o}", spec.alternate ? "0o" : "", magnitude); break;
    case 'b': digits = fmt::format("{}{:b}", spec.alternate ? "0b" : "", magnitude); break;
    default: runtime.fail(std::string("Unknown format code '") + spec.type + "' for object of type 'int'");
  }
  if (spec.precision && digits.size() < static_cast<size_t>(std::min(*spec.precision, kMaxPrecision)))
    digits.insert(0, static_cast<size_t>(std::min(*spec.precision, kMaxPrecision)) - digits.size(), '0');
  return signed_text(value < 0, spec.sign, digits);
}

std::string format_real(Runtime& runtime, double value, const FormatSpec& spec) {
  if (spec.precision.value_or(0) > kMaxPrecision) runtime.fail("precision too big: expected at most 1000");
  const bool upper = spec.type == 'F' || spec.type == 'E' || spec.type == 'G';
  const double magnitude = std::abs(value);
  runtime.step(work_of(magnitude, spec.precision.value_or(6)));
  const auto precision = static_cast<int>(spec.precision.value_or(6));
  std::string text;
  if (!std::isfinite(value)) {
    text = std::isnan(value) ? "nan" : "inf";
  } else {
    switch (spec.type) {
      case 'f':
      case 'F': text = fmt::format("{:.{}f}", magnitude, precision); break;
      case 'e':
      case 'E': text = fmt::format("{:.{}e}", magnitude, precision); break;
      case '\0':
      case 'g':
      case 'G':
      case 'n': text = general(magnitude, spec); break;
      case '%': text = fmt::format("{:.{}f}%", magnitude * 100, precision); break;
      default: runtime.fail(std::string("Unknown format code '") + spec.type + "' for object of type 'float'");
    }
  }
  if (upper) text = to_upper(text);
  return signed_text(std::signbit(value) && !std::isnan(value), spec.sign, with_grouping(text, spec.grouping));
}

void add_padded(const MarkedText& text, const FormatSpec& spec, bool number, TextBuilder& to) {
  to.runtime().step_characters(text.size());
  const auto size = static_cast<int64_t>(count_characters(text.bytes));
  const auto pad = static_cast<size_t>(std::max<int64_t>(spec.width - size, 0));
  const char align = spec.align != '\0' ? spec.align : number ? (spec.zero ? '=' : '>') : '<';
  const std::string fill = spec.zero && spec.align == '\0' ? "0" : spec.fill;
  const size_t sign =
      align == '=' && !text.bytes.empty() && std::string_view("+- ").find(text.bytes[0]) != std::string::npos;
  const size_t left = align == '<' ? 0 : align == '^' ? pad / 2 : pad;
  to.add_slice(text, 0, sign)
      .add_repeated(fill, left)
      .add_slice(text, sign, text.size())
      .add_repeated(fill, pad - left);
}

MarkedText cut_to_precision(const MarkedText& text, const FormatSpec& spec) {
  if (!spec.precision) return text;
  return text.slice(0, skip_characters(text.bytes, 0, static_cast<size_t>(*spec.precision)));
}

}  // namespace maru::text::jinja
