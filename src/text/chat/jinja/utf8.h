// UTF-8 as templates see it: Python counts code points, we store bytes. Ill-formed bytes count as one character each
// and are copied as they are. Pure functions.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru::text::jinja {

struct Character {
  int32_t code_point;  // -1: ill-formed
  size_t length;       // bytes, at least 1
};

/// The character at `at` < text.size().
Character character_at(std::string_view text, size_t at);
size_t count_characters(std::string_view text);
/// The byte offsets at which characters begin, and the end. 4 bytes a character: hold them.
std::vector<uint32_t> character_offsets(std::string_view text);
/// Where the character stands that is `count` characters behind the one at `from`; the end if there are fewer.
size_t skip_characters(std::string_view text, size_t from, size_t count);
/// The character that ends at `end` > 0.
Character character_before(std::string_view text, size_t end);
/// What a decimal digit of any script stands for; -1 for everything else.
int digit_value(int32_t code_point);
void append_character(std::string& to, int32_t code_point);
/// Source   Python's str.isspace: bidirectional type WS, B or S, or category Zs.
bool is_space(int32_t code_point);
bool is_alphabetic(int32_t code_point);
bool is_decimal_digit(int32_t code_point);
/// Python's str.isdigit and str.isnumeric.
bool is_digit(int32_t code_point);
bool is_numeric(int32_t code_point);
bool is_upper(int32_t code_point);
bool is_lower(int32_t code_point);
bool is_title(int32_t code_point);
/// Whether repr() shows the character itself.
bool is_printable(int32_t code_point);
bool is_identifier_start(int32_t code_point);
bool is_identifier_part(int32_t code_point);
/// Full case mappings of the root locale.
std::string to_upper(std::string_view text);
std::string to_lower(std::string_view text);
std::string to_folded(std::string_view text);
/// The character at `at` in lower case; Σ as its place in the text wants it.
std::string lower_at(std::string_view text, size_t at);
/// The full title case of one character.
std::string to_title(int32_t code_point);

}  // namespace maru::text::jinja
