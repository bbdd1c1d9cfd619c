#include "text/chat/jinja/operations.h"

#include <algorithm>
#include <cmath>

#include "text/chat/jinja/search.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

constexpr std::string_view name_of(SequenceKind kind) {
  switch (kind) {
    case SequenceKind::kList: return "list";
    case SequenceKind::kTuple: return "tuple";
    case SequenceKind::kGroup: return "_GroupTuple";
    case SequenceKind::kRange: return "range";
    case SequenceKind::kKeys: return "dict_keys";
    case SequenceKind::kValues: return "dict_values";
    default: return "dict_items";
  }
}

/// Sequences that can be equal to each other.
int family_of(const Value& value) {
  if (value.is_tuple()) return -1;
  return static_cast<int>(value.heap_as<SequenceData>().sequence_kind);
}

bool is_range(const Value& value) {
  return value.is_sequence() && value.heap_as<SequenceData>().sequence_kind == SequenceKind::kRange;
}

bool equal_numbers(const Value& a, const Value& b) {
  return a.is_integral() && b.is_integral() ? a.as_int() == b.as_int() : a.as_real() == b.as_real();
}

bool equal_dicts(Runtime& runtime, const DictData& a, const DictData& b) {
  if (a.entries.size() != b.entries.size()) return false;
  return std::all_of(a.entries.begin(), a.entries.end(), [&](const auto& entry) {
    const Value* other = b.find(runtime, entry.first);
    return other != nullptr && equal(runtime, entry.second, *other);
  });
}

uint64_t mixed(uint64_t h) {
  h = (h ^ (h >> 32)) * 0x9E3779B97F4A7C15u;
  return h ^ (h >> 29);
}

uint64_t hash_number(const Value& value) {
  const double real = value.as_real();
  const bool whole = value.is_integral() || (std::trunc(real) == real && std::abs(real) < 9e18);
  return mixed(whole ? static_cast<uint64_t>(value.is_integral() ? value.as_int() : static_cast<int64_t>(real))
                     : std::hash<double>()(real));
}

bool text_contains(Runtime& runtime, const Value& text, const Value& part) {
  if (!part.is_string()) {
    if (part.is_undefined()) fail_undefined(runtime, part);
    runtime.fail("'in <string>' requires string as left operand, not " + std::string(type_name(part)));
  }
  return Search(runtime, text.bytes(), part.bytes()).next() != Search::kNone;
}

Values characters_of(Runtime& runtime, const MarkedText& text) {
  Values characters;
  for (size_t i = 0; i < text.size();) {
    const size_t length = character_at(text.bytes, i).length;
    characters.push_back(runtime.string(text.slice(i, i + length)));
    i += length;
  }
  return characters;
}

}  // namespace

std::string_view type_name(const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return "Undefined";
    case Kind::kNone: return "NoneType";
    case Kind::kBool: return "bool";
    case Kind::kInt: return "int";
    case Kind::kFloat: return "float";
    case Kind::kString: return value.text().safe ? "Markup" : "str";
    case Kind::kSequence: return name_of(value.heap_as<SequenceData>().sequence_kind);
    case Kind::kDict: return "dict";
    case Kind::kIterator: return value.heap_as<IteratorData>().name;
    default: return value.heap_as<Object>().type_name();
  }
}

void fail_undefined(Runtime& runtime, const Value& value) {
  const auto* data = static_cast<const UndefinedData*>(value.heap());
  runtime.fail(data != nullptr ? data->message : "the value is undefined");
}

bool truth(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return false;
    case Kind::kFloat: return value.as_real() != 0;
    case Kind::kBool:
    case Kind::kInt: return value.as_bool();
    default: return length_of(runtime, value).value_or(1) != 0;
  }
}

std::optional<int64_t> length_of(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return 0;
    case Kind::kString:
      runtime.step_characters(value.bytes().size());
      return static_cast<int64_t>(count_characters(value.bytes()));
    case Kind::kSequence: return static_cast<int64_t>(value.items().size());
    case Kind::kDict: return static_cast<int64_t>(value.heap_as<DictData>().entries.size());
    case Kind::kObject: return value.heap_as<Object>().length(runtime);
    default: return std::nullopt;
  }
}

bool equal(Runtime& runtime, const Value& a, const Value& b) {
  runtime.step();
  if (a.is_number() && b.is_number()) return equal_numbers(a, b);
  if (a.kind() != b.kind()) return false;
  switch (a.kind()) {
    case Kind::kUndefined:
    case Kind::kNone: return true;
    case Kind::kString: runtime.step_bytes(a.bytes().size()); return a.bytes() == b.bytes();
    case Kind::kSequence: {
      if (a.same_object(b)) return true;
      if (family_of(a) != family_of(b) || a.items().size() != b.items().size()) return false;
      const auto nested = runtime.nested_walk();
      return std::equal(a.items().begin(), a.items().end(), b.items().begin(),
                        [&](const Value& x, const Value& y) { return equal(runtime, x, y); });
    }
    case Kind::kDict: {
      if (a.same_object(b)) return true;
      const auto nested = runtime.nested_walk();
      return equal_dicts(runtime, a.heap_as<DictData>(), b.heap_as<DictData>());
    }
    default: return a.same_object(b);
  }
}

