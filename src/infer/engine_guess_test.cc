// Guesses change how soon an answer comes and nothing else.
#include "infer/test_engine.h"

namespace maru::infer {
namespace {

TEST_F(EngineTest, GuessesChangeNothing) {
  model_.repeats = true;
  GenerationRequest wanted = request("abcabcabcabc", 200);
  wanted.sampling.top_logprobs = 1;
  const Answer alone = run(wanted);
  const int64_t steps = model_.steps.exchange(0);
  options_.draft_tokens = 4;
  engine_.reset();
  const Answer guessed = run(wanted);
  EXPECT_EQ(alone.texts, guessed.texts);
  ASSERT_EQ(alone.tokens[0].size(), guessed.tokens[0].size());
  for (size_t i = 0; i < alone.tokens[0].size(); ++i)
    EXPECT_EQ(*alone.tokens[0][i].logprob, *guessed.tokens[0][i].logprob) << i;
  const EngineStats stats = engine().stats();
  EXPECT_GT(stats.accepted_tokens, 20);
  EXPECT_LT(stats.accepted_tokens, stats.drafted_tokens) << "none was wrong: the test does not see that";
  EXPECT_EQ(model_.steps + stats.accepted_tokens, steps);
}

TEST_F(EngineTest, AModelThatGuessesChangesNothing) {
  model_.only_letters = true;
  FakeModel same, other;  // one that knows, one that says something else
  same.only_letters = true;
  for (const double temperature : {0.0, 0.3})
    for (FakeModel* draft : {&same, &other}) {
      GenerationRequest wanted = request("hello", 100);
      wanted.ignore_eos = true;
      wanted.sampling.temperature = temperature;
      wanted.sampling.top_logprobs = 1;
      options_.draft_tokens = 0;
      options_.draft_model = nullptr;
      engine_.reset();
      const Answer alone = run(wanted);
      const int64_t steps = model_.steps.exchange(0);
      options_.draft_tokens = 4;
      options_.draft_model = draft;
      engine_.reset();
      wanted.choices = 3;
      const Answer guessed = run(wanted);
      EXPECT_EQ(alone.texts[0], guessed.texts[0]);
      ASSERT_EQ(alone.tokens[0].size(), guessed.tokens[0].size());
      for (size_t i = 0; i < alone.tokens[0].size(); ++i)
        EXPECT_EQ(*alone.tokens[0][i].logprob, *guessed.tokens[0][i].logprob) << i;
      const EngineStats stats = engine().stats();
      if (draft == &other) {
        EXPECT_LT(stats.accepted_tokens, 10);
      } else if (temperature == 0) {
        EXPECT_EQ(stats.drafted_tokens, stats.accepted_tokens);
        EXPECT_LT(model_.steps, steps / 3);
      }
      model_.steps = 0;
    }
}

TEST_F(EngineTest, AModelThatGuessesForgetsWhatEnded) {
  FakeModel draft(4);  // room for one answer
  options_.draft_tokens = 4;
  options_.draft_model = &draft;
  GenerationRequest wanted = request("hello", 40);
  wanted.ignore_eos = true;
  wanted.sampling.temperature = 0;
  for (int i = 0; i < 5; ++i) {
    const int64_t before = engine().stats().accepted_tokens;
    run(wanted);
    EXPECT_GT(engine().stats().accepted_tokens, before + 10) << i;
  }
}

TEST_F(EngineTest, AModelThatFailsToGuessIsDoneWithout) {
  FakeModel draft;
  options_.draft_tokens = 4;
  const std::string expected = run(request("hello", 50)).texts[0];
  options_.draft_model = &draft;
  engine_.reset();
  draft.fail_next = true;
  EXPECT_EQ(expected, run(request("hello", 50)).texts[0]);
  EXPECT_GT(draft.steps, 1) << "it is asked again";
}

}  // namespace
}  // namespace maru::infer
