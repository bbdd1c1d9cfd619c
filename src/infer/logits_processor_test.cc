#include "infer/logits_processor.h"

#include <gtest/gtest.h>

#include <cmath>

namespace maru::infer {
namespace {

using Logits = std::vector<float>;

Logits processed(LogitsProcessor& processor, Logits logits) {
  processor.process(logits);
  return logits;
}

TEST(LogitsProcessor, RepetitionCountsPromptAndAnswerOnce) {
  const int32_t prompt[] = {0, 1, 1};
  RepetitionPenalty penalty(2, prompt);
  penalty.accept(3);
  penalty.accept(3);
  EXPECT_EQ((Logits{2, -8, 5, 0.5f}), processed(penalty, {4, -4, 5, 1}));
}

TEST(LogitsProcessor, AnswersCountOnceAndByTimes) {
  AnswerPenalties penalties(1, 0.5);
  EXPECT_EQ((Logits{4, 4}), processed(penalties, {4, 4}));
  penalties.accept(1);
  EXPECT_EQ((Logits{4, 2.5f}), processed(penalties, {4, 4}));
  penalties.accept(1);
  EXPECT_EQ((Logits{4, 2}), processed(penalties, {4, 4}));
}

TEST(LogitsProcessor, NothingEndsBeforeItsTime) {
  MinTokens least(2, {0, 2});
  EXPECT_EQ((Logits{-INFINITY, 1, -INFINITY}), processed(least, {1, 1, 1}));
  least.accept(1);
  EXPECT_EQ(-INFINITY, processed(least, {1, 1, 1})[2]);
  least.accept(1);
  EXPECT_EQ((Logits{1, 1, 1}), processed(least, {1, 1, 1}));
}

TEST(LogitsProcessor, BiasIsAdded) {
  LogitBias bias({{1, -100}, {2, 0.5}});
  EXPECT_EQ((Logits{1, -99, 1.5f}), processed(bias, {1, 1, 1}));
}

TEST(LogitsProcessor, OnlyTheAllowedAreLeft) {
  AllowedTokens allowed({3, 1, 1});
  EXPECT_EQ((Logits{-INFINITY, 2, -INFINITY, 4, -INFINITY}), processed(allowed, {1, 2, 3, 4, 5}));
  AllowedTokens last({2});
  EXPECT_EQ((Logits{-INFINITY, -INFINITY, 3}), processed(last, {1, 2, 3}));
}

TEST(LogitsProcessor, BadWordsAreNotFinished) {
  BadWords bad({{2}, {0, 1, 3}});
  EXPECT_EQ((Logits{1, 1, -INFINITY, 1}), processed(bad, {1, 1, 1, 1}));
  bad.accept(0);
  bad.accept(1);
  EXPECT_EQ((Logits{1, 1, -INFINITY, -INFINITY}), processed(bad, {1, 1, 1, 1}));
  bad.accept(0);
  EXPECT_EQ((Logits{1, 1, -INFINITY, 1}), processed(bad, {1, 1, 1, 1})) << "it did not end in the others of the word";
}

}  // namespace
}  // namespace maru::infer
