#include "infer/ngram_drafter.h"

#include <gtest/gtest.h>

namespace maru::infer {
namespace {

using Tokens = std::vector<int32_t>;

TEST(NgramDrafter, GuessesWhatStoodBehindTheSameTokens) {
  NgramDrafter drafter(4);
  EXPECT_EQ(Tokens{}, drafter.guess(Tokens{1, 2, 3}));
  EXPECT_EQ(Tokens{}, drafter.guess(Tokens{1, 2, 3, 7, 8, 1, 2}));
  EXPECT_EQ(Tokens{7}, drafter.guess(Tokens{1, 2, 3, 7, 8, 1, 2, 3}));
}

TEST(NgramDrafter, TheLastTimeCounts) {
  NgramDrafter drafter(4);
  EXPECT_EQ(Tokens{9}, drafter.guess(Tokens{1, 2, 3, 7, 1, 2, 3, 9, 1, 2, 3}));
}

TEST(NgramDrafter, GuessesMoreWhereItWasRight) {
  const Tokens said{1, 2, 3, 7, 8, 9, 10, 11, 12, 1, 2, 3};
  NgramDrafter drafter(4);
  for (const size_t expected : {1u, 2u, 4u, 4u}) {
    const Tokens guess = drafter.guess(said);
    ASSERT_EQ(expected, guess.size());
    EXPECT_EQ(Tokens(said.begin() + 3, said.begin() + 3 + static_cast<int64_t>(expected)), guess);
    drafter.learn(static_cast<int64_t>(expected), static_cast<int64_t>(expected));
  }
  drafter.learn(4, 1);
  EXPECT_EQ(2u, drafter.guess(said).size());
}

TEST(NgramDrafter, RestsAfterItWasWrongAndTriesAgain) {
  const Tokens said{1, 2, 3, 7, 1, 2, 3};
  NgramDrafter drafter(4);
  drafter.learn(1, 0);
  int rests = 0;
  while (drafter.guess(said).empty()) ASSERT_LT(++rests, 100);
  EXPECT_GT(rests, 8);
}

TEST(NgramDrafter, NoneWhereNoneIsWanted) {
  NgramDrafter drafter(0);
  EXPECT_EQ(Tokens{}, drafter.guess(Tokens{1, 2, 3, 7, 1, 2, 3}));
}

}  // namespace
}  // namespace maru::infer
