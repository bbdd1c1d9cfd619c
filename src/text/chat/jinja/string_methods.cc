// The methods of str.
#include "text/chat/jinja/string_methods.h"

#include <algorithm>
#include <array>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/search.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

const Value* given(const std::optional<Value>& value) { return value && !value->is_none() ? &*value : nullptr; }

Value finish(Call& call, MarkedText text) {
  text.safe = call.self.text().safe;
  return call.runtime.string(std::move(text));
}

/// An argument as text; what is added to safe text is escaped.
MarkedText argument_text(Call& call, const Value& value) {
  call.runtime.step_bytes(require_text(call.runtime, value, call.name).size());
  return call.self.text().safe ? escape_html(call.runtime, value) : value.text();
}

template <StripSide side>
Value do_strip(Call& call) {
  const auto a = call.bind({"chars"});
  return finish(call, strip(call.runtime, call.self.text(), given(a[0]), side));
}

template <std::string (*map)(std::string_view)>
Value do_map_case(Call& call) {
  call.bind({});
  return finish(call, map_case(call.runtime, call.self.text(), map));
}

/// The same for mappings that ask the library once a character.
template <std::string (*map)(std::string_view)>
Value do_map_each(Call& call) {
  call.bind({});
  call.runtime.step(static_cast<int64_t>(call.self.bytes().size()));
  return finish(call, map_case(call.runtime, call.self.text(), map));
}

Value do_capitalize(Call& call) {
  call.bind({});
  return finish(call, capitalize(call.runtime, call.self.text()));
}

std::string swapped_case(std::string_view text) {
  std::string out;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    const std::string_view one = text.substr(i, c.length);
    out += is_upper(c.code_point) ? lower_at(text, i) : is_lower(c.code_point) ? to_upper(one) : std::string(one);
    i += c.length;
  }
  return out;
}

// A letter behind a letter is lower case, others are title case.
std::string titled(std::string_view text) {
  std::string out;
  bool inside = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    const std::string_view one = text.substr(i, c.length);
    const bool cased = is_upper(c.code_point) || is_lower(c.code_point) || is_title(c.code_point);
    out += !cased ? std::string(one) : inside ? lower_at(text, i) : to_title(c.code_point);
    inside = cased;
    i += c.length;
  }
  return out;
}

/// Byte range [begin, end) of the characters that start and stop name; no value: they lie outside.
std::optional<std::pair<size_t, size_t>> window(Call& call, const std::optional<Value>& start,
                                                const std::optional<Value>& stop) {
  const std::string& text = call.self.bytes();
  if (given(start) == nullptr && given(stop) == nullptr) return std::pair(size_t{0}, text.size());
  call.runtime.step_characters(2 * text.size());
  const auto count = static_cast<int64_t>(count_characters(text));
  const auto place = [&](const std::optional<Value>& v, int64_t absent) {
    if (given(v) == nullptr) return absent;
    const int64_t i = require_int(call.runtime, *v, call.name);
    return i < 0 ? std::max<int64_t>(i + count, 0) : i;
  };
  const int64_t from = place(start, 0), to = std::min(place(stop, count), count);
  if (from > to) return std::nullopt;
  const size_t begin = skip_characters(text, 0, static_cast<size_t>(from));
  return std::pair(begin, skip_characters(text, begin, static_cast<size_t>(to - from)));
}

/// The character index of the first or last occurrence, or -1.
int64_t find_in(Call& call, bool last) {
  const auto a = call.bind({"sub", "start", "end"}, 1);
  const std::string& part = require_text(call.runtime, *a[0], call.name).bytes;
  const auto range = window(call, a[1], a[2]);
  if (!range) return -1;
  const std::string_view text = call.self.bytes();
  const std::string_view searched = text.substr(range->first, range->second - range->first);
  const size_t at = Search(call.runtime, searched, part, last ? Search::From::kEnd : Search::From::kBegin).next();
  if (at == Search::kNone) return -1;
  call.runtime.step_characters(range->first + at);
  return static_cast<int64_t>(count_characters(text.substr(0, range->first + at)));
}

