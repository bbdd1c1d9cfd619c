// Sets of characters that Hugging Face's normalisers and pre-tokenisers ask for. The reference draws some of them from
// older Unicode tables than ICU's; where it does, so do we: a model was trained on what the reference made of its text.
// Pure functions; a value that is no character belongs to no set.
#pragma once
#include <string>

namespace maru::text {

/// White_Space
bool is_white_space(char32_t c);
/// \p{N}
bool is_numeric(char32_t c);
/// \w: letters, marks, decimal digits, connecting punctuation, joiners
bool is_word_character(char32_t c);
/// \p{P} of Unicode 8, and what ASCII calls punctuation
bool is_punctuation(char32_t c);
/// \p{M} of Unicode 9
bool is_mark(char32_t c);
/// \p{Mn} of Unicode 8
bool is_nonspacing_mark(char32_t c);
/// \p{Cc}, \p{Cf} or \p{Co} of Unicode 8, but for tab and line ends
bool is_bert_control(char32_t c);
/// The blocks of Chinese characters that BERT puts spaces around.
bool is_bert_chinese(char32_t c);
/// Lower case of one character without regard to its neighbours (İ becomes i and a dot).
void append_lower(std::string& to, char32_t c);

}  // namespace maru::text
