#include "base/utf8.h"
#include "text/grammar/byte_dfa.h"

#include <gtest/gtest.h>

#include "base/json.h"
#include "base/random.h"
#include "text/grammar/code_points.h"
#include "text/grammar/regular.h"

namespace maru::text::grammar {
namespace {

bool takes(const ByteDfa& dfa, std::string_view bytes) {
  uint32_t state = 0;
  for (const char c : bytes) {
    state = dfa.next(state, static_cast<uint8_t>(c));
    if (state == ByteDfa::kDead) return false;
  }
  return dfa.accepts(state);
}

ByteDfa one_of(const CodePoints& set, Encoding encoding) {
  Regular tree;
  Work work;
  const Dfa characters = tree.dfa(tree.chars(set), work).value();
  return ByteDfa(over_bytes(characters, encoding, "", "", work).value());
}

TEST(ByteDfa, SpellsEveryCharacterAndNoOtherBytes) {
  Random random(3);
  for (int i = 0; i < 200; ++i) {
    const auto low = static_cast<uint32_t>(random.below(0x110000) >> random.below(20));
    const auto high = low + static_cast<uint32_t>(random.below(0x110000 - low));
    const CodePoints set = without({{low, high}}, {{0xD800, 0xDFFF}});
    if (set.empty()) continue;
    const ByteDfa utf8 = one_of(set, Encoding::kUtf8), json = one_of(set, Encoding::kJson);
    std::vector<uint32_t> tried{low, high, low > 0 ? low - 1 : 0, high < 0x10FFFF ? high + 1 : 0, '"', '\\', '\n',
                                7,   0x1F};
    for (int k = 0; k < 50; ++k) tried.push_back(static_cast<uint32_t>(random.below(0x110000) >> random.below(20)));
    for (const uint32_t c : tried) {
      if (c >= 0xD800 && c < 0xE000) continue;
      std::string text;
      append_utf8(text, c);
      EXPECT_EQ(c >= low && c <= high, takes(utf8, text)) << c << " in " << low << " " << high;
      const std::string quoted = Json(text).dump();
      EXPECT_EQ(c >= low && c <= high, takes(json, quoted.substr(1, quoted.size() - 2))) << quoted;
    }
  }
  const ByteDfa all = one_of(all_code_points(), Encoding::kUtf8);
  for (const char* bad : {"\xC0\x80", "\xED\xA0\x80", "\xF4\x90\x80\x80", "\x80", "\xE0\x80\x80", "ab", ""})
    EXPECT_FALSE(takes(all, bad)) << Json(replace_invalid_utf8(bad));
}

TEST(ByteDfa, EqualAutomataHaveEqualDigests) {
  const ByteDfa a(dfa_of({symbols_of_bytes("abc")})), b(dfa_of({symbols_of_bytes("abc")})),
      c(dfa_of({symbols_of_bytes("abd")}));
  EXPECT_EQ(a.digest(), b.digest());
  EXPECT_NE(a.digest(), c.digest());
  EXPECT_EQ('a', a.only_byte(0));
  EXPECT_EQ(-1, ByteDfa(dfa_of({{'a'}, {'b'}})).only_byte(0));
  EXPECT_EQ((std::vector<uint32_t>{0xAC00, 'a'}), symbols_of_text("가a"));
}

TEST(CodePoints, AreSets) {
  EXPECT_EQ((CodePoints{{1, 6}, {9, 9}}), normalised({{9, 9}, {4, 6}, {1, 3}, {2, 5}}));
  EXPECT_EQ((CodePoints{{1, 1}, {4, 4}, {7, 9}}), without({{1, 4}, {6, 9}}, {{2, 3}, {5, 6}}));
  EXPECT_EQ((CodePoints{{1, 9}}), united({{1, 4}}, {{5, 9}}));
  EXPECT_EQ((CodePoints{{'0', '9'}}).size(), 1u);
  EXPECT_TRUE(code_points_with("Lu").has_value());
  EXPECT_TRUE(code_points_with("Script=Hangul").has_value());
  EXPECT_FALSE(code_points_with("Nonsense").has_value());
  EXPECT_FALSE(code_points_with("L}]").has_value());
}

}  // namespace
}  // namespace maru::text::grammar
