// What strangers wrote, cut for an error message or a log: never more of it than a person reads.
#pragma once
#include <cstddef>
#include <string>
#include <string_view>

namespace maru {

/// The text whole if it is at most `limit` bytes, else its beginning, cut at a character, "…" and its length:
/// `aaaa… (7340032 bytes)`.
std::string excerpt(std::string_view text, size_t limit = 80);

}  // namespace maru
