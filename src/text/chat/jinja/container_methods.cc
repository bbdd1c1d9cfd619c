// The methods of list, tuple and dict. Those that would change a value are known, and refused as the sandbox does.
#include <algorithm>
#include <span>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"
#include "text/chat/jinja/string_methods.h"

namespace maru::text::jinja {
namespace {

const DictData& dict_of(const Call& call) { return call.self.heap_as<DictData>(); }

Value do_get(Call& call) {
  const auto a = call.bind({"key", "default"}, 1);
  const Value* value = dict_of(call).find(call.runtime, *a[0]);
  return value != nullptr ? *value : a[1].value_or(Value::none());
}

Value do_items(Call& call) {
  call.bind({});
  Values items;
  for (const auto& [key, value] : dict_of(call).entries) items.push_back(call.runtime.tuple({key, value}));
  return call.runtime.sequence(SequenceKind::kItems, std::move(items));
}

Value do_keys(Call& call) {
  call.bind({});
  Values keys;
  for (const auto& entry : dict_of(call).entries) keys.push_back(entry.first);
  return call.runtime.sequence(SequenceKind::kKeys, std::move(keys));
}

Value do_values(Call& call) {
  call.bind({});
  Values values;
  for (const auto& entry : dict_of(call).entries) values.push_back(entry.second);
  return call.runtime.sequence(SequenceKind::kValues, std::move(values));
}

// Values do not change, so a copy is the value itself.
Value do_copy(Call& call) {
  call.bind({});
  return call.self;
}

Value do_count(Call& call) {
  const auto a = call.bind({"value"}, 1);
  const Values& items = call.self.items();
  return Value::integer(
      std::count_if(items.begin(), items.end(), [&](const Value& v) { return equal(call.runtime, v, *a[0]); }));
}

Value do_index(Call& call) {
  const auto a = call.bind({"value", "start", "stop"}, 1);
  const Values& items = call.self.items();
  const auto count = static_cast<int64_t>(items.size());
  const auto place = [&](const std::optional<Value>& v, int64_t absent) {
    if (!v) return absent;
    const int64_t i = require_int(call.runtime, *v, "index()");
    return std::clamp<int64_t>(i < 0 ? i + count : i, 0, count);
  };
  for (int64_t i = place(a[1], 0); i < place(a[2], count); ++i)
    if (equal(call.runtime, items[static_cast<size_t>(i)], *a[0])) return Value::integer(i);
  call.runtime.fail(repr_of(call.runtime, *a[0]) + " is not in " + std::string(type_name(call.self)));
}

constexpr auto kListMethods = std::to_array<Method>({{"append", nullptr},
                                                     {"clear", nullptr},
                                                     {"copy", do_copy},
                                                     {"count", do_count},
                                                     {"extend", nullptr},
                                                     {"index", do_index},
                                                     {"insert", nullptr},
                                                     {"pop", nullptr},
                                                     {"remove", nullptr},
                                                     {"reverse", nullptr},
                                                     {"sort", nullptr}});
constexpr auto kTupleMethods = std::to_array<Method>({{"count", do_count}, {"index", do_index}});
constexpr auto kDictMethods = std::to_array<Method>({{"clear", nullptr},
                                                     {"copy", do_copy},
                                                     {"get", do_get},
                                                     {"items", do_items},
                                                     {"keys", do_keys},
                                                     {"pop", nullptr},
                                                     {"popitem", nullptr},
                                                     {"setdefault", nullptr},
                                                     {"update", nullptr},
                                                     {"values", do_values}});

std::span<const Method> methods_of(const Value& value) {
  if (value.is_string()) return string_methods();
  if (value.is_dict()) return kDictMethods;
  if (value.is_list()) return kListMethods;
  if (value.is_tuple()) return kTupleMethods;
  return {};
}

}  // namespace

const Method* find_method(const Value& value, std::string_view name) {
  const std::span<const Method> methods = methods_of(value);
  const auto it = std::find_if(methods.begin(), methods.end(), [&](const Method& m) { return m.name == name; });
  return it == methods.end() ? nullptr : &*it;
}

}  // namespace maru::text::jinja
