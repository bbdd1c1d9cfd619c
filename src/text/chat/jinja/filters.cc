#include "text/chat/jinja/filters.h"

#include <algorithm>
#include <array>

#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {
namespace {

Function find_in(std::span<const Method> table, std::string_view name) {
  const auto it = std::find_if(table.begin(), table.end(), [&](const Method& m) { return m.name == name; });
  return it == table.end() ? nullptr : it->function;
}

Value refuse(Call& call) {
  call.runtime.fail(ErrorCode::kUnimplemented,
                    "the filter '" + std::string(call.name) + "' is not supported in templates");
}

constexpr auto kRefused = std::to_array<Method>({{"filesizeformat", refuse},
                                                 {"pprint", refuse},
                                                 {"random", refuse},
                                                 {"striptags", refuse},
                                                 {"urlize", refuse},
                                                 {"wordwrap", refuse},
                                                 {"xmlattr", refuse}});

}  // namespace

Function find_filter(std::string_view name) {
  for (const auto table :
       {text_filters(), item_filters(), selection_filters(), number_filters(), std::span<const Method>(kRefused)})
    if (const Function found = find_in(table, name)) return found;
  return nullptr;
}

Value apply_filter(Call& call) {
  const Function filter = find_filter(call.name);
  if (filter == nullptr) call.runtime.fail("no filter named '" + std::string(call.name) + "'");
  call.runtime.step();
  return filter(call);
}

bool apply_test(Call& call) {
  const Function test = find_test(call.name);
  if (test == nullptr) call.runtime.fail("no test named '" + std::string(call.name) + "'");
  call.runtime.step();
  return test(call).as_bool();
}

bool flag(Runtime& runtime, const std::optional<Value>& value) { return value && truth(runtime, *value); }

const Value* given(const std::optional<Value>& value) { return value && !value->is_none() ? &*value : nullptr; }

MarkedText soft_text(Runtime& runtime, const Value& value) {
  if (value.is_string()) runtime.step_bytes(value.bytes().size());
  return value.is_string() ? value.text() : to_text(runtime, value);
}

}  // namespace maru::text::jinja
