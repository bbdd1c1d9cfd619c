#include "tune/rewards/rules.h"

namespace maru::tune {

double format_reward(std::string_view answer, std::span<const std::string> tags) {
  size_t behind = 0;
  for (const std::string& tag : tags) {
    const size_t at = answer.find(tag);
    if (at == std::string_view::npos || at < behind || answer.find(tag, at + 1) != std::string_view::npos) return 0;
    behind = at + tag.size();
  }
  return 1;
}

}  // namespace maru::tune
