#include "text/grammar/automaton.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "text/grammar/regex_parser.h"
#include "text/grammar/regular.h"

namespace maru::text::grammar {
namespace {

std::vector<uint32_t> symbols(std::string_view text) { return {text.begin(), text.end()}; }

Dfa dfa_for(std::string_view pattern) {
  Regular tree;
  Work work;
  return tree.dfa(parse_regex(tree, pattern), work).value();
}

// All texts over a, b and c of at most `length` characters.
std::vector<std::string> texts(size_t length) {
  std::vector<std::string> all{""};
  for (size_t i = 0; i < all.size() && all[i].size() < length; ++i)
    for (const char c : {'a', 'b', 'c'}) all.push_back(all[i] + c);
  return all;
}

TEST(Automaton, ProductsAreWhatBothOrOnlyTheFirstAccept) {
  Work work;
  const std::vector<std::string> patterns{"a*b", "(ab|c)+", "[ab]{2,3}", "", "[^a]*", "a(b|c)*a", "c?"};
  for (const std::string& x : patterns) {
    for (const std::string& y : patterns) {
      const Dfa a = dfa_for(x), b = dfa_for(y);
      const Dfa both = product(a, b, false, work).value(), minus = product(a, b, true, work).value();
      for (const std::string& text : texts(5)) {
        const bool in_a = accepts(a, symbols(text)), in_b = accepts(b, symbols(text));
        EXPECT_EQ(in_a && in_b, accepts(both, symbols(text))) << x << " & " << y << ": " << text;
        EXPECT_EQ(in_a && !in_b, accepts(minus, symbols(text))) << x << " - " << y << ": " << text;
      }
    }
  }
}

TEST(Automaton, LengthsAreCounted) {
  Work work;
  for (const char* pattern : {"a*", "(ab)*", "[abc]*", "a|bc|abc"}) {
    const Dfa all = dfa_for(pattern);
    for (uint64_t min = 0; min < 4; ++min) {
      for (const uint64_t max : {uint64_t{0}, uint64_t{2}, uint64_t{3}, kUnbounded}) {
        const Dfa some = with_length(all, min, max, work).value();
        for (const std::string& text : texts(5))
          EXPECT_EQ(accepts(all, symbols(text)) && text.size() >= min && text.size() <= max,
                    accepts(some, symbols(text)))
              << pattern << " " << min << " " << max << " " << text;
      }
    }
  }
  EXPECT_TRUE(with_length(dfa_for("(aa)*"), 3, 3, work)->empty());
  EXPECT_FALSE(with_length(dfa_for("a*"), 0, 1'000'000'000, work).has_value());
}

TEST(Automaton, TextsAsAnAutomaton) {
  const Dfa dfa = dfa_of({symbols("ab"), symbols("abc"), symbols("b")});
  std::set<std::string> accepted;
  for (const std::string& text : texts(4))
    if (accepts(dfa, symbols(text))) accepted.insert(text);
  EXPECT_EQ((std::set<std::string>{"ab", "abc", "b"}), accepted);
  EXPECT_TRUE(dfa_of({}).empty());
}

TEST(Automaton, EndsOfTheText) {
  for (const auto& [pattern, text, expected] :
       std::vector<std::tuple<const char*, const char*, bool>>{{"^a|b$", "ac", true},
                                                               {"^a|b$", "cb", true},
                                                               {"^a|b$", "bca", false},
                                                               {"a^b", "ab", false},
                                                               {"^$", "", true},
                                                               {"^$", "a", false},
                                                               {"(^|a)b", "b", true},
                                                               {"(^|a)b", "cb", false},
                                                               {"(^|a)b", "ab", true},
                                                               {"a($|c)", "ba", true},
                                                               {"a($|c)", "ab", false},
                                                               {"^^a$$", "a", true}}) {
    Regular tree;
    Work work;
    const Dfa dfa = tree.dfa(tree.searched(parse_regex(tree, pattern)), work).value();
    EXPECT_EQ(expected, accepts(dfa, symbols(text))) << pattern << " in " << text;
  }
}

TEST(Automaton, WhatGrowsTooLargeIsNone) {
  Regular tree;
  Work work;
  EXPECT_FALSE(tree.dfa(parse_regex(tree, "(a|b)*a(a|b){18}"), work).has_value());
  EXPECT_FALSE(tree.dfa(parse_regex(tree, "((a{1000}){1000}){1000}"), work).has_value());
  EXPECT_TRUE(tree.dfa(parse_regex(tree, "((a*)*){1000}"), work).has_value());
  EXPECT_TRUE(tree.dfa(parse_regex(tree, "(){1000000000}"), work).has_value());
  Work spent;
  EXPECT_FALSE(spent.spend(kMaxTotalWork));
  EXPECT_FALSE(product(dfa_for("a*"), dfa_for("b*"), false, spent).has_value());
}

}  // namespace
}  // namespace maru::text::grammar
