// Filters on sequences and mappings.
#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

Value do_first(Call& call) {
  call.bind({});
  if (call.self.is(Kind::kIterator)) {
    auto& data = call.self.heap_as<IteratorData>();
    if (data.next < data.items.size()) return data.items[data.next++];
  } else if (const Values items = items_of(call.runtime, call.self); !items.empty()) {
    return items.front();
  }
  return call.runtime.undefined("No first item, sequence was empty.");
}

Value do_last(Call& call) {
  call.bind({});
  if (call.self.is(Kind::kIterator))
    call.runtime.fail("'" + std::string(type_name(call.self)) + "' object is not reversible");
  const Values items = items_of(call.runtime, call.self);
  return items.empty() ? call.runtime.undefined("No last item, sequence was empty.") : items.back();
}

Value do_length(Call& call) {
  call.bind({});
  const std::optional<int64_t> length = length_of(call.runtime, call.self);
  if (!length) call.runtime.fail("object of type '" + std::string(type_name(call.self)) + "' has no len()");
  return Value::integer(*length);
}

Value do_list(Call& call) {
  call.bind({});
  return call.runtime.list(items_of(call.runtime, call.self));
}

Value do_items(Call& call) {
  call.bind({});
  Values items;
  if (!call.self.is_undefined() && !call.self.is_dict()) call.runtime.fail("Can only get item pairs from a mapping.");
  if (call.self.is_dict())
    for (const auto& [key, value] : call.self.heap_as<DictData>().entries)
      items.push_back(call.runtime.tuple({key, value}));
  return call.runtime.iterator(std::move(items));
}

Value do_default(Call& call) {
  const auto a = call.bind({"default_value", "boolean"});
  const bool absent = call.self.is_undefined() || (flag(call.runtime, a[1]) && !truth(call.runtime, call.self));
  return !absent ? call.self : a[0] ? *a[0] : call.runtime.string("");
}

Value do_attr(Call& call) {
  const auto a = call.bind({"name"}, 1);
  const std::string& name = require_text(call.runtime, *a[0], "attr").bytes;
  if (call.self.is_dict() && find_method(call.self, name) == nullptr)
    return call.runtime.undefined("'dict object' has no attribute '" + name + "'");
  return attribute_of(call.runtime, call.self, name);
}

Value do_reverse(Call& call) {
  call.bind({});
  if (call.self.is_string()) {
    const MarkedText& text = call.self.text();
    call.runtime.step_characters(2 * text.size());
    const Held held(call.runtime, text.size() * sizeof(uint32_t));
    const std::vector<uint32_t> offsets = character_offsets(text.bytes);
    TextBuilder out(call.runtime);
    for (size_t i = offsets.size() - 1; i-- > 0;) out.add_slice(text, offsets[i], offsets[i + 1]);
    return out.safe(text.safe).finish();
  }
  const bool list = call.self.is(Kind::kIterator);
  Values items = items_of(call.runtime, call.self);
  std::reverse(items.begin(), items.end());
  return list ? call.runtime.list(std::move(items)) : call.runtime.iterator(std::move(items), "list_reverseiterator");
}

Value do_dict_sort(Call& call) {
  const auto a = call.bind({"case_sensitive", "by", "reverse"});
  Runtime& runtime = call.runtime;
  if (!call.self.is_dict()) runtime.fail("dictsort: expected a mapping, got " + std::string(type_name(call.self)));
  const std::string by = a[1] ? require_text(runtime, *a[1], "dictsort").bytes : "key";
  if (by != "key" && by != "value") runtime.fail("You can only sort by either \"key\" or \"value\"");
  Values items, keys;
  for (const auto& [key, value] : call.self.heap_as<DictData>().entries) {
    const Value& sorts = by == "key" ? key : value;
    keys.push_back(flag(runtime, a[0]) ? sorts : without_case(runtime, sorts));
    items.push_back(runtime.tuple({key, value}));
  }
  return runtime.list(sorted(runtime, items, keys, flag(runtime, a[2])));
}

