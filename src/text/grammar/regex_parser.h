// Regular expressions as ECMAScript writes them (and Python, where both mean the same), as trees.
#pragma once
#include <string_view>

#include "text/grammar/regular.h"

namespace maru::text::grammar {

/// Characters are code points, as with ECMAScript's flag u; `.` is any but a line end; `^` and `$` are the ends of the
/// text. Lazy quantifiers mean what greedy ones do, as only what can be matched counts.
///
/// Throws   kInvalidArgument, saying where: bad syntax, and by name what no finite automaton can do or Python and
///          ECMAScript disagree on: lookaround, references back, \b, flags.
/// Source   ECMA-262 (2024), §22.2.1.
Regular::Node parse_regex(Regular& tree, std::string_view pattern);

}  // namespace maru::text::grammar
