// Attributes, subscripts and slices, as jinja2's sandbox gives them: an attribute that does not exist is undefined.
#include <fmt/format.h>

#include <algorithm>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

std::string described(const Value& value) {
  return value.is_none() ? "None" : std::string(type_name(value)) + " object";
}

Value no_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  runtime.step_bytes(name.size());
  return runtime.undefined(fmt::format("'{}' has no attribute '{}'", described(value), name));
}

Value no_element(Runtime& runtime, const Value& value, const Value& index) {
  return runtime.undefined(described(value) + " has no element " + repr_of(runtime, index));
}

/// A Python attribute: of an object, or a method.
std::optional<Value> python_attribute(Runtime& runtime, const Value& value, std::string_view name) {
  if (value.is(Kind::kObject)) return value.heap_as<Object>().attribute(runtime, value, name);
  if (value.is_sequence() && value.heap_as<SequenceData>().sequence_kind == SequenceKind::kGroup) {
    if (name == "grouper") return value.items()[0];
    if (name == "list") return value.items()[1];
  }
  const Method* method = find_method(value, name);
  if (method == nullptr) return std::nullopt;
  if (method->function == nullptr)
    return runtime.undefined(fmt::format("access to attribute '{}' of '{}' object is unsafe", name, type_name(value)));
  return Value(Kind::kObject, runtime.make<BoundFunction>(0, value, method->name, method->function));
}

const Value* entry_of(Runtime& runtime, const Value& dict, const Value& key) {
  return key.is_list() || key.is_dict() ? nullptr : dict.heap_as<DictData>().find(runtime, key);
}

Value character_item(Runtime& runtime, const Value& text, int64_t index) {
  const int64_t count = *length_of(runtime, text), at = index < 0 ? index + count : index;
  if (at < 0 || at >= count) return no_element(runtime, text, Value::integer(index));
  runtime.step_characters(static_cast<size_t>(at));
  const size_t begin = skip_characters(text.bytes(), 0, static_cast<size_t>(at));
  return runtime.string(text.text().slice(begin, skip_characters(text.bytes(), begin, 1)));
}

std::optional<Value> subscript(Runtime& runtime, const Value& value, const Value& index) {
  if (value.is_dict()) {
    const Value* entry = entry_of(runtime, value, index);
    return entry == nullptr ? std::nullopt : std::optional(*entry);
  }
  if (!index.is_integral()) return std::nullopt;
  if (value.is_string()) return character_item(runtime, value, index.as_int());
  if (!value.is_sequence() || value.heap_as<SequenceData>().sequence_kind > SequenceKind::kRange) return std::nullopt;
  const auto count = static_cast<int64_t>(value.items().size());
  const int64_t at = index.as_int() < 0 ? index.as_int() + count : index.as_int();
  if (at < 0 || at >= count) return std::nullopt;
  return value.items()[static_cast<size_t>(at)];
}

/// The indices a slice takes, of `count` items.
struct Span {
  int64_t start, stop, step;
  template <class F>
  void for_each(F take) const {
    for (int64_t i = start; step > 0 ? i < stop : i > stop; i += step) take(static_cast<size_t>(i));
  }
  size_t size() const {
    const int64_t distance = step > 0 ? stop - start : start - stop;
    return distance <= 0 ? 0 : static_cast<size_t>((distance - 1) / std::abs(step) + 1);
  }
};

// Source: PySlice_Unpack and PySlice_AdjustIndices.
Span span_of(Runtime& runtime, int64_t count, const Value& begin, const Value& end, const Value& step) {
  const auto number = [&](const Value& v, int64_t absent) {
    if (v.is_none()) return absent;
    if (v.is_undefined()) fail_undefined(runtime, v);
    if (!v.is_integral()) runtime.fail("slice indices must be integers or None");
    return v.as_int();
  };
  const int64_t stride = std::clamp<int64_t>(number(step, 1), -INT32_MAX, INT32_MAX);
  if (stride == 0) runtime.fail("slice step cannot be zero");
  const int64_t low = stride > 0 ? 0 : -1, high = stride > 0 ? count : count - 1;
  const auto place = [&](const Value& v, int64_t absent) {
    if (v.is_none()) return absent;
    const int64_t i = number(v, 0);
    return std::clamp(i < 0 ? std::max(i, -count - 1) + count : i, low, high);
  };
  return {place(begin, stride > 0 ? low : high), place(end, stride > 0 ? high : low), stride};
}

Value slice_text(Runtime& runtime, const MarkedText& text, const Value& begin, const Value& end, const Value& step) {
  runtime.step_characters(3 * text.size());
  const Span span = span_of(runtime, static_cast<int64_t>(count_characters(text.bytes)), begin, end, step);
  if (span.step == 1) {
    const size_t from = skip_characters(text.bytes, 0, static_cast<size_t>(span.start));
    return runtime.string(text.slice(from, skip_characters(text.bytes, from, span.size())));
  }
  const Held held(runtime, text.size() * sizeof(uint32_t));
  const std::vector<uint32_t> offsets = character_offsets(text.bytes);
  TextBuilder out(runtime);
  span.for_each([&](size_t i) { out.add_slice(text, offsets[i], offsets[i + 1]); });
  return out.safe(text.safe).finish();
}

Value slice_range(Runtime& runtime, const SequenceData& range, const Span& span) {
  const auto times = [&](int64_t n) {
    return binary(runtime, BinaryOp::kMultiply, Value::integer(n), Value::integer(range.step));
  };
  const auto place = [&](int64_t i) {
    return binary(runtime, BinaryOp::kAdd, Value::integer(range.start), times(i)).as_int();
  };
  return runtime.range(place(span.start), place(span.stop), times(span.step).as_int());
}

}  // namespace

Value BoundFunction::call(Call& call) {
  call.self = self_;
  call.name = name_;
  return function_(call);
}

Value attribute_of(Runtime& runtime, const Value& value, const std::string& name) {
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (std::optional<Value> found = python_attribute(runtime, value, name)) return std::move(*found);
  if (value.is_dict())
    if (const Value* entry = entry_of(runtime, value, runtime.string(name))) return *entry;
  return no_attribute(runtime, value, name);
}

Value item_of(Runtime& runtime, const Value& value, const Value& index) {
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (std::optional<Value> found = subscript(runtime, value, index)) return std::move(*found);
  if (!index.is_string()) return no_element(runtime, value, index);
  if (std::optional<Value> found = python_attribute(runtime, value, index.bytes())) return std::move(*found);
  return no_attribute(runtime, value, index.bytes());
}

Value slice_of(Runtime& runtime, const Value& value, const Value& begin, const Value& end, const Value& step) {
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (value.is_string()) return slice_text(runtime, value.text(), begin, end, step);
  if (!value.is_sequence() || value.heap_as<SequenceData>().sequence_kind > SequenceKind::kRange)
    runtime.fail("'" + std::string(type_name(value)) + "' object is not subscriptable");
  const auto& data = value.heap_as<SequenceData>();
  const Span span = span_of(runtime, static_cast<int64_t>(data.items.size()), begin, end, step);
  if (data.sequence_kind == SequenceKind::kRange) return slice_range(runtime, data, span);
  Values items;
  runtime.step_items(span.size());
  items.reserve(span.size());
  span.for_each([&](size_t i) { items.push_back(data.items[i]); });
  return runtime.sequence(data.sequence_kind == SequenceKind::kList ? SequenceKind::kList : SequenceKind::kTuple,
                          std::move(items));
}

}  // namespace maru::text::jinja