/// attribute="a,b": the values of several paths, which are compared one after the other.
Value sort_key(Runtime& runtime, const Value& item, const Value* attribute, bool case_sensitive) {
  const auto key = [&](const Value& v) { return case_sensitive ? v : without_case(runtime, v); };
  if (attribute == nullptr) return runtime.list({key(item)});
  if (!attribute->is_string()) return runtime.list({key(path_of(runtime, item, *attribute))});
  Values keys;
  std::string_view left = attribute->bytes();
  while (true) {
    const size_t comma = left.find(',');
    keys.push_back(key(path_of(runtime, item, runtime.string(left.substr(0, comma)))));
    if (comma == std::string_view::npos) return runtime.list(std::move(keys));
    left.remove_prefix(comma + 1);
  }
}

Value do_sort(Call& call) {
  const auto a = call.bind({"reverse", "case_sensitive", "attribute"});
  const Values items = items_of(call.runtime, call.self);
  const bool case_sensitive = flag(call.runtime, a[1]);
  Values keys;
  for (const Value& item : items) keys.push_back(sort_key(call.runtime, item, given(a[2]), case_sensitive));
  return call.runtime.list(sorted(call.runtime, items, keys, flag(call.runtime, a[0])));
}

/// What unique, min, max and groupby compare.
Value key_of(Runtime& runtime, const Value& item, const Value* attribute, bool case_sensitive,
             const Value* fallback = nullptr) {
  const Value value = attribute == nullptr ? item : path_of(runtime, item, *attribute, fallback);
  return case_sensitive ? value : without_case(runtime, value);
}

Value do_unique(Call& call) {
  const auto a = call.bind({"case_sensitive", "attribute"});
  const bool case_sensitive = flag(call.runtime, a[0]);
  const std::shared_ptr<DictData> seen = call.runtime.new_dict();
  Values kept;
  for (const Value& item : items_of(call.runtime, call.self)) {
    const Value key = key_of(call.runtime, item, given(a[1]), case_sensitive);
    if (seen->find(call.runtime, key) != nullptr) continue;
    seen->set(call.runtime, key, Value::none());
    kept.push_back(item);
  }
  return call.runtime.iterator(std::move(kept));
}

template <bool greatest>
Value do_extreme(Call& call) {
  const auto a = call.bind({"case_sensitive", "attribute"});
  Runtime& runtime = call.runtime;
  const Values items = items_of(runtime, call.self);
  if (items.empty()) return runtime.undefined("No aggregated item, sequence was empty.");
  const auto key = [&](const Value& v) { return key_of(runtime, v, given(a[1]), flag(runtime, a[0])); };
  const Value* best = &items[0];
  Value best_key = key(items[0]);
  for (const Value& item : items) {
    const Value next = key(item);
    if (!(greatest ? less(runtime, best_key, next, ">") : less(runtime, next, best_key))) continue;
    best = &item;
    best_key = next;
  }
  return *best;
}

Value do_group_by(Call& call) {
  const auto a = call.bind({"attribute", "default", "case_sensitive"}, 1);
  Runtime& runtime = call.runtime;
  const bool case_sensitive = flag(runtime, a[2]);
  const Values items = items_of(runtime, call.self);
  const auto key = [&](const Value& v) { return key_of(runtime, v, given(a[0]), case_sensitive, given(a[1])); };
  Values keys, groups, members;
  for (const Value& item : items) keys.push_back(key(item));
  const Values order = sorted(runtime, items, keys, false);
  for (size_t i = 0; i < order.size(); ++i) {
    members.push_back(order[i]);
    if (i + 1 < order.size() && equal(runtime, key(order[i]), key(order[i + 1]))) continue;
    const Value grouper = key_of(runtime, members[0], given(a[0]), true, given(a[1]));
    groups.push_back(runtime.sequence(SequenceKind::kGroup, {grouper, runtime.list(std::exchange(members, {}))}));
  }
  return runtime.list(std::move(groups));
}

