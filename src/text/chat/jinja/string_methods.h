// The table of str's methods, and splitting. Internal to the module.
#pragma once
#include <span>
#include <string_view>
#include <vector>

#include "text/chat/jinja/methods.h"

namespace maru::text::jinja {

std::span<const Method> string_methods();

/// str.split at white space and at `separator`: at most `most` splits, counted from the left or the right.
Pieces split_words(Runtime& runtime, const MarkedText& text, size_t most, bool from_right);
Pieces split_text(Runtime& runtime, const MarkedText& text, std::string_view separator, size_t most, bool from_right);

}  // namespace maru::text::jinja
