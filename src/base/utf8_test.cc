#include "base/utf8.h"

#include <gtest/gtest.h>

namespace maru {
namespace {

std::string utf8(char32_t c) {
  std::string s;
  append_utf8(s, c);
  return s;
}

TEST(Utf8, EveryScalarValueRoundTrips) {
  for (char32_t c = 0; c < kCodePoints; ++c) {
    if (c >= 0xD800 && c < 0xE000) continue;
    const std::string s = utf8(c);
    const Decoded d = decode_utf8(s.data(), s.data() + s.size());
    ASSERT_EQ(d.code_point, c);
    ASSERT_EQ(d.length, s.size());
  }
}

TEST(Utf8, RefusesWhatIsNotUtf8) {
  for (const char* bad : {"\x80", "\xC0\xAF", "\xC1\xBF", "\xE0\x9F\xBF", "\xED\xA0\x80", "\xF0\x8F\xBF\xBF",
                          "\xF4\x90\x80\x80", "\xF5\x80\x80\x80", "\xFF", "\xEA\xB0", "\xF0\x9F\x94", "a\xEA"})
    EXPECT_FALSE(is_valid_utf8(bad)) << bad;
  EXPECT_TRUE(is_valid_utf8("ascii 한글 \xF0\x9F\x94\xA5"));
}

TEST(Utf8, IncompleteSuffixIsWhatMayStillBecomeACharacter) {
  EXPECT_EQ(incomplete_suffix("a"), 0u);
  EXPECT_EQ(incomplete_suffix("a\xEA"), 1u);
  EXPECT_EQ(incomplete_suffix("a\xEA\xB0"), 2u);
  EXPECT_EQ(incomplete_suffix("\xF0\x9F\x94"), 3u);
  EXPECT_EQ(incomplete_suffix("가"), 0u);
  EXPECT_EQ(incomplete_suffix("\xED\xA0"), 0u);  // a surrogate: never
  EXPECT_EQ(incomplete_suffix("\x80\x80\x80"), 0u);
}

}  // namespace
}  // namespace maru
