// The top-level domains of the root zone (as of early 2023), without those that in text are a file's or a unit's ending
// far more often than a mail host's: next, mov, target, zip. Pure functions, thread-safe.
#pragma once
#include <cstddef>
#include <string_view>

namespace maru::data {

/// `lower`: an ASCII label in lower case. Punycode ("xn--…") always is one.
///
/// Source   IANA root zone database.
bool is_top_level_domain(std::string_view lower);

/// Bytes of the longest domain of another script ("한국", "рф") that `text` begins with; 0 if none.
size_t international_domain_prefix(std::string_view text);

}  // namespace maru::data
