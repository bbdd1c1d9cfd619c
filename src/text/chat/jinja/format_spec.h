// The part of Python's formatting that % and str.format share: numbers and padding. Internal to the module.
#pragma once
#include <optional>
#include <string>

#include "text/chat/jinja/runtime.h"

namespace maru::text::jinja {

/// [[fill]align][sign][#][0][width][,][.precision][type]
struct FormatSpec {
  std::string fill = " ";
  char align = '\0', sign = '-', type = '\0', grouping = '\0';
  bool alternate = false, zero = false;
  std::optional<int64_t> precision;
  int64_t width = 0;
};

/// Throws for what is not a format specification.
FormatSpec parse_format_spec(Runtime& runtime, std::string_view text);
/// A number in the type of `spec`, with its sign, not yet padded.
std::string format_integer(Runtime& runtime, int64_t value, const FormatSpec& spec);
std::string format_real(Runtime& runtime, double value, const FormatSpec& spec);
/// Adds `text`, padded to the width; `number`: aligned to the right, zeros behind the sign.
void add_padded(const MarkedText& text, const FormatSpec& spec, bool number, TextBuilder& to);
/// The first `precision` characters.
MarkedText cut_to_precision(const MarkedText& text, const FormatSpec& spec);

}  // namespace maru::text::jinja
