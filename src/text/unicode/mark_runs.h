// Runs of combining marks, which the normaliser of the library sorts by insertion: twenty thousand of them behind one
// letter take seconds. Pure functions, thread-safe.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

namespace maru::text {

/// The text with each run of more than 64 marks in canonical order (decomposed, sorted by combining class, equal
/// classes in their order), or `text` itself, when there is no such run. Every normalisation form stays the same; none
/// takes more than linear time afterwards. `storage` holds the result where it differs. Marks that came after Unicode
/// `max_age` end a run. `steps`, if not null, counts the marks looked at and sorted.
///
/// Types    UTF-8. Cost: linear.
/// Source   Unicode 15, §3.11, D108 and D109 (the canonical ordering algorithm).
std::string_view with_sorted_marks(std::string_view text, std::string& storage, uint8_t max_age = 255,
                                   int64_t* steps = nullptr);

}  // namespace maru::text
