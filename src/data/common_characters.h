// The few hundred characters that most of every Korean, Japanese or Chinese text consists of. Read in a wrong encoding,
// a text falls on any of some ten thousand, so their share tells whether an encoding is the right one. Pure functions.
#pragma once

namespace maru::data {

bool is_common_korean(char16_t c);  // syllables, and letters by themselves as chats have them
bool is_common_japanese(char16_t c);
bool is_common_simplified(char16_t c);
bool is_common_traditional(char16_t c);

}  // namespace maru::data
