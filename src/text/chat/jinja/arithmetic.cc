// Python's arithmetic on values. Integers have 64 bits; beyond that an operation is refused.
#include <cmath>

#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

constexpr std::string_view symbol_of(BinaryOp op) {
  switch (op) {
    case BinaryOp::kAdd: return "+";
    case BinaryOp::kSubtract: return "-";
    case BinaryOp::kMultiply: return "*";
    case BinaryOp::kDivide: return "/";
    case BinaryOp::kFloorDivide: return "//";
    case BinaryOp::kModulo: return "%";
    default: return "** or pow()";
  }
}

[[noreturn]] void fail_overflow(Runtime& runtime) {
  runtime.fail(ErrorCode::kUnimplemented, "integers beyond 64 bits are not supported");
}

[[noreturn]] void fail_types(Runtime& runtime, BinaryOp op, const Value& a, const Value& b) {
  if (a.is_undefined()) fail_undefined(runtime, a);
  if (b.is_undefined()) fail_undefined(runtime, b);
  const std::string left(type_name(a)), right(type_name(b));
  if (op == BinaryOp::kAdd && (a.is_string() || a.is_list() || a.is_tuple()))
    runtime.fail("can only concatenate " + left + " (not \"" + right + "\") to " + left);
  runtime.fail("unsupported operand type(s) for " + std::string(symbol_of(op)) + ": '" + left + "' and '" + right +
               "'");
}

