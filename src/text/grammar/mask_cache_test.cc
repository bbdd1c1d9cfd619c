#include "text/grammar/mask_cache.h"

#include <gtest/gtest.h>

#include <set>

#include "text/grammar/json_terms.h"
#include "text/grammar/regex_parser.h"
#include "text/grammar/testing.h"

namespace maru::text::grammar {
namespace {

std::set<int32_t> inside(const StateMask& mask) {
  std::set<int32_t> tokens(mask.tokens.begin(), mask.tokens.end());
  for (size_t i = 0; i < 32 * mask.bits.size(); ++i)
    if ((mask.bits[i / 32] >> (i % 32) & 1) != 0) tokens.insert(static_cast<int32_t>(i));
  return tokens;
}

TEST(MaskCache, TellsTokensThatStayFromThoseThatLeave) {
  Regular tree;
  Work work;
  const Dfa characters = tree.dfa(parse_regex(tree, "\"[a-z]+\""), work).value();
  const ByteDfa dfa(over_bytes(characters, Encoding::kUtf8, "", "", work).value());
  MaskCache cache(test_tokens());
  const auto start = cache.find(dfa, 0), open = cache.find(dfa, dfa.next(0, '"'));
  const auto text = [](int32_t token) { return std::string(test_tokens().bytes_of(token)); };
  for (int32_t token = 0; token < test_tokens().num_ids(); ++token) {
    const std::string t = text(token);
    const bool lower = !t.empty() && t.find_first_not_of("abcdefghijklmnopqrstuvwxyz") == std::string::npos;
    EXPECT_EQ(lower, inside(*open).contains(token)) << t;
    EXPECT_EQ(t == "\"" || t == "\"a", inside(*start).contains(token)) << t;
  }
  ASSERT_EQ(1u, start->all_exits.ends.size());
  EXPECT_EQ("\"abc\"", text(start->all_exits.ends[0]));
  EXPECT_EQ(start, cache.find(dfa, 0)) << "found once";
  EXPECT_NE(start, open);
  EXPECT_GT(start->bytes, sizeof(StateMask));
}

TEST(MaskCache, CountsCharacters) {
  Rules rules;
  const auto grammar = rules.finished(JsonTerms(rules, true).string({.min = 0, .max = 3}));
  const ByteDfa& dfa = grammar->dfa(grammar->node(grammar->rule(grammar->root()).start).symbol);
  MaskCache cache(test_tokens());
  const auto mask = cache.find(dfa, dfa.counting());
  ASSERT_FALSE(mask->counts.empty());
  for (size_t k = 0; k + 1 < mask->counts.size(); ++k) {
    for (uint32_t i = mask->counts[k]; i < mask->counts[k + 1]; ++i) {
      const std::string_view text = test_tokens().bytes_of(mask->counted[i]);
      size_t characters = 0;
      for (size_t c = 0; c < text.size(); ++c) {
        characters += (text[c] & 0xC0) != 0x80;
        if (text[c] == '\\') ++c;
      }
      EXPECT_EQ(k, characters) << text;
    }
  }
}

}  // namespace
}  // namespace maru::text::grammar
