// Rewards that are rules: pure functions of an answer and of what the data says.
#pragma once
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/langid/features.h"

namespace maru::tune {

/// 1 where both are the same without the white space around them, else 0.
double exact_reward(std::string_view answer, std::string_view expected);

/// The last number in a text, as people write them: 1,234.5, -3, 0.5, 1e6; not one inside a word. Nothing: there is
/// none.
std::optional<double> last_number(std::string_view text);
/// 1 where the last number of the answer is `expected`, to one part in 10⁹; else 0.
double number_reward(std::string_view answer, double expected);

/// The share of letters that are of `script`; 0 without any letter.
double language_reward(const text::LetterTable& letters, std::string_view answer, text::Script script);

/// 1 at `target` tokens, less by the share that is missing or too much, 0 from twice as many.
double target_length_reward(int64_t tokens, int64_t target);
/// 1 up to `limit` tokens, then falling to 0 at twice as many.
double limit_length_reward(int64_t tokens, int64_t limit);

/// Minus the share of runs of `ngram` tokens that have been there before: 0 to −1.
double repetition_reward(std::span<const int32_t> tokens, int64_t ngram);

/// 1 where each tag stands in the answer exactly once, in this order; else 0.
double format_reward(std::string_view answer, std::span<const std::string> tags);

/// Without the white space of ASCII around it.
std::string_view trimmed(std::string_view text);

}  // namespace maru::tune
