// Filters that make text.
#include <algorithm>
#include <array>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

Value do_upper(Call& call) {
  call.bind({});
  return call.runtime.string(map_case(call.runtime, soft_text(call.runtime, call.self), to_upper));
}

Value do_lower(Call& call) {
  call.bind({});
  return call.runtime.string(map_case(call.runtime, soft_text(call.runtime, call.self), to_lower));
}

Value do_capitalize(Call& call) {
  call.bind({});
  return call.runtime.string(capitalize(call.runtime, soft_text(call.runtime, call.self)));
}

// Words begin behind white space and - ( { [ <.
Value do_title(Call& call) {
  call.bind({});
  const MarkedText text = soft_text(call.runtime, call.self);
  const auto separates = [](const Character& c) {
    return is_space(c.code_point) ||
           std::string_view("-({[<").find(static_cast<char>(c.code_point)) != std::string::npos;
  };
  TextBuilder out(call.runtime);
  for (size_t i = 0; i < text.size();) {
    const Character first = character_at(text.bytes, i);
    const bool separator = first.code_point < 0x80 ? separates(first) : is_space(first.code_point);
    size_t end = i + first.length;
    while (end < text.size()) {
      const Character c = character_at(text.bytes, end);
      if (separator != (c.code_point < 0x80 ? separates(c) : is_space(c.code_point))) break;
      end += c.length;
    }
    constexpr int64_t kStepsPerWord = 8;  // two calls of the library
    call.runtime.step(kStepsPerWord);
    out.add(map_case(call.runtime, text.slice(i, i + first.length), to_upper));
    out.add(map_case(call.runtime, text.slice(i + first.length, end), to_lower));
    i = end;
  }
  return out.finish();
}

Value do_trim(Call& call) {
  const auto a = call.bind({"chars"});
  const MarkedText text = soft_text(call.runtime, call.self);
  return call.runtime.string(strip(call.runtime, text, given(a[0]), StripSide::kBoth));
}

Value do_string(Call& call) {
  call.bind({});
  return call.self.is_string() ? call.self : call.runtime.string(to_text(call.runtime, call.self));
}

Value do_replace(Call& call) {
  const auto a = call.bind({"old", "new", "count"}, 2);
  Runtime& runtime = call.runtime;
  const int64_t count = given(a[2]) != nullptr ? require_int(runtime, *a[2], "replace") : -1;
  return runtime.string(
      replace(runtime, to_text(runtime, call.self), to_text(runtime, *a[0]), to_text(runtime, *a[1]), count));
}

Value do_safe(Call& call) {
  call.bind({});
  MarkedText text = soft_text(call.runtime, call.self);
  text.safe = true;
  return call.runtime.string(std::move(text));
}

Value do_escape(Call& call) {
  call.bind({});
  return call.runtime.string(escape_html(call.runtime, call.self));
}

Value do_force_escape(Call& call) {
  call.bind({});
  return call.runtime.string(escape_html(call.runtime, call.runtime.string(to_text(call.runtime, call.self))));
}

Value do_center(Call& call) {
  const auto a = call.bind({"width"});
  const Value text = call.runtime.string(soft_text(call.runtime, call.self));
  Call inner{call.runtime, "center", text, {a[0].value_or(Value::integer(80))}, {}};
  return find_method(text, "center")->function(inner);
}

MarkedText indentation(Runtime& runtime, const std::optional<Value>& width) {
  if (width && width->is_string()) return runtime.step_bytes(width->bytes().size()), width->text();
  TextBuilder spaces(runtime);
  const int64_t count = width ? require_int(runtime, *width, "indent") : 4;
  return spaces.add_repeated(" ", static_cast<size_t>(std::max<int64_t>(count, 0))).take();
}

Value do_indent(Call& call) {
  const auto a = call.bind({"width", "first", "blank"});
  const MarkedText indent = indentation(call.runtime, a[0]);
  if (call.self.is_undefined()) fail_undefined(call.runtime, call.self);
  call.runtime.step_bytes(require_text(call.runtime, call.self, "indent").size());
  MarkedText text = call.self.text();
  text.append("\n");
  const bool blank = flag(call.runtime, a[2]);
  TextBuilder out(call.runtime);
  if (flag(call.runtime, a[1])) out.add(indent);
  bool first = true;
  for (const auto& [begin, end] : split_lines(call.runtime, text, false)) {
    if (!first) out.add("\n");
    if (!first && (blank || begin < end)) out.add(indent);
    out.add_slice(text, begin, end);
    first = false;
  }
  return out.safe(text.safe).finish();
}

Value do_truncate(Call& call) {
  const auto a = call.bind({"length", "killwords", "end", "leeway"});
  Runtime& runtime = call.runtime;
  const MarkedText& text = require_text(runtime, call.self, "truncate");
  const MarkedText end = a[2] ? require_text(runtime, *a[2], "truncate") : MarkedText::own("...");
  runtime.step_characters(end.size());
  const int64_t length = a[0] ? require_int(runtime, *a[0], "truncate") : 255;
  const int64_t leeway = given(a[3]) != nullptr ? require_int(runtime, *a[3], "truncate") : 5;
  const auto end_size = static_cast<int64_t>(count_characters(end.bytes));
  if (length < end_size) runtime.fail("truncate: expected a length of at least " + std::to_string(end_size));
  if (leeway < 0) runtime.fail("truncate: expected a leeway of at least 0");
  if (*length_of(runtime, call.self) - length <= leeway) return call.self;
  runtime.step_characters(2 * text.size());
  MarkedText kept = text.slice(0, skip_characters(text.bytes, 0, static_cast<size_t>(length - end_size)));
  if (!flag(runtime, a[1])) kept = kept.slice(0, std::min(kept.bytes.rfind(' '), kept.size()));
  TextBuilder out(runtime);
  return out.add(kept).add(end).finish();
}