template <bool last>
Value do_find(Call& call) {
  return Value::integer(find_in(call, last));
}

template <bool last>
Value do_index(Call& call) {
  const int64_t at = find_in(call, last);
  if (at < 0) call.runtime.fail("substring not found");
  return Value::integer(at);
}

Value do_count(Call& call) {
  const auto a = call.bind({"sub", "start", "end"}, 1);
  const std::string& part = require_text(call.runtime, *a[0], call.name).bytes;
  const auto range = window(call, a[1], a[2]);
  if (!range) return Value::integer(0);
  const std::string_view text = std::string_view(call.self.bytes()).substr(range->first, range->second - range->first);
  call.runtime.step_characters(part.empty() ? text.size() : 0);
  if (part.empty()) return Value::integer(static_cast<int64_t>(count_characters(text)) + 1);
  int64_t count = 0;
  for (Search search(call.runtime, text, part); search.next() != Search::kNone;) ++count;
  return Value::integer(count);
}

template <bool at_end>
Value do_begins(Call& call) {
  const auto a = call.bind({"prefix", "start", "end"}, 1);
  const auto range = window(call, a[1], a[2]);
  const auto fits = [&](const Value& part) {
    const std::string& wanted = require_text(call.runtime, part, call.name).bytes;
    call.runtime.step();
    call.runtime.step_bytes(wanted.size());
    if (!range) return false;
    const std::string_view text =
        std::string_view(call.self.bytes()).substr(range->first, range->second - range->first);
    return at_end ? text.ends_with(wanted) : text.starts_with(wanted);
  };
  if (!a[0]->is_tuple()) return Value::boolean(fits(*a[0]));
  return Value::boolean(std::any_of(a[0]->items().begin(), a[0]->items().end(), fits));
}

template <bool at_end>
Value do_remove_affix(Call& call) {
  const auto a = call.bind({"affix"}, 1);
  const MarkedText& text = call.self.text();
  const std::string& affix = require_text(call.runtime, *a[0], call.name).bytes;
  call.runtime.step_bytes(affix.size() + text.size());
  const bool fits = at_end ? text.bytes.ends_with(affix) : text.bytes.starts_with(affix);
  if (!fits) return call.self;
  return finish(call, at_end ? text.slice(0, text.size() - affix.size()) : text.slice(affix.size(), text.size()));
}

Value do_replace(Call& call) {
  const auto a = call.bind({"old", "new", "count"}, 2);
  const int64_t count = a[2] ? require_int(call.runtime, *a[2], call.name) : -1;
  return finish(call, replace(call.runtime, call.self.text(), require_text(call.runtime, *a[0], call.name),
                              argument_text(call, *a[1]), count));
}

Value do_join(Call& call) {
  const auto a = call.bind({"iterable"}, 1);
  TextBuilder out(call.runtime);
  bool first = true;
  for (const Value& item : items_of(call.runtime, *a[0])) {
    if (!first) out.add(call.self.text());
    first = false;
    if (!item.is_string()) call.runtime.fail("join() expected strings, got " + std::string(type_name(item)));
    out.add(argument_text(call, item));
  }
  return finish(call, out.take());
}

Value list_of(Call& call, const Pieces& pieces) {
  Values values;
  for (const auto& [begin, end] : pieces) {
    call.runtime.step_bytes(end - begin);
    values.push_back(finish(call, call.self.text().slice(begin, end)));
  }
  return call.runtime.list(std::move(values));
}

template <bool from_right>
Value do_split(Call& call) {
  const auto a = call.bind({"sep", "maxsplit"});
  const int64_t limit = a[1] ? require_int(call.runtime, *a[1], call.name) : -1;
  const size_t most = limit < 0 ? SIZE_MAX : static_cast<size_t>(limit);
  const Value* separator = given(a[0]);
  if (separator == nullptr) return list_of(call, split_words(call.runtime, call.self.text(), most, from_right));
  const std::string& sep = require_text(call.runtime, *separator, call.name).bytes;
  if (sep.empty()) call.runtime.fail("empty separator");
  return list_of(call, split_text(call.runtime, call.self.text(), sep, most, from_right));
}

