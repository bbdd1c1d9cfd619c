// "…" % arguments and "…".format(…).
#include <algorithm>
#include <charconv>

#include "text/chat/jinja/format_spec.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

bool is_digit_char(char c) { return c >= '0' && c <= '9'; }

/// repr() with everything beyond ASCII escaped.
MarkedText ascii_of(Runtime& runtime, const Value& value) {
  TextBuilder repr(runtime), out(runtime);
  print_repr(value, repr);
  const MarkedText text = repr.take();
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    char escape[16];
    const char* format = c.code_point < 0x100 ? "\\x%02x" : c.code_point < 0x10000 ? "\\u%04x" : "\\U%08x";
    if (c.code_point < 0x80)
      out.add_slice(text, i, i + c.length);
    else
      out.add_made({escape, static_cast<size_t>(std::snprintf(escape, sizeof escape, format, c.code_point))}, text, i,
                   i + c.length);
    i += c.length;
  }
  return out.take();
}

class PercentFormatter {
 public:
  PercentFormatter(Runtime& runtime, const MarkedText& format, const Value& arguments)
      : runtime_(runtime), format_(format), arguments_(arguments), out_(runtime) {
    if (arguments.is_tuple()) runtime.step_items(arguments.items().size());
    list_ = arguments.is_tuple() ? arguments.items() : Values{arguments};
  }

  Value run() {
    const std::string& text = format_.bytes;
    size_t done = 0;
    for (size_t i = text.find('%'); i != std::string::npos; i = text.find('%', done)) {
      out_.add_slice(format_, done, i);
      at_ = i + 1;
      convert();
      done = at_;
    }
    out_.add_slice(format_, done, text.size());
    if (used_ < list_.size() && !arguments_.is_dict() && !by_name_)
      runtime_.fail("not all arguments converted during string formatting");
    return out_.safe(format_.safe).finish();
  }

 private:
  char peek() const { return at_ < format_.size() ? format_.bytes[at_] : '\0'; }

  const Value& next_argument() {
    if (used_ >= list_.size()) runtime_.fail("not enough arguments for format string");
    return list_[used_++];
  }

  int64_t number() {
    if (peek() == '*') return ++at_, require_integer(next_argument());
    int64_t value = 0;
    const char* begin = format_.bytes.data() + at_;
    const auto [end, error] = std::from_chars(begin, format_.bytes.data() + format_.size(), value);
    if (error == std::errc::result_out_of_range) runtime_.fail("width too big");
    at_ += static_cast<size_t>(end - begin);
    return value;
  }

  int64_t require_integer(const Value& value) {
    if (!value.is_integral()) runtime_.fail("* wants int");
    return value.as_int();
  }

  std::optional<Value> named_argument() {
    if (peek() != '(') return std::nullopt;
    const size_t close = format_.bytes.find(')', at_);
    if (close == std::string::npos) runtime_.fail("incomplete format key");
    if (!arguments_.is_dict()) runtime_.fail("format requires a mapping");
    const Value key = runtime_.string(format_.slice(at_ + 1, close));
    const Value* value = arguments_.heap_as<DictData>().find(runtime_, key);
    if (value == nullptr) runtime_.fail("no key " + repr_of(runtime_, key) + " in the mapping of %");
    at_ = close + 1;
    by_name_ = true;
    return *value;
  }

  FormatSpec read_spec() {
    FormatSpec spec;
    bool left = false;
    for (; std::string_view("-+ #0").find(peek()) != std::string_view::npos && peek() != '\0'; ++at_) {
      if (peek() == '-') left = true;
      if (peek() == '+' || (peek() == ' ' && spec.sign != '+')) spec.sign = peek();
      if (peek() == '#') spec.alternate = true;
      if (peek() == '0') spec.zero = true;
    }
    if (is_digit_char(peek()) || peek() == '*') spec.width = number();
    if (spec.width < 0) left = true, spec.width = -spec.width;
    if (peek() == '.') ++at_, spec.precision = std::max<int64_t>(number(), 0);
    while (peek() == 'l' || peek() == 'h' || peek() == 'L') ++at_;
    if (left) spec.align = '<', spec.zero = false;
    return spec;
  }

  void convert() {
    runtime_.step();
    const std::optional<Value> named = named_argument();
    FormatSpec spec = read_spec();
    if (at_ >= format_.size()) runtime_.fail("incomplete format");
    spec.type = format_.bytes[at_++];
    if (spec.type == '%') return void(out_.add("%"));
    if (std::string_view("sracdiuxXofFeEgG").find(spec.type) == std::string_view::npos)
      runtime_.fail(std::string("unsupported format character '") + spec.type + "'");
    const Value value = named ? *named : next_argument();
    if (value.is_undefined() && std::string_view("src").find(spec.type) == std::string_view::npos && spec.type != 'a')
      fail_undefined(runtime_, value);
    std::string_view("sra").find(spec.type) != std::string_view::npos ? convert_text(value, spec)
                                                                      : convert_number(value, spec);
  }

