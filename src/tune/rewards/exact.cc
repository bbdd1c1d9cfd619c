#include "tune/rewards/rules.h"

namespace maru::tune {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kSpace = " \t\r\n\f\v";
  const size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kSpace) - begin + 1);
}

double exact_reward(std::string_view answer, std::string_view expected) {
  return trimmed(answer) == trimmed(expected) ? 1 : 0;
}

}  // namespace maru::tune