bool less(Runtime& runtime, const Value& a, const Value& b, std::string_view op) {
  runtime.step();
  if (a.is_number() && b.is_number())
    return a.is_integral() && b.is_integral() ? a.as_int() < b.as_int() : a.as_real() < b.as_real();
  if (a.is_string() && b.is_string())
    return runtime.step_bytes(std::min(a.bytes().size(), b.bytes().size())), a.bytes() < b.bytes();
  if (a.is_undefined()) fail_undefined(runtime, a);
  if (b.is_undefined()) fail_undefined(runtime, b);
  if ((a.is_list() && b.is_list()) || (a.is_tuple() && b.is_tuple())) {
    const auto nested = runtime.nested_walk();
    const auto [x, y] = std::mismatch(a.items().begin(), a.items().end(), b.items().begin(), b.items().end(),
                                      [&](const Value& u, const Value& v) { return equal(runtime, u, v); });
    if (x == a.items().end() || y == b.items().end()) return a.items().size() < b.items().size();
    return less(runtime, *x, *y, op);
  }
  runtime.fail("'" + std::string(op) + "' not supported between instances of '" + std::string(type_name(a)) +
               "' and '" + std::string(type_name(b)) + "'");
}

uint64_t hash_of(Runtime& runtime, const Value& value) {
  runtime.step();
  if (value.is_number()) return hash_number(value);
  if (value.is_string())
    return runtime.step_bytes(value.bytes().size()), mixed(std::hash<std::string>()(value.bytes()));
  if (value.is_tuple() || is_range(value)) {
    const auto nested = runtime.nested_walk();
    uint64_t hash = 1;
    for (const Value& item : value.items()) hash = mixed(hash + hash_of(runtime, item));
    return hash;
  }
  if (value.is_list() || value.is_dict()) runtime.fail("unhashable type: '" + std::string(type_name(value)) + "'");
  if (value.is_none() || value.is_undefined()) return mixed(static_cast<uint64_t>(value.kind()));
  return mixed(std::hash<const void*>()(value.heap()));
}

bool contains(Runtime& runtime, const Value& container, const Value& item) {
  if (container.is_string()) return text_contains(runtime, container, item);
  if (container.is_dict()) return container.heap_as<DictData>().find(runtime, item) != nullptr;
  const std::optional<Values> items = try_items_of(runtime, container);
  if (!items) runtime.fail("argument of type '" + std::string(type_name(container)) + "' is not iterable");
  return std::any_of(items->begin(), items->end(), [&](const Value& v) { return equal(runtime, v, item); });
}

std::optional<Values> try_items_of(Runtime& runtime, const Value& value) {
  switch (value.kind()) {
    case Kind::kUndefined: return Values{};
    case Kind::kString: return characters_of(runtime, value.text());
    case Kind::kSequence: runtime.step_items(value.items().size()); return value.items();
    case Kind::kDict: {
      Values keys;
      runtime.step_items(value.heap_as<DictData>().entries.size());
      for (const auto& [key, item] : value.heap_as<DictData>().entries) keys.push_back(key);
      return keys;
    }
    case Kind::kIterator: {
      auto& data = value.heap_as<IteratorData>();
      runtime.step_items(data.items.size() - data.next);
      Values rest(data.items.begin() + static_cast<ptrdiff_t>(data.next), data.items.end());
      data.next = data.items.size();
      return rest;
    }
    default: return std::nullopt;
  }
}

Values items_of(Runtime& runtime, const Value& value) {
  std::optional<Values> items = try_items_of(runtime, value);
  if (!items) runtime.fail("'" + std::string(type_name(value)) + "' object is not iterable");
  return std::move(*items);
}

std::optional<size_t> DictData::locate(Runtime& runtime, const Value& key, uint64_t hash) const {
  if (slots_.empty()) {
    for (size_t i = 0; i < entries.size(); ++i)
      if (hashes_[i] == hash && equal(runtime, entries[i].first, key)) return i;
    return std::nullopt;
  }
  for (size_t at = hash & (slots_.size() - 1); slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) {
    runtime.step();
    const size_t i = slots_[at] - 1;
    if (hashes_[i] == hash && equal(runtime, entries[i].first, key)) return i;
  }
  return std::nullopt;
}

const Value* DictData::find(Runtime& runtime, const Value& key) const {
  const std::optional<size_t> at = locate(runtime, key, hash_of(runtime, key));
  return at ? &entries[*at].second : nullptr;
}

void DictData::place(Runtime& runtime, size_t entry) {
  size_t at = hashes_[entry] & (slots_.size() - 1);
  for (; slots_[at] != 0; at = (at + 1) & (slots_.size() - 1)) runtime.step();
  slots_[at] = static_cast<uint32_t>(entry + 1);
}

void DictData::index_all(Runtime& runtime, size_t num_slots) {
  runtime.step_items(num_slots);
  slots_.assign(num_slots, 0);
  for (size_t i = 0; i < entries.size(); ++i) place(runtime, i);
}

void DictData::set(Runtime& runtime, Value key, Value value) {
  constexpr size_t kSmall = 8;
  const uint64_t hash = hash_of(runtime, key);
  if (const auto old = locate(runtime, key, hash)) return void(entries[*old].second = std::move(value));
  runtime.charge(*this, 2 * sizeof(Value) + 64);
  entries.emplace_back(std::move(key), std::move(value));
  hashes_.push_back(hash);
  if (entries.size() <= kSmall) return;
  if (entries.size() * 2 > slots_.size()) return index_all(runtime, std::max(4 * kSmall, 2 * slots_.size()));
  place(runtime, entries.size() - 1);
}

}  // namespace maru::text::jinja
