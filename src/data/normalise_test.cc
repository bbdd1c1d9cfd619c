// Normalisation.
#include "base/utf8.h"
#include "data/normalise.h"

#include <gtest/gtest.h>

#include <chrono>

#include "base/random.h"

namespace maru::data {
namespace {

TEST(Normalise, OneSpellingForEveryText) {
  const std::pair<std::string, std::string> kCases[] = {
      {"\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"},  // conjoining jamo, as macOS writes names
      {"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
      {"줄  \n\n\n\n\n다음\t \n\n", "줄\n\n다음"},
      {"\n\n 들여쓰기", " 들여쓰기"},
      {"제로\u200b폭\ufeff\u00ad\u202e", "제로폭"},
      {"nbsp\u00a0전각\u3000칸", "nbsp 전각 칸"},
      {std::string("제어\x01\x7f\0문자", 15), "제어문자"},
      {"가족 👨\u200d👩\u200d👧", "가족 👨\u200d👩\u200d👧"},  // a joiner that shapes an emoji
      {"e\u200b\u0301", "\u00e9"},                       // composed only once the space is gone
  };
  for (const auto& [in, out] : kCases) EXPECT_EQ(out, normalise(in)) << in;
}

TEST(Normalise, IsIdempotentAndCounts) {
  Random random(5);
  const std::u32string alphabet = U"가나\u1100\u1161\u11a8 \n\r\t\u200b\u00a0e\u0301\u3000\x01";
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (int k = 0; k < 40; ++k) {
      const char32_t c = alphabet[random.below(alphabet.size())];
      if (c < 0x80)
        text += static_cast<char>(c);
      else if (c < 0x800)
        text += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))};
      else
        text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
                 static_cast<char>(0x80 | (c & 63))};
    }
    EXPECT_EQ(normalise(text), normalise(normalise(text))) << text;
  }
  NormaliseChanges changes;
  normalise("a\u200b\u00a0b\x01", &changes);
  EXPECT_EQ(1, changes.zero_width);
  EXPECT_EQ(1, changes.spaces);
  EXPECT_EQ(1, changes.control);
  EXPECT_EQ(0, changes.composed);
}

TEST(Normalise, ManyMarksBehindOneLetterAreSortedAndKept) {
  std::string text = "e";
  for (int i = 0; i < 100000; ++i) text += i % 2 == 0 ? "\u0301" : "\u0316";
  const auto start = std::chrono::steady_clock::now();
  const std::string result = normalise(text);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(1)) << "sorting by insertion takes a minute";
  EXPECT_EQ(1 + 100000 - 1, static_cast<int>(count_code_points(result))) << "the first acute joins the letter";
  EXPECT_EQ(result, normalise(result));
}

}  // namespace
}  // namespace maru::data