Value do_word_count(Call& call) {
  call.bind({});
  const MarkedText text = soft_text(call.runtime, call.self);
  call.runtime.step_characters(2 * text.size());
  int64_t words = 0;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    const bool word = c.code_point == '_' || is_alphabetic(c.code_point) || is_numeric(c.code_point);
    words += word && !inside;
    inside = word;
    i += c.length;
  }
  return Value::integer(words);
}

Value do_format(Call& call) {
  Runtime& runtime = call.runtime;
  if (!call.arguments.empty() && !call.keywords.empty())
    runtime.fail("format: expected positional or keyword arguments, not both");
  const MarkedText text = soft_text(runtime, call.self);
  if (call.keywords.empty()) return percent_format(runtime, text, runtime.tuple(call.arguments));
  const auto mapping = runtime.new_dict();
  for (const auto& [name, value] : call.keywords) mapping->set(runtime, name, value);
  return percent_format(runtime, text, Runtime::dict(mapping));
}

Value do_join(Call& call) {
  const auto a = call.bind({"d", "attribute"});
  const MarkedText separator = a[0] ? to_text(call.runtime, *a[0]) : MarkedText{};
  TextBuilder out(call.runtime);
  bool first = true;
  for (const Value& item : items_of(call.runtime, call.self)) {
    if (!first) out.add(separator);
    first = false;
    print(given(a[1]) != nullptr ? path_of(call.runtime, item, *a[1]) : item, out);
  }
  return out.safe(false).finish();
}

void add_quoted(const MarkedText& text, bool query, TextBuilder& out) {
  constexpr std::string_view kKept = "_.-~/", kHex = "0123456789ABCDEF";
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<uint8_t>(text.bytes[i]);
    const bool letter = std::isalnum(byte) != 0 && byte < 0x80;
    if (letter || (kKept.find(static_cast<char>(byte)) != std::string_view::npos && !(query && byte == '/')))
      out.add_slice(text, i, i + 1);
    else if (query && byte == ' ')
      out.add("+");
    else
      out.add_made(std::string{'%', kHex[byte >> 4], kHex[byte & 15]}, text, i, i + 1);
  }
}

Value do_url_encode(Call& call) {
  call.bind({});
  Runtime& runtime = call.runtime;
  TextBuilder out(runtime);
  std::vector<std::pair<Value, Value>> pairs;
  if (call.self.is_dict()) {
    runtime.step_items(call.self.heap_as<DictData>().entries.size());
    pairs = call.self.heap_as<DictData>().entries;
  } else if (call.self.is_sequence()) {
    for (const Value& item : call.self.items()) {
      if (!item.is_tuple() || item.items().size() != 2) runtime.fail("urlencode: expected pairs");
      pairs.emplace_back(item.items()[0], item.items()[1]);
    }
  } else {
    add_quoted(to_text(runtime, call.self), false, out);
    return out.finish();
  }
  for (size_t i = 0; i < pairs.size(); ++i) {
    if (i > 0) out.add("&");
    add_quoted(to_text(runtime, pairs[i].first), true, out);
    out.add("=");
    add_quoted(to_text(runtime, pairs[i].second), true, out);
  }
  return out.finish();
}

/// The two separators of json.dumps.
void set_separators(Runtime& runtime, const Value& value, JsonStyle& style) {
  if (!value.is_sequence() || value.items().size() != 2) runtime.fail("tojson: separators: expected a pair of strings");
  style.item_separator = require_text(runtime, value.items()[0], "tojson: separators");
  style.key_separator = require_text(runtime, value.items()[1], "tojson: separators");
}

Value do_to_json(Call& call) {
  const auto a = call.bind({"ensure_ascii", "indent", "separators", "sort_keys"});
  Runtime& runtime = call.runtime;
  JsonStyle style{.ensure_ascii = flag(runtime, a[0]), .sort_keys = flag(runtime, a[3]), .indent = std::nullopt};
  if (const Value* indent = given(a[1])) {
    style.indent = indentation(runtime, *indent);
    style.item_separator = MarkedText::own(",");
  }
  if (const Value* separators = given(a[2])) set_separators(runtime, *separators, style);
  return to_json_text(runtime, call.self, style);
}

constexpr auto kFilters = std::to_array<Method>({
    {"capitalize", do_capitalize},
    {"center", do_center},
    {"e", do_escape},
    {"escape", do_escape},
    {"forceescape", do_force_escape},
    {"format", do_format},
    {"indent", do_indent},
    {"join", do_join},
    {"lower", do_lower},
    {"replace", do_replace},
    {"safe", do_safe},
    {"string", do_string},
    {"title", do_title},
    {"tojson", do_to_json},
    {"trim", do_trim},
    {"truncate", do_truncate},
    {"upper", do_upper},
    {"urlencode", do_url_encode},
    {"wordcount", do_word_count},
});

}  // namespace

std::span<const Method> text_filters() { return kFilters; }

}  // namespace maru::text::jinja
