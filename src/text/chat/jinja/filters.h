// The filters and tests of jinja2, by name. Those that make no sense for chat templates are known and refused.
#pragma once
#include <span>
#include <string_view>

#include "text/chat/jinja/methods.h"

namespace maru::text::jinja {

/// Null: there is none of that name.
Function find_filter(std::string_view name);
Function find_test(std::string_view name);
/// Applies the filter or test to call.self. Throws for an unknown name.
Value apply_filter(Call& call);
bool apply_test(Call& call);

/// The tables, by kind.
std::span<const Method> text_filters();
std::span<const Method> item_filters();
std::span<const Method> number_filters();
std::span<const Method> selection_filters();

/// What attribute="a.b.0" reads from an item; an undefined step becomes `fallback` if there is one.
Value path_of(Runtime& runtime, const Value& item, const Value& path, const Value* fallback = nullptr);
/// Strings in lower case, others as they are.
Value without_case(Runtime& runtime, const Value& value);
/// Sorts stably by `keys`, which are as many as the values.
Values sorted(Runtime& runtime, const Values& values, const Values& keys, bool reverse);
/// An optional argument as truth.
bool flag(Runtime& runtime, const std::optional<Value>& value);
/// Null for absent and none.
const Value* given(const std::optional<Value>& value);
/// Text of any value, as Jinja's soft_str: safe text stays safe.
MarkedText soft_text(Runtime& runtime, const Value& value);

}  // namespace maru::text::jinja