  void convert_text(const Value& value, FormatSpec spec) {
    TextBuilder repr(runtime_);
    MarkedText text;
    if (spec.type == 's') text = format_.safe ? escape_html(runtime_, value) : to_text(runtime_, value);
    if (spec.type == 'r') print_repr(value, repr), text = repr.take();
    if (spec.type == 'a') text = ascii_of(runtime_, value);
    spec.zero = false;
    if (spec.align == '\0') spec.align = '>';
    add_padded(cut_to_precision(text, spec), spec, false, out_);
  }

  void convert_number(const Value& value, FormatSpec spec) {
    if (spec.type == 'c') return convert_character(value, spec);
    if (!value.is_number())
      runtime_.fail(std::string("%") + spec.type + " format: a real number is required, not " +
                    std::string(type_name(value)));
    const bool real = std::string_view("fFeEgG").find(spec.type) != std::string_view::npos;
    if (!real && !value.is_integral() && !(std::abs(value.as_real()) < 9e18))
      runtime_.fail("cannot convert float to integer");
    const int64_t whole = real ? 0 : value.is_integral() ? value.as_int() : static_cast<int64_t>(value.as_real());
    const std::string digits =
        real ? format_real(runtime_, value.as_real(), spec) : format_integer(runtime_, whole, spec);
    add_padded(MarkedText::own(digits), spec, true, out_);
  }

  void convert_character(const Value& value, const FormatSpec& spec) {
    MarkedText text;
    if (value.is_integral()) {
      if (value.as_int() < 0 || value.as_int() > 0x10FFFF) runtime_.fail("%c arg not in range(0x110000)");
      append_character(text.bytes, static_cast<int32_t>(value.as_int()));
    } else if (value.is_string() && count_characters(value.bytes()) == 1) {
      text = value.text();
    } else {
      runtime_.fail("%c requires int or char");
    }
    add_padded(text, spec, true, out_);
  }

  Runtime& runtime_;
  const MarkedText& format_;
  const Value& arguments_;
  Values list_;
  TextBuilder out_;
  size_t at_ = 0, used_ = 0;
  bool by_name_ = false;
};

class BraceFormatter {
 public:
  BraceFormatter(Runtime& runtime, const MarkedText& format, const Call& call)
      : runtime_(runtime), call_(call), safe_(format.safe) {}

  MarkedText run(const MarkedText& format, int depth) {
    TextBuilder out(runtime_);
    const std::string& text = format.bytes;
    for (size_t i = 0; i < text.size();) {
      const size_t brace = text.find_first_of("{}", i);
      out.add_slice(format, i, std::min(brace, text.size()));
      if (brace == std::string::npos) break;
      if (brace + 1 < text.size() && text[brace + 1] == text[brace]) {
        out.add_slice(format, brace, brace + 1);
        i = brace + 2;
        continue;
      }
      if (text[brace] == '}') runtime_.fail("Single '}' encountered in format string");
      const size_t end = field_end(text, brace + 1);
      replace_field(format.slice(brace + 1, end), out, depth);
      i = end + 1;
    }
    return out.take();
  }

 private:
  size_t field_end(const std::string& text, size_t from) {
    int open = 1;
    for (size_t i = from; i < text.size(); ++i) {
      open += text[i] == '{' ? 1 : text[i] == '}' ? -1 : 0;
      if (open == 0) return i;
    }
    runtime_.fail("expected '}' before end of string");
  }

  /// NAME!CONVERSION:SPEC
  void replace_field(const MarkedText& field, TextBuilder& out, int depth) {
    if (depth == 0) runtime_.fail("Max string recursion exceeded");
    runtime_.step(2);
    runtime_.step_characters(field.size());
    size_t name_end = 0;
    for (bool inside = false; name_end < field.size(); ++name_end) {
      const char c = field.bytes[name_end];
      inside = c == '[' ? true : c == ']' ? false : inside;
      if (!inside && (c == '!' || c == ':')) break;
    }
    Value value = look_up(field.bytes.substr(0, name_end));
    size_t at = name_end;
    if (at < field.size() && field.bytes[at] == '!') {
      if (at + 1 >= field.size()) runtime_.fail("end of string while looking for conversion specifier");
      value = converted(value, field.bytes[at + 1]);
      at += 2;
      if (at < field.size() && field.bytes[at] != ':') runtime_.fail("expected ':' after conversion specifier");
    }
    const MarkedText spec = at < field.size() ? run(field.slice(at + 1, field.size()), depth - 1) : MarkedText{};
    add_value(value, spec, out);
  }

