#include "base/utf8.h"
#include "tune/rewards/rules.h"

namespace maru::tune {

double language_reward(const text::LetterTable& letters, std::string_view answer, text::Script script) {
  int64_t all = 0, wanted = 0;
  for (const char *p = answer.data(), *end = p + answer.size(); p < end;) {
    const Decoded character = decode_utf8(p, end);
    p += character.length;
    if (character.code_point == kInvalidCodePoint) continue;
    const text::Script found = letters.script(character.code_point);
    if (found == text::kNoScript || found == text::LetterTable::kMark) continue;
    ++all;
    wanted += found == script;
  }
  return all == 0 ? 0 : static_cast<double>(wanted) / static_cast<double>(all);
}

}  // namespace maru::tune
