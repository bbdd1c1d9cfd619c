// What Python does with values: truth, printing, comparing, arithmetic, subscripts, attributes.
#pragma once
#include <optional>
#include <string>

#include "text/chat/jinja/runtime.h"
#include "text/chat/jinja/value.h"

namespace maru::text::jinja {

/// Python's name of the type: "str", "NoneType", …
std::string_view type_name(const Value& value);
bool truth(Runtime& runtime, const Value& value);
/// len(); nothing for what has none.
std::optional<int64_t> length_of(Runtime& runtime, const Value& value);
/// Throws the error of using an undefined value.
[[noreturn]] void fail_undefined(Runtime& runtime, const Value& value);

/// str(value).
MarkedText to_text(Runtime& runtime, const Value& value);
void print(const Value& value, TextBuilder& to);
/// repr(value).
void print_repr(const Value& value, TextBuilder& to);
std::string repr_of(Runtime& runtime, const Value& value);
/// repr() of a float: the shortest text that reads back as it.
std::string float_repr(double value);

bool equal(Runtime& runtime, const Value& a, const Value& b);
/// a < b. Throws for types that have no order.
bool less(Runtime& runtime, const Value& a, const Value& b, std::string_view op = "<");
uint64_t hash_of(Runtime& runtime, const Value& value);
bool contains(Runtime& runtime, const Value& container, const Value& item);
/// All items; takes them out of a generator. Nothing for what cannot be iterated.
std::optional<Values> try_items_of(Runtime& runtime, const Value& value);
/// Throws for what cannot be iterated.
Values items_of(Runtime& runtime, const Value& value);

enum class BinaryOp : uint8_t { kAdd, kSubtract, kMultiply, kDivide, kFloorDivide, kModulo, kPower };
Value binary(Runtime& runtime, BinaryOp op, const Value& a, const Value& b);
Value negate(Runtime& runtime, const Value& value);
/// HTML-escapes text that is not safe already; the result is safe.
MarkedText escape_html(Runtime& runtime, const Value& value);

/// value.name and value[index] as Jinja's sandbox gives them; undefined where there is nothing.
Value attribute_of(Runtime& runtime, const Value& value, const std::string& name);
Value item_of(Runtime& runtime, const Value& value, const Value& index);
Value slice_of(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step);

/// text % arguments.
Value percent_format(Runtime& runtime, const MarkedText& format, const Value& arguments);
/// text.format(…).
Value brace_format(Runtime& runtime, const MarkedText& format, const Call& call);

struct JsonStyle {
  bool ensure_ascii = false, sort_keys = false;
  std::optional<MarkedText> indent;
  MarkedText item_separator = MarkedText::own(", "), key_separator = MarkedText::own(": ");
};
/// json.dumps(value).
Value to_json_text(Runtime& runtime, const Value& value, const JsonStyle& style);

}  // namespace maru::text::jinja