Value do_batch(Call& call) {
  const auto a = call.bind({"linecount", "fill_with"}, 1);
  const int64_t size = require_int(call.runtime, *a[0], "batch");
  Values batches, current;
  for (const Value& item : items_of(call.runtime, call.self)) {
    if (static_cast<int64_t>(current.size()) == size) batches.push_back(call.runtime.list(std::exchange(current, {})));
    current.push_back(item);
  }
  if (!current.empty()) {
    const int64_t missing = size - static_cast<int64_t>(current.size());
    if (given(a[1]) != nullptr && missing > 0) {
      call.runtime.require_room(static_cast<size_t>(std::min<int64_t>(missing, 1 << 30)) * sizeof(Value));
      call.runtime.step_items(static_cast<size_t>(missing));
      current.resize(static_cast<size_t>(size), *a[1]);
    }
    batches.push_back(call.runtime.list(std::move(current)));
  }
  return call.runtime.iterator(std::move(batches));
}

Value do_slice(Call& call) {
  const auto a = call.bind({"slices", "fill_with"}, 1);
  const Values items = items_of(call.runtime, call.self);
  const int64_t slices = require_int(call.runtime, *a[0], "slice");
  if (slices == 0) call.runtime.fail("integer division or modulo by zero");
  if (slices > Limits::kRangeItems) call.runtime.fail("slice: expected at most 100000 slices");
  const auto count = static_cast<int64_t>(items.size());
  const int64_t each = slices < 0 ? 0 : count / slices, larger = slices < 0 ? 0 : count % slices;
  Values parts;
  auto next = items.begin();
  for (int64_t i = 0; i < slices; ++i) {
    const auto end = next + (each + (i < larger ? 1 : 0));
    Values part(next, end);
    next = end;
    if (given(a[1]) != nullptr && i >= larger) part.push_back(*a[1]);
    parts.push_back(call.runtime.list(std::move(part)));
  }
  return call.runtime.iterator(std::move(parts));
}

Value do_sum(Call& call) {
  const auto a = call.bind({"attribute", "start"});
  Value total = a[1].value_or(Value::integer(0));
  if (total.is_string()) call.runtime.fail("sum() can't sum strings");
  for (const Value& item : items_of(call.runtime, call.self))
    total =
        binary(call.runtime, BinaryOp::kAdd, total, given(a[0]) != nullptr ? path_of(call.runtime, item, *a[0]) : item);
  return total;
}

constexpr auto kFilters = std::to_array<Method>({
    {"attr", do_attr},         {"batch", do_batch},        {"count", do_length},
    {"d", do_default},         {"default", do_default},    {"dictsort", do_dict_sort},
    {"first", do_first},       {"groupby", do_group_by},   {"items", do_items},
    {"last", do_last},         {"length", do_length},      {"list", do_list},
    {"max", do_extreme<true>}, {"min", do_extreme<false>}, {"reverse", do_reverse},
    {"slice", do_slice},       {"sort", do_sort},          {"sum", do_sum},
    {"unique", do_unique},
});

}  // namespace

std::span<const Method> item_filters() { return kFilters; }

Value path_of(Runtime& runtime, const Value& item, const Value& path, const Value* fallback) {
  Value value = item;
  const auto step = [&](const Value& key) {
    value = item_of(runtime, value, key);
    if (fallback != nullptr && value.is_undefined()) value = *fallback;
  };
  if (!path.is_string()) return step(path), value;
  std::string_view left = path.bytes();
  while (true) {
    const std::string_view part = left.substr(0, left.find('.'));
    int64_t index = 0;
    const bool digits = !part.empty() && part.find_first_not_of("0123456789") == std::string_view::npos;
    const auto parsed = std::from_chars(part.data(), part.data() + part.size(), index);
    step(digits && parsed.ec == std::errc() ? Value::integer(index) : runtime.string(part));
    if (part.size() == left.size()) return value;
    left.remove_prefix(part.size() + 1);
  }
}

Value without_case(Runtime& runtime, const Value& value) {
  return value.is_string() ? runtime.string(map_case(runtime, value.text(), to_lower)) : value;
}

Values sorted(Runtime& runtime, const Values& values, const Values& keys, bool reverse) {
  runtime.step_items(4 * values.size());
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return reverse ? less(runtime, keys[b], keys[a]) : less(runtime, keys[a], keys[b]);
  });
  Values result;
  for (const size_t i : order) result.push_back(values[i]);
  return result;
}

}  // namespace maru::text::jinja