int64_t floor_divide(int64_t a, int64_t b) {
  const int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

double floor_modulo(double a, double b) {
  const double rest = std::fmod(a, b);
  if (rest == 0) return std::copysign(0.0, b);
  return (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_quotient(double a, double b) {
  const double rest = floor_modulo(a, b), exact = (a - rest) / b;
  if (exact == 0) return std::copysign(0.0, a / b);
  const double whole = std::floor(exact);
  return exact - whole > 0.5 ? whole + 1 : whole;
}

Value power(Runtime& runtime, int64_t base, int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) runtime.fail("0.0 cannot be raised to a negative power");
    return Value::real(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  int64_t result = 1;
  if (base == 0 || base == 1) return Value::integer(exponent == 0 ? 1 : base);
  if (base == -1) return Value::integer(exponent % 2 == 0 ? 1 : -1);
  for (int64_t i = 0; i < exponent; ++i)
    if (__builtin_mul_overflow(result, base, &result)) fail_overflow(runtime);
  return Value::integer(result);
}

Value integers(Runtime& runtime, BinaryOp op, int64_t a, int64_t b) {
  int64_t result = 0;
  const bool divides = op == BinaryOp::kDivide || op == BinaryOp::kFloorDivide || op == BinaryOp::kModulo;
  if (divides && b == 0)
    runtime.fail(op == BinaryOp::kDivide ? "division by zero" : "integer division or modulo by zero");
  if (divides && b == -1 && a == INT64_MIN) fail_overflow(runtime);
  switch (op) {
    case BinaryOp::kAdd:
      if (__builtin_add_overflow(a, b, &result)) fail_overflow(runtime);
      return Value::integer(result);
    case BinaryOp::kSubtract:
      if (__builtin_sub_overflow(a, b, &result)) fail_overflow(runtime);
      return Value::integer(result);
    case BinaryOp::kMultiply:
      if (__builtin_mul_overflow(a, b, &result)) fail_overflow(runtime);
      return Value::integer(result);
    case BinaryOp::kDivide: return Value::real(static_cast<double>(a) / static_cast<double>(b));
    case BinaryOp::kFloorDivide: return Value::integer(floor_divide(a, b));
    case BinaryOp::kModulo: return Value::integer(a - floor_divide(a, b) * b);
    default: return power(runtime, a, b);
  }
}

Value reals(Runtime& runtime, BinaryOp op, double a, double b) {
  const bool divides = op == BinaryOp::kDivide || op == BinaryOp::kFloorDivide || op == BinaryOp::kModulo;
  if (divides && b == 0) runtime.fail("float division by zero");
  switch (op) {
    case BinaryOp::kAdd: return Value::real(a + b);
    case BinaryOp::kSubtract: return Value::real(a - b);
    case BinaryOp::kMultiply: return Value::real(a * b);
    case BinaryOp::kDivide: return Value::real(a / b);
    case BinaryOp::kFloorDivide: return Value::real(floor_quotient(a, b));
    case BinaryOp::kModulo: return Value::real(floor_modulo(a, b));
    default: break;
  }
  if (a == 0 && b < 0) runtime.fail("0.0 cannot be raised to a negative power");
  if (a < 0 && std::trunc(b) != b) runtime.fail(ErrorCode::kUnimplemented, "complex numbers are not supported");
  return Value::real(std::pow(a, b));
}

Value add_strings(Runtime& runtime, const Value& a, const Value& b) {
  const bool safe = a.text().safe || b.text().safe;
  TextBuilder text(runtime);
  text.add(safe ? escape_html(runtime, a) : a.text()).add(safe ? escape_html(runtime, b) : b.text());
  return text.safe(safe).finish();
}

Value add_items(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step_items(a.items().size() + b.items().size());
  const Held held(runtime, (a.items().size() + b.items().size()) * sizeof(Value));
  Values items = a.items();
  items.insert(items.end(), b.items().begin(), b.items().end());
  return runtime.sequence(a.is_list() ? SequenceKind::kList : SequenceKind::kTuple, std::move(items));
}

Value repeat(Runtime& runtime, const Value& value, int64_t wanted) {
  const auto times = static_cast<size_t>(std::max<int64_t>(wanted, 0));
  const size_t unit = value.is_string() ? value.bytes().size() : value.items().size() * sizeof(Value);
  const auto limit = static_cast<size_t>(runtime.limits().output_bytes);
  if (unit > 0 && times > limit / unit) runtime.fail_exhausted("bytes in one value", runtime.limits().output_bytes);
  runtime.require_room(unit * times);
  if (value.is_string()) {
    TextBuilder text(runtime);
    if (value.text().count_marks(0, unit) == 0)
      return text.add_repeated(value.bytes(), times).safe(value.text().safe).finish();
    for (size_t i = 0; unit > 0 && i < times; ++i) text.add(value.text());
    return text.safe(value.text().safe).finish();
  }
  runtime.step_bytes(unit * times);
  Values items;
  items.reserve(value.items().size() * (unit > 0 ? times : 0));
  for (size_t i = 0; unit > 0 && i < times; ++i) items.insert(items.end(), value.items().begin(), value.items().end());
  return runtime.sequence(value.is_list() ? SequenceKind::kList : SequenceKind::kTuple, std::move(items));
}

bool repeats(const Value& value) { return value.is_string() || value.is_list() || value.is_tuple(); }

}  // namespace

MarkedText escape_html(Runtime& runtime, const Value& value) {
  if (value.is_string()) runtime.step_characters(2 * value.bytes().size());
  MarkedText text = value.is_string() ? value.text() : to_text(runtime, value);
  if (text.safe) return text;
  TextBuilder out(runtime);
  size_t done = 0;
  for (size_t i = text.bytes.find_first_of("&<>'\""); i != std::string::npos;
       i = text.bytes.find_first_of("&<>'\"", i + 1)) {
    const char c = text.bytes[i];
    out.add_slice(text, done, i);
    out.add_made(c == '&'   ? "&amp;"
                 : c == '<' ? "&lt;"
                 : c == '>' ? "&gt;"
                 : c == '"' ? "&#34;"
                            : "&#39;",
                 text, i, i + 1);
    done = i + 1;
  }
  out.add_slice(text, done, text.size()).safe(true);
  return out.take();
}

Value binary(Runtime& runtime, BinaryOp op, const Value& a, const Value& b) {
  if (a.is_integral() && b.is_integral()) return integers(runtime, op, a.as_int(), b.as_int());
  if (a.is_number() && b.is_number()) return reals(runtime, op, a.as_real(), b.as_real());
  if (op == BinaryOp::kAdd) {
    if (a.is_string() && b.is_string()) return add_strings(runtime, a, b);
    if ((a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple())) return add_items(runtime, a, b);
  }
  if (op == BinaryOp::kMultiply) {
    if (repeats(a) && b.is_integral()) return repeat(runtime, a, b.as_int());
    if (a.is_integral() && repeats(b)) return repeat(runtime, b, a.as_int());
  }
  if (op == BinaryOp::kModulo && a.is_string()) return percent_format(runtime, a.text(), b);
  fail_types(runtime, op, a, b);
}

Value negate(Runtime& runtime, const Value& value) {
  if (value.is(Kind::kFloat)) return Value::real(-value.as_real());
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (!value.is_integral()) runtime.fail("bad operand type for unary -: '" + std::string(type_name(value)) + "'");
  if (value.as_int() == INT64_MIN) fail_overflow(runtime);
  return Value::integer(-value.as_int());
}

}  // namespace maru::text::jinja
