#include "infer/stop.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace maru::infer {
namespace {

std::string feed(StopMatcher& matcher, const std::vector<std::string>& pieces) {
  std::string text;
  for (const std::string& piece : pieces) text += matcher.push(piece) + "|";
  return text;
}

TEST(StopMatcher, HoldsBackWhatMayBecomeAStop) {
  StopMatcher matcher({"END"});
  EXPECT_EQ(feed(matcher, {"aE", "N", "x", "EN"}), "a||ENx||");
  EXPECT_EQ(matcher.finish(), "EN");
  EXPECT_FALSE(matcher.stopped());
}

TEST(StopMatcher, CutsBeforeTheStop) {
  StopMatcher matcher({"\n\n", "END"});
  EXPECT_EQ(feed(matcher, {"one\n", "\ntwo", "more"}), "one|||");
  EXPECT_TRUE(matcher.stopped());
  EXPECT_EQ(matcher.finish(), "");
}

TEST(StopMatcher, SaysWhichStopItWas) {
  StopMatcher matcher({"ab", "xab", "b"});
  EXPECT_EQ("", matcher.which());
  matcher.push("..xab..");
  EXPECT_EQ("xab", matcher.which()) << "of those that end together, the longest";
}

TEST(StopMatcher, HandlesSelfOverlap) {
  StopMatcher matcher({"aab"});
  EXPECT_EQ(feed(matcher, {"a", "a", "a", "b"}), "||a||");
  EXPECT_TRUE(matcher.stopped());
}

TEST(StopMatcher, PassesEverythingWithoutStops) {
  StopMatcher matcher({""});
  EXPECT_EQ(feed(matcher, {"a", "", "b"}), "a||b|");
}

TEST(StopMatcher, DoesNotDependOnHowTextIsCut) {
  Random random(7);
  const auto word = [&](size_t most, uint64_t letters) {
    std::string text(1 + random.below(most), 'a');
    for (char& c : text) c = static_cast<char>('a' + random.below(letters));
    return text;
  };
  int stopped = 0;
  for (int round = 0; round < 5000; ++round) {
    const std::vector<std::string> stops{word(4, 2), word(5, 3)};
    const std::string text = word(24, 3);
    StopMatcher whole(stops), cut(stops);
    std::string expected = whole.push(text);
    expected += whole.finish();
    std::string got;
    for (size_t at = 0; at < text.size();) {
      const size_t size = 1 + random.below(4);
      got += cut.push(std::string_view(text).substr(at, size));
      at += size;
    }
    got += cut.finish();
    ASSERT_EQ(got, expected) << text << " " << stops[0] << " " << stops[1];
    ASSERT_EQ(cut.stopped(), whole.stopped());
    for (const std::string& stop : stops) ASSERT_EQ(got.find(stop), std::string::npos);
    stopped += cut.stopped();
  }
  EXPECT_GT(stopped, 1000);
  EXPECT_LT(stopped, 5000);
}

}  // namespace
}  // namespace maru::infer
