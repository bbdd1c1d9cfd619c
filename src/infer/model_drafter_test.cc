#include "infer/model_drafter.h"

#include <gtest/gtest.h>

#include <set>

#include "base/random.h"
#include "infer/fake_model.h"

namespace maru::infer {
namespace {

using Tokens = std::vector<int32_t>;

/// What the model says behind `tokens`, computed from nothing.
Tokens likeliest(const Tokens& tokens, int64_t count, FakeModel& model) {
  Tokens said = tokens;
  std::vector<PageId> pages;
  for (PageId page = 0; page < 32; ++page) pages.push_back(page);
  for (int64_t i = 0; i < count; ++i) {
    const StepSequence all{.tokens = said, .pages = pages, .first_logits_row = std::ssize(said) - 1};
    int32_t best = 0;
    model.run({&all, 1}, [&](const LogitsRow& row) {
      best = static_cast<int32_t>(std::max_element(row.logits.begin(), row.logits.end()) - row.logits.begin());
    });
    said.push_back(best);
  }
  return {said.begin() + std::ssize(tokens), said.end()};
}

Tokens random_tokens(Random& random, size_t count) {
  Tokens tokens(count);
  for (int32_t& token : tokens) token = static_cast<int32_t>(random.below(261));
  return tokens;
}

class ModelDrafterTest : public testing::Test {
 protected:
  FakeModel model_, other_{64, 512};
  Tokens guess(ModelDrafter& drafter, SequenceId id, const Tokens& tokens, int64_t most) {
    ModelDrafter::Wish wish{.id = id, .tokens = tokens, .most = most};
    drafter.guess({&wish, 1});
    return wish.guess;
  }
};

TEST_F(ModelDrafterTest, GuessesMoreWhereItWasRight) {
  ModelDrafter drafter(model_, 261, 4, 512);
  Tokens tokens{7, 8, 9};
  for (const int64_t length : {1, 2, 4, 4}) {
    const Tokens expected = likeliest(tokens, length, other_);
    ASSERT_EQ(expected, guess(drafter, 1, tokens, 10));
    drafter.learn(1, length, length);
    tokens.insert(tokens.end(), expected.begin(), expected.end());
    tokens.push_back(11);
  }
  EXPECT_EQ(2u, guess(drafter, 1, tokens, 2).size()) << "no more than is wanted";
  EXPECT_TRUE(guess(drafter, 1, tokens, 0).empty());
}

TEST_F(ModelDrafterTest, NeverSaysWhatTheOtherModelHasNoTokenFor) {
  ModelDrafter drafter(model_, 3, 4, 512);
  for (SequenceId id = 0; id < 20; ++id)
    for (const int32_t token : guess(drafter, id, {static_cast<int32_t>(id)}, 1)) EXPECT_LT(token, 3);
}

/// Whatever came of its guesses, what it takes in next is right: as a model that had never guessed would say.
TEST_F(ModelDrafterTest, WrongGuessesLeaveNothingBehind) {
  for (uint64_t seed = 0; seed < 20; ++seed) {
    Random random(seed);
    FakeModel model(24, 200);
    ModelDrafter drafter(model, 261, 4, 9);
    std::map<SequenceId, Tokens> sequences;
    SequenceId next = 0;
    int guessed = 0;
    for (int step = 0; step < 200; ++step) {
      if (sequences.size() < 4 && random.below(3) == 0) sequences[next++] = random_tokens(random, 1 + random.below(30));
      if (!sequences.empty() && random.below(12) == 0) {
        drafter.forget(sequences.begin()->first);
        sequences.erase(sequences.begin());
      }
      std::vector<ModelDrafter::Wish> wishes;
      for (auto& [id, tokens] : sequences)
        if (random.below(4) > 0)
          wishes.push_back({.id = id, .tokens = tokens, .most = static_cast<int64_t>(random.below(6))});
      drafter.guess(wishes);
      for (const ModelDrafter::Wish& wish : wishes) {
        Tokens& tokens = sequences[wish.id];
        ASSERT_EQ(likeliest(tokens, std::ssize(wish.guess), other_), wish.guess)
            << "seed " << seed << ", step " << step;
        guessed += static_cast<int>(wish.guess.size());
        const size_t right = random.below(wish.guess.size() + 1);
        drafter.learn(wish.id, std::ssize(wish.guess), static_cast<int64_t>(right));
        tokens.insert(tokens.end(), wish.guess.begin(), wish.guess.begin() + static_cast<int64_t>(right));
        tokens.push_back(static_cast<int32_t>(random.below(261)));
      }
    }
    EXPECT_GT(guessed, 50) << "seed " << seed;
    for (const auto& [id, tokens] : sequences) drafter.forget(id);
    for (SequenceId id = next; id < next + 12; ++id) {  // two pages each: all that there are
      const Tokens tokens = random_tokens(random, 30);
      for (int i = 0; i < 3; ++i) EXPECT_TRUE(guess(drafter, id, tokens, 1).empty());  // nine at once are taken in
      EXPECT_FALSE(guess(drafter, id, tokens, 1).empty()) << "seed " << seed;
    }
  }
}

TEST_F(ModelDrafterTest, ALongPromptIsTakenInPieceByPiece) {
  ModelDrafter drafter(model_, 261, 4, 100);
  Random random(1);
  const Tokens prompt = random_tokens(random, 250);
  EXPECT_TRUE(guess(drafter, 1, prompt, 4).empty());
  EXPECT_TRUE(guess(drafter, 1, prompt, 4).empty());
  EXPECT_EQ(likeliest(prompt, 1, other_), guess(drafter, 1, prompt, 4));
}

TEST_F(ModelDrafterTest, WithoutPagesOrRoomItGuessesNothing) {
  FakeModel small(2, 512);
  ModelDrafter drafter(small, 261, 4, 512);
  Random random(1);
  EXPECT_TRUE(guess(drafter, 1, random_tokens(random, 40), 1).empty());
  EXPECT_FALSE(guess(drafter, 2, random_tokens(random, 20), 1).empty());
  EXPECT_TRUE(guess(drafter, 3, random_tokens(random, 20), 1).empty());
  drafter.forget(2);
  EXPECT_FALSE(guess(drafter, 3, random_tokens(random, 20), 1).empty());
  FakeModel narrow(64, 20);
  ModelDrafter there(narrow, 261, 4, 512);
  EXPECT_TRUE(guess(there, 1, random_tokens(random, 20), 1).empty());
  EXPECT_FALSE(guess(there, 2, random_tokens(random, 19), 4).empty());
}

TEST_F(ModelDrafterTest, ForgetsAllWhenItsModelFails) {
  ModelDrafter drafter(model_, 261, 4, 512);
  guess(drafter, 1, {1, 2, 3}, 1);
  model_.fail_next = true;
  EXPECT_THROW(guess(drafter, 1, {1, 2, 3, 4}, 1), Failure);
  EXPECT_EQ(likeliest({1, 2, 3, 4, 5}, 1, other_), guess(drafter, 1, {1, 2, 3, 4, 5}, 1));
}

}  // namespace
}  // namespace maru::infer