  Value converted(const Value& value, char conversion) {
    TextBuilder text(runtime_);
    if (conversion == 's')
      print(value, text);
    else if (conversion == 'r')
      print_repr(value, text);
    else if (conversion == 'a')
      text.add(ascii_of(runtime_, value));
    else
      runtime_.fail(std::string("Unknown conversion specifier ") + conversion);
    return text.finish();
  }

  Value look_up(const std::string& name) {
    const size_t first_end = std::min(name.find_first_of(".["), name.size());
    Value value = argument(name.substr(0, first_end));
    for (size_t i = first_end; i < name.size();) {
      const bool is_item = name[i] == '[';
      const size_t end = std::min(is_item ? name.find(']', i) : name.find_first_of(".[", i + 1), name.size());
      const std::string part = name.substr(i + 1, end - i - 1);
      if (part.empty()) runtime_.fail("Empty attribute in format string");
      value = is_item ? item_of(runtime_, value, index_of(part)) : attribute_of(runtime_, value, part);
      i = is_item ? end + 1 : end;
    }
    return value;
  }

  Value index_of(const std::string& part) {
    int64_t index = 0;
    const auto [end, error] = std::from_chars(part.data(), part.data() + part.size(), index);
    const bool number = error == std::errc() && end == part.data() + part.size() && part[0] != '-';
    return number ? Value::integer(index) : runtime_.string(part);
  }

  Value argument(const std::string& name) {
    if (name.empty() || is_digit_char(name[0])) return positional(name);
    runtime_.step_items(call_.keywords.size());
    for (const auto& [keyword, value] : call_.keywords)
      if (keyword.is_string() && keyword.bytes() == name) return value;
    runtime_.fail("format() has no argument '" + name + "'");
  }

  Value positional(const std::string& name) {
    const bool automatic = name.empty();
    if ((automatic && numbering_ == 'm') || (!automatic && numbering_ == 'a'))
      runtime_.fail("cannot switch between automatic and manual field numbering");
    numbering_ = automatic ? 'a' : 'm';
    size_t index = next_;
    if (automatic)
      ++next_;
    else if (std::from_chars(name.data(), name.data() + name.size(), index).ec != std::errc())
      index = SIZE_MAX;
    if (index >= call_.arguments.size()) runtime_.fail("Replacement index out of range for positional args tuple");
    return call_.arguments[index];
  }

  void add_value(const Value& value, const MarkedText& spec_text, TextBuilder& out) {
    const FormatSpec spec = parse_format_spec(runtime_, spec_text.bytes);
    if (value.is_number() && !(value.is(Kind::kBool) && spec_text.bytes.empty())) return add_number(value, spec, out);
    const MarkedText text = safe_ ? escape_html(runtime_, value) : to_text(runtime_, value);
    if (!value.is_string() && !spec_text.bytes.empty() && !value.is_undefined())
      runtime_.fail("unsupported format string passed to " + std::string(type_name(value)) + ".__format__");
    if (spec.type != '\0' && spec.type != 's')
      runtime_.fail(std::string("Unknown format code '") + spec.type + "' for object of type 'str'");
    if (spec.align == '=') runtime_.fail("'=' alignment not allowed in string format specifier");
    add_padded(cut_to_precision(text, spec), spec, false, out);
  }

  void add_number(const Value& value, const FormatSpec& spec, TextBuilder& out) {
    const bool real = !value.is_integral() || std::string_view("fFeEgG%").find(spec.type) != std::string_view::npos;
    if (spec.type == 'c') {
      MarkedText text;
      if (value.as_int() < 0 || value.as_int() > 0x10FFFF || !value.is_integral()) runtime_.fail("%c arg not in range");
      append_character(text.bytes, static_cast<int32_t>(value.as_int()));
      return add_padded(text, spec, true, out);
    }
    if (!real && spec.precision) runtime_.fail("Precision not allowed in integer format specifier");
    const bool as_real = spec.type == '\0' ? !value.is_integral() : real;
    const std::string digits =
        as_real ? format_real(runtime_, value.as_real(), spec) : format_integer(runtime_, value.as_int(), spec);
    add_padded(MarkedText::own(digits), spec, true, out);
  }

  Runtime& runtime_;
  const Call& call_;
  const bool safe_;
  char numbering_ = '\0';
  size_t next_ = 0;
};

}  // namespace

Value percent_format(Runtime& runtime, const MarkedText& format, const Value& arguments) {
  return PercentFormatter(runtime, format, arguments).run();
}

Value brace_format(Runtime& runtime, const MarkedText& format, const Call& call) {
  MarkedText text = BraceFormatter(runtime, format, call).run(format, 2);
  text.safe = format.safe;
  return runtime.string(std::move(text));
}

}  // namespace maru::text::jinja
