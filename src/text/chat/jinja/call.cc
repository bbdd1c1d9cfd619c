// Matching arguments with parameters.
#include <fmt/format.h>

#include <algorithm>

#include "text/chat/jinja/methods.h"
#include "text/chat/jinja/operations.h"

namespace maru::text::jinja {

std::vector<std::optional<Value>> Call::bind(const std::vector<std::string_view>& parameters, size_t required) const {
  std::vector<std::optional<Value>> bound(parameters.size());
  if (arguments.size() > parameters.size())
    runtime.fail(fmt::format("{}() takes at most {} argument(s), got {}", name, parameters.size(), arguments.size()));
  std::copy(arguments.begin(), arguments.end(), bound.begin());
  for (const auto& [keyword, value] : keywords) {
    const auto it = std::find(parameters.begin(), parameters.end(), keyword.bytes());
    if (it == parameters.end())
      runtime.fail(fmt::format("{}() got an unexpected keyword argument '{}'", name, keyword.bytes()));
    std::optional<Value>& slot = bound[static_cast<size_t>(it - parameters.begin())];
    if (slot) runtime.fail(fmt::format("{}() got multiple values for argument '{}'", name, keyword.bytes()));
    slot = value;
  }
  for (size_t i = 0; i < required; ++i)
    if (!bound[i]) runtime.fail(fmt::format("{}() expected the argument '{}'", name, parameters[i]));
  return bound;
}

int64_t require_int(Runtime& runtime, const Value& value, std::string_view what) {
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (!value.is_integral()) runtime.fail(fmt::format("{}: expected an integer, got {}", what, type_name(value)));
  return value.as_int();
}

const MarkedText& require_text(Runtime& runtime, const Value& value, std::string_view what) {
  if (value.is_undefined()) fail_undefined(runtime, value);
  if (!value.is_string()) runtime.fail(fmt::format("{}: expected a string, got {}", what, type_name(value)));
  return value.text();
}

}  // namespace maru::text::jinja
