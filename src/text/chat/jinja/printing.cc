// str() and repr() of values.
#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cmath>

#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

// Python chooses double quotes only for text with single quotes and no double ones.
void print_repr(const MarkedText& text, TextBuilder& to) {
  to.runtime().step_characters(text.size());
  const bool single = text.bytes.find('\'') != std::string::npos, both = text.bytes.find('"') != std::string::npos;
  const char quote = single && !both ? '"' : '\'';
  to.add({&quote, 1});
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    const size_t end = i + c.length;
    if (c.code_point == quote || c.code_point == '\\')
      to.add_made("\\", text, i, end).add_slice(text, i, end);
    else if (c.code_point == '\n' || c.code_point == '\r' || c.code_point == '\t')
      to.add_made(c.code_point == '\n' ? "\\n" : c.code_point == '\r' ? "\\r" : "\\t", text, i, end);
    else if (c.code_point < 0 || is_printable(c.code_point))
      to.add_slice(text, i, end);
    else
      to.add_made(c.code_point < 0x100     ? fmt::format("\\x{:02x}", c.code_point)
                  : c.code_point < 0x10000 ? fmt::format("\\u{:04x}", c.code_point)
                                           : fmt::format("\\U{:08x}", c.code_point),
                  text, i, end);
    i = end;
  }
  to.add({&quote, 1});
}

void print_items(const Values& items, std::string_view open, std::string_view close, TextBuilder& to) {
  const auto nested = to.runtime().nested_walk();
  to.add(open);
  for (size_t i = 0; i < items.size(); ++i) {
    if (i > 0) to.add(", ");
    print_repr(items[i], to);
  }
  to.add(close);
}

void print_sequence(const SequenceData& data, TextBuilder& to) {
  switch (data.sequence_kind) {
    case SequenceKind::kList: return print_items(data.items, "[", "]", to);
    case SequenceKind::kTuple:
    case SequenceKind::kGroup: return print_items(data.items, "(", data.items.size() == 1 ? ",)" : ")", to);
    case SequenceKind::kKeys: return print_items(data.items, "dict_keys([", "])", to);
    case SequenceKind::kValues: return print_items(data.items, "dict_values([", "])", to);
    case SequenceKind::kItems: return print_items(data.items, "dict_items([", "])", to);
    case SequenceKind::kRange: break;
  }
  to.add(fmt::format("range({}, {}", data.start, data.stop));
  to.add(data.step == 1 ? ")" : fmt::format(", {})", data.step));
}

void print_dict(const DictData& data, TextBuilder& to) {
  const auto nested = to.runtime().nested_walk();
  to.add("{");
  bool first = true;
  for (const auto& [key, value] : data.entries) {
    if (!first) to.add(", ");
    first = false;
    print_repr(key, to);
    to.add(": ");
    print_repr(value, to);
  }
  to.add("}");
}

}  // namespace

std::string float_repr(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  std::array<char, 32> buffer{};
  const auto end =
      std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific).ptr;
  const std::string_view text(buffer.data(), static_cast<size_t>(end - buffer.data()));
  const size_t e = text.find('e');
  const int exponent = std::atoi(text.data() + e + 1);
  std::string sign = text[0] == '-' ? "-" : "", digits;
  for (const char c : text.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  const auto count = static_cast<int>(digits.size());
  if (exponent < -4 || exponent >= 16)
    return sign + digits[0] + (count > 1 ? "." + digits.substr(1) : "") + fmt::format("e{:+03d}", exponent);
  if (exponent < 0) return sign + "0." + std::string(static_cast<size_t>(-exponent - 1), '0') + digits;
  if (exponent + 1 >= count) return sign + digits + std::string(static_cast<size_t>(exponent + 1 - count), '0') + ".0";
  return sign + digits.substr(0, static_cast<size_t>(exponent) + 1) + "." +
         digits.substr(static_cast<size_t>(exponent) + 1);
}

void print_repr(const Value& value, TextBuilder& to) {
  to.runtime().step();
  switch (value.kind()) {
    case Kind::kUndefined: return void(to.add("Undefined"));
    case Kind::kNone: return void(to.add("None"));
    case Kind::kBool: return void(to.add(value.as_bool() ? "True" : "False"));
    case Kind::kInt: return void(to.add(std::to_string(value.as_int())));
    case Kind::kFloat: return void(to.add(float_repr(value.as_real())));
    case Kind::kString:
      if (!value.text().safe) return print_repr(value.text(), to);
      to.add("Markup(");
      print_repr(value.text(), to);
      return void(to.add(")"));
    case Kind::kSequence: return print_sequence(value.heap_as<SequenceData>(), to);
    case Kind::kDict: return print_dict(value.heap_as<DictData>(), to);
    case Kind::kIterator: return void(to.add("<" + std::string(type_name(value)) + " object>"));
    case Kind::kObject: {
      const auto nested = to.runtime().nested_walk();
      return value.heap_as<Object>().print(to.runtime(), to);
    }
  }
}

void print(const Value& value, TextBuilder& to) {
  if (value.is_undefined()) return;
  if (value.is_string())
    to.add(value.text());
  else
    print_repr(value, to);
}

MarkedText to_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) {
    runtime.step_bytes(value.bytes().size());
    MarkedText text = value.text();
    text.safe = false;
    return text;
  }
  TextBuilder text(runtime);
  print(value, text);
  return text.take();
}

std::string repr_of(Runtime& runtime, const Value& value) {
  TextBuilder text(runtime);
  print_repr(value, text);
  return text.take().bytes;
}

void Object::print(Runtime&, TextBuilder& to) { to.add("<" + std::string(type_name()) + ">"); }

Value Object::call(Call& call) { call.runtime.fail("'" + std::string(type_name()) + "' object is not callable"); }

}  // namespace maru::text::jinja