Value do_split_lines(Call& call) {
  const auto a = call.bind({"keepends"});
  return list_of(call, split_lines(call.runtime, call.self.text(), a[0] && truth(call.runtime, *a[0])));
}

template <bool last>
Value do_partition(Call& call) {
  const auto a = call.bind({"sep"}, 1);
  const MarkedText& text = call.self.text();
  const std::string& sep = require_text(call.runtime, *a[0], call.name).bytes;
  if (sep.empty()) call.runtime.fail("empty separator");
  const size_t at = Search(call.runtime, text.bytes, sep, last ? Search::From::kEnd : Search::From::kBegin).next();
  call.runtime.step_bytes(text.size());
  std::array<MarkedText, 3> parts;
  if (at == Search::kNone)
    parts[last ? 2 : 0] = text;
  else
    parts = {text.slice(0, at), text.slice(at, at + sep.size()), text.slice(at + sep.size(), text.size())};
  Values values;
  for (MarkedText& part : parts) values.push_back(finish(call, std::move(part)));
  return call.runtime.tuple(std::move(values));
}

template <char side>
Value do_justify(Call& call) {
  const auto a = call.bind({"width", "fillchar"}, 1);
  const std::string fill = a[1] ? require_text(call.runtime, *a[1], call.name).bytes.substr(0, 8) : " ";
  if (count_characters(fill) != 1) call.runtime.fail("The fill character must be exactly one character long");
  const int64_t size = *length_of(call.runtime, call.self);
  const int64_t pad = std::max<int64_t>(require_int(call.runtime, *a[0], call.name) - size, 0);
  const int64_t width = pad + size;
  const int64_t left = side == 'l' ? 0 : side == 'r' ? pad : pad / 2 + (pad & width & 1);
  TextBuilder out(call.runtime);
  out.add_repeated(fill, static_cast<size_t>(left)).add(call.self.text());
  return finish(call, out.add_repeated(fill, static_cast<size_t>(pad - left)).take());
}

Value do_zfill(Call& call) {
  const auto a = call.bind({"width"}, 1);
  const MarkedText& text = call.self.text();
  const int64_t size = *length_of(call.runtime, call.self);
  const int64_t pad = std::max<int64_t>(require_int(call.runtime, *a[0], call.name) - size, 0);
  const size_t sign = text.bytes.starts_with('-') || text.bytes.starts_with('+') ? 1 : 0;
  TextBuilder out(call.runtime);
  out.add_slice(text, 0, sign).add_repeated("0", static_cast<size_t>(pad)).add_slice(text, sign, text.size());
  return finish(call, out.take());
}

Value do_expand_tabs(Call& call) {
  const auto a = call.bind({"tabsize"});
  const int64_t size = a[0] ? require_int(call.runtime, *a[0], call.name) : 8;
  const MarkedText& text = call.self.text();
  TextBuilder out(call.runtime);
  int64_t column = 0;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text.bytes, i);
    const int64_t fill = size > 0 ? size - column % size : 0;
    if (c.code_point == '\t') {
      out.add_repeated(" ", static_cast<size_t>(fill));
      column += fill;
    } else {
      out.add_slice(text, i, i + c.length);
      column = c.code_point == '\n' || c.code_point == '\r' ? 0 : column + 1;
    }
    i += c.length;
  }
  return finish(call, out.take());
}

template <bool (*test)(int32_t)>
Value do_all(Call& call) {
  call.bind({});
  call.runtime.step_characters(2 * call.self.bytes().size());
  const std::string& text = call.self.bytes();
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    if (!test(c.code_point)) return Value::boolean(false);
    i += c.length;
  }
  return Value::boolean(!text.empty());
}

bool is_alphanumeric(int32_t c) { return is_alphabetic(c) || is_numeric(c); }

template <bool upper>
Value do_is_cased(Call& call) {
  call.bind({});
  return Value::boolean(is_cased(call.runtime, call.self.text(), upper));
}

