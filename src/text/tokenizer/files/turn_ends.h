// Tokens that end a turn, known by their spelling: files name one end, and often not that of turns, or give it the type
// of plain text.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

#include "text/tokenizer/tokenizer.h"

namespace maru::text {

/// Whether a token spelled so is a mark of chat formats and nothing that people write. "</s>" and "<eos>" are not among
/// them: they are ends where a file says so, and HTML elsewhere.
bool is_turn_end(std::string_view spelling);

/// The tokens of a tokenizer that end a turn, in the order of the list. Where "<|return|>" and "<|call|>" end
/// turns, "<|end|>" ends a part of one and is left out.
std::vector<int32_t> turn_ends_of(const Tokenizer& tokenizer);

}  // namespace maru::text
