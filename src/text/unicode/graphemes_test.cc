#include "text/unicode/graphemes.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace maru::text {
namespace {

TEST(Graphemes, AreWhatReadersSee) {
  std::vector<std::string> clusters;
  each_grapheme("e\u0301\r\n🇰🇷🇰👩\u200d👧각ᆨa\xFF", [&](std::string_view c) { clusters.emplace_back(c); });
  EXPECT_EQ(clusters, (std::vector<std::string>{"e\u0301", "\r\n", "🇰🇷", "🇰", "👩\u200d👧", "각ᆨ", "a", "\xFF"}));
}

}  // namespace
}  // namespace maru::text