Value do_is_title(Call& call) {
  call.bind({});
  call.runtime.step_characters(2 * call.self.bytes().size());
  const std::string& text = call.self.bytes();
  bool inside = false, any = false;
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    const bool upper = is_upper(c.code_point) || is_title(c.code_point), lower = is_lower(c.code_point);
    if ((upper && inside) || (lower && !inside)) return Value::boolean(false);
    inside = upper || lower;
    any |= inside;
    i += c.length;
  }
  return Value::boolean(any);
}

Value do_is_ascii(Call& call) {
  call.bind({});
  call.runtime.step_bytes(call.self.bytes().size());
  const std::string& text = call.self.bytes();
  return Value::boolean(std::none_of(text.begin(), text.end(), [](char c) { return c & 0x80; }));
}

Value do_is_printable(Call& call) {
  return Value::boolean(call.self.bytes().empty() || do_all<is_printable>(call).as_bool());
}

Value do_is_identifier(Call& call) {
  call.bind({});
  call.runtime.step_characters(2 * call.self.bytes().size());
  const std::string& text = call.self.bytes();
  for (size_t i = 0; i < text.size();) {
    const Character c = character_at(text, i);
    if (!(i == 0 ? is_identifier_start(c.code_point) : is_identifier_part(c.code_point))) return Value::boolean(false);
    i += c.length;
  }
  return Value::boolean(!text.empty());
}

Value do_format(Call& call) { return brace_format(call.runtime, call.self.text(), call); }

Value do_format_map(Call& call) {
  const auto a = call.bind({"mapping"}, 1);
  if (!a[0]->is_dict()) call.runtime.fail("format_map() expected a dict, got " + std::string(type_name(*a[0])));
  call.runtime.step_items(a[0]->heap_as<DictData>().entries.size());
  const Call inner{call.runtime, call.name, call.self, {}, a[0]->heap_as<DictData>().entries};
  return brace_format(call.runtime, call.self.text(), inner);
}

Value do_unsupported(Call& call) {
  call.runtime.fail(ErrorCode::kUnimplemented, "str." + std::string(call.name) + "() is not supported in templates");
}

constexpr auto kMethods = std::to_array<Method>({
    {"capitalize", do_capitalize},
    {"casefold", do_map_case<to_folded>},
    {"center", do_justify<'c'>},
    {"count", do_count},
    {"encode", do_unsupported},
    {"endswith", do_begins<true>},
    {"expandtabs", do_expand_tabs},
    {"find", do_find<false>},
    {"format", do_format},
    {"format_map", do_format_map},
    {"index", do_index<false>},
    {"isalnum", do_all<is_alphanumeric>},
    {"isalpha", do_all<is_alphabetic>},
    {"isascii", do_is_ascii},
    {"isdecimal", do_all<is_decimal_digit>},
    {"isdigit", do_all<is_digit>},
    {"isidentifier", do_is_identifier},
    {"islower", do_is_cased<false>},
    {"isnumeric", do_all<is_numeric>},
    {"isprintable", do_is_printable},
    {"isspace", do_all<is_space>},
    {"istitle", do_is_title},
    {"isupper", do_is_cased<true>},
    {"join", do_join},
    {"ljust", do_justify<'l'>},
    {"lower", do_map_case<to_lower>},
    {"lstrip", do_strip<StripSide::kLeft>},
    {"maketrans", do_unsupported},
    {"partition", do_partition<false>},
    {"removeprefix", do_remove_affix<false>},
    {"removesuffix", do_remove_affix<true>},
    {"replace", do_replace},
    {"rfind", do_find<true>},
    {"rindex", do_index<true>},
    {"rjust", do_justify<'r'>},
    {"rpartition", do_partition<true>},
    {"rsplit", do_split<true>},
    {"rstrip", do_strip<StripSide::kRight>},
    {"split", do_split<false>},
    {"splitlines", do_split_lines},
    {"startswith", do_begins<false>},
    {"strip", do_strip<StripSide::kBoth>},
    {"swapcase", do_map_each<swapped_case>},
    {"title", do_map_each<titled>},
    {"translate", do_unsupported},
    {"upper", do_map_case<to_upper>},
    {"zfill", do_zfill},
});

}  // namespace

std::span<const Method> string_methods() { return kMethods; }

}  // namespace maru::text::jinja
