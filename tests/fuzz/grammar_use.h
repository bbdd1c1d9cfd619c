// What grammar targets do with a grammar that was taken: an answer is chosen token by token from the masks, and what
// the matcher says in one way it must say in every other.
#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/grammar/testing.h"

namespace maru::text {

inline void require(bool holds) {
  if (!holds) __builtin_trap();
}

/// Bytes before the first zero byte, and those behind it.
inline std::pair<std::string_view, std::string_view> two_parts(std::string_view input) {
  const size_t end = std::min(input.size(), input.find('\0'));
  return {input.substr(0, end), input.substr(std::min(input.size(), end + 1))};
}

inline std::vector<int32_t> allowed_by(const std::vector<uint32_t>& mask) {
  std::vector<int32_t> allowed;
  for (int32_t id = 0; id < test_tokens().num_ids(); ++id)
    if (has_bit(mask, id)) allowed.push_back(id);
  return allowed;
}

/// What must come may come, in one piece; a token that is not in the mask may not.
inline void check_place(const GrammarMatcher& matcher, const std::vector<uint32_t>& mask, uint8_t choice) {
  if (const std::string forced = matcher.forced(); !forced.empty()) {
    require(!matcher.may_end() && has_bit(mask, static_cast<uint8_t>(forced[0])));
    GrammarMatcher copy = matcher;
    require(copy.accept_text(forced));
  }
  if (has_bit(mask, choice)) return;
  GrammarMatcher copy = matcher;
  require(!copy.accept(choice));
}

/// The bytes of an answer of at most 80 tokens; `whole` when it may end there.
struct Said {
  std::string text;
  bool whole = false;
};

inline Said say(const std::shared_ptr<const Grammar>& grammar, std::string_view choices) {
  constexpr size_t kMaxTokens = 80;
  GrammarMatcher matcher(grammar, test_tokens(), {end_token()});
  std::vector<uint32_t> mask(test_tokens().mask_words());
  Said said;
  for (size_t i = 0; i < std::min(choices.size(), kMaxTokens) && !matcher.is_over(); ++i) {
    try {
      matcher.fill_mask(mask);
    } catch (const Failure& failure) {  // more at once than is sensible: the answer ends
      require(failure.code() == ErrorCode::kExhausted);
      return said;
    }
    const std::vector<int32_t> allowed = allowed_by(mask);
    require(!allowed.empty() && has_bit(mask, end_token()) == matcher.may_end());
    check_place(matcher, mask, static_cast<uint8_t>(choices[i]));
    const int32_t token = allowed[static_cast<uint8_t>(choices[i]) % allowed.size()];
    require(matcher.accept(token));
    if (token != end_token()) said.text += test_tokens().bytes_of(token);
  }
  said.whole = matcher.may_end();
  return said;
}

}  // namespace maru::text
