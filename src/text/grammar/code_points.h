// Sets of code points as sorted ranges: the classes of regular expressions and grammars. Plain values.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace maru::text::grammar {

/// Both ends belong to it.
struct CodePointRange {
  uint32_t low = 0, high = 0;
  bool operator==(const CodePointRange&) const = default;
};

/// Sorted, neither overlapping nor touching.
using CodePoints = std::vector<CodePointRange>;

CodePoints one_code_point(uint32_t c);
/// Every character: U+0000 to U+10FFFF without surrogates.
const CodePoints& all_code_points();
/// Sorts and joins.
CodePoints normalised(CodePoints ranges);
CodePoints united(CodePoints a, const CodePoints& b);
/// What is in `a` and not in `b`.
CodePoints without(const CodePoints& a, const CodePoints& b);
/// \p{property}: a general category, a script or a binary property by any of its Unicode names, `Script=Hangul` too;
/// none if Unicode knows none of that name.
std::optional<CodePoints> code_points_with(const std::string& property);

}  // namespace maru::text::grammar
