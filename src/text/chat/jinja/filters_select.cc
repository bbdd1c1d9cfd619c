// map, select, reject, selectattr, rejectattr: filters that apply another filter or test to each item.
#include <algorithm>
#include <array>

#include "text/chat/jinja/filters.h"
#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {
namespace {

const Value* keyword(const Call& call, std::string_view name) {
  for (const auto& [key, value] : call.keywords)
    if (key.bytes() == name) return &value;
  return nullptr;
}

Value map_attribute(Call& call, const Value& attribute) {
  for (const auto& [key, value] : call.keywords)
    if (key.bytes() != "attribute" && key.bytes() != "default")
      call.runtime.fail("map: unexpected keyword argument '" + key.bytes() + "'");
  const Value* fallback = keyword(call, "default");
  if (fallback != nullptr && fallback->is_none()) fallback = nullptr;
  Values mapped;
  for (const Value& item : items_of(call.runtime, call.self))
    mapped.push_back(path_of(call.runtime, item, attribute, fallback));
  return call.runtime.iterator(std::move(mapped));
}

/// The call of another filter or test with the arguments from `first` on.
Call inner_call(const Call& call, const std::string& name, size_t first) {
  call.runtime.step_items(call.arguments.size() + 2 * call.keywords.size());
  const Values rest(call.arguments.begin() + static_cast<ptrdiff_t>(first), call.arguments.end());
  return {call.runtime, name, Value(), rest, call.keywords};
}

Value do_map(Call& call) {
  if (!truth(call.runtime, call.self)) return call.runtime.iterator({});
  const Value* attribute = keyword(call, "attribute");
  if (call.arguments.empty() && attribute != nullptr) return map_attribute(call, *attribute);
  if (call.arguments.empty()) call.runtime.fail("map requires a filter argument");
  const std::string name = require_text(call.runtime, call.arguments[0], "map").bytes;
  Values mapped;
  for (const Value& item : items_of(call.runtime, call.self)) {
    Call inner = inner_call(call, name, 1);
    inner.self = item;
    mapped.push_back(apply_filter(inner));
  }
  return call.runtime.iterator(std::move(mapped));
}

/// Keeps the items whose test gives `wanted`; `by_attribute`: the first argument says what of an item is tested.
template <bool wanted, bool by_attribute>
Value do_select(Call& call) {
  if (!truth(call.runtime, call.self)) return call.runtime.iterator({});
  constexpr size_t kTest = by_attribute ? 1 : 0;
  if (by_attribute && call.arguments.empty()) call.runtime.fail("Missing parameter for attribute name");
  const bool named = call.arguments.size() > kTest;
  const std::string name = named ? require_text(call.runtime, call.arguments[kTest], call.name).bytes : "";
  Values kept;
  for (const Value& item : items_of(call.runtime, call.self)) {
    const Value tested = by_attribute ? path_of(call.runtime, item, call.arguments[0]) : item;
    bool passes = false;
    if (named) {
      Call inner = inner_call(call, name, kTest + 1);
      inner.self = tested;
      passes = apply_test(inner);
    } else {
      passes = truth(call.runtime, tested);
    }
    if (passes == wanted) kept.push_back(item);
  }
  return call.runtime.iterator(std::move(kept));
}

constexpr auto kFilters = std::to_array<Method>({{"map", do_map},
                                                 {"reject", do_select<false, false>},
                                                 {"rejectattr", do_select<false, true>},
                                                 {"select", do_select<true, false>},
                                                 {"selectattr", do_select<true, true>}});

}  // namespace

std::span<const Method> selection_filters() { return kFilters; }

}  // namespace maru::text::jinja
