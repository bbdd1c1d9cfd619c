#include "infer/engine.h"

#include "infer/test_engine.h"

namespace maru::infer {
namespace {

TEST_F(EngineTest, GeneratesToTheLength) {
  const Answer answer = run(request("hello"));
  EXPECT_EQ(answer.finishes[0], FinishReason::kLength);
  EXPECT_EQ(answer.num_tokens[0], 40);
  EXPECT_FALSE(answer.texts[0].empty());
  EXPECT_TRUE(idle());
  EXPECT_EQ(engine().stats().generated_tokens, 40);
}

TEST_F(EngineTest, TellsWhenWhatHappened) {
  class Observer : public EngineObserver {
   public:
    void first_token(double) override {}
    void next_token(double) override {}
    void step(int64_t, double) override {}
    void ended(const EndedChoice& choice) override { all.push_back(choice); }
    std::vector<EndedChoice> all;  // of the engine's thread, until it is gone
  } observer;
  engine_ = std::make_unique<Engine>(model_, tokenizer_, options_, &observer);
  const auto begin = ChoiceTimes::Clock::now();
  const auto generation = engine_->submit(request("hello", 6));
  Piece piece;
  while (generation->wait_next(piece) == Generation::Next::kPiece && !piece.finish) continue;
  EXPECT_LE(begin, piece.times.submitted);
  EXPECT_LE(piece.times.submitted, piece.times.started);
  EXPECT_LT(piece.times.started, piece.times.first_token);
  EXPECT_LT(piece.times.first_token, piece.times.ended);
  run(request("hello", 0));
  engine_.reset();
  ASSERT_EQ(2u, observer.all.size());
  EXPECT_EQ(piece.times.ended, observer.all[0].times.ended);
  EXPECT_EQ(6, observer.all[0].generated_tokens);
  EXPECT_EQ(6, observer.all[0].max_tokens);
  EXPECT_EQ(std::ssize(request("hello").prompt), observer.all[0].prompt_tokens);
  EXPECT_EQ(FinishReason::kLength, observer.all[0].finish);
  EXPECT_EQ(ChoiceTimes::Clock::time_point(), observer.all[1].times.started) << "nothing was computed";
}

TEST_F(EngineTest, TheSameRequestGivesTheSameTextAloneAndInCompany) {
  model_.only_letters = true;
  const std::string alone = run(request("a prompt of some length, longer than one step can take")).texts[0];
  model_.delay_ms = 3;  // so that they meet on a busy machine, too
  std::vector<std::unique_ptr<Generation>> others;
  for (int i = 0; i < 5; ++i) {
    GenerationRequest other = request("company " + std::to_string(i), 30 + i);
    other.seed.reset();
    others.push_back(engine().submit(std::move(other)));
  }
  const std::string among = run(request("a prompt of some length, longer than one step can take")).texts[0];
  EXPECT_EQ(among, alone);
  EXPECT_GT(model_.most_sequences, 1);
  GenerationRequest another_seed = request("a prompt of some length, longer than one step can take");
  another_seed.seed = 6;
  EXPECT_NE(run(std::move(another_seed)).texts[0], alone);
}

TEST_F(EngineTest, ChoicesDifferAndRepeat) {
  model_.only_letters = true;
  GenerationRequest three = request("x", 20);
  three.choices = 3;
  const Answer first = run(three), second = run(three);
  EXPECT_EQ(first.texts, second.texts);
  EXPECT_NE(first.texts[0], first.texts[1]);
  EXPECT_NE(first.texts[1], first.texts[2]);
  EXPECT_EQ(first.texts[0], run(request("x", 20)).texts[0]);
}

TEST_F(EngineTest, RequestsWithoutASeedDiffer) {
  GenerationRequest loose = request("x", 20);
  loose.seed.reset();
  EXPECT_NE(run(loose).texts[0], run(loose).texts[0]);
}

TEST_F(EngineTest, PreemptionChangesNothing) {
  model_.only_letters = true;
  const std::string alone = run(request("first", 150)).texts[0];
  engine_.reset();
  FakeModel small(14, 220);  // two sequences of 155 tokens need 20 pages
  small.only_letters = true;
  small.delay_ms = 1;  // so that one is not done before the other comes
  Engine engine(small, tokenizer_, options_);
  auto a = engine.submit(request("first", 150)), b = engine.submit(request("second", 150));
  auto c = engine.submit(request("first", 150));
  EXPECT_EQ(read(*a).texts[0], alone);
  EXPECT_FALSE(read(*b).error.has_value());
  EXPECT_EQ(read(*c).texts[0], alone);
  EXPECT_GT(engine.stats().preemptions, 0);
}

TEST_F(EngineTest, StopsAtStringsAndEndTokens) {
  model_.only_letters = true;
  const std::string whole = run(request("hi")).texts[0];
  GenerationRequest cut = request("hi");
  cut.stop = {whole.substr(10, 3)};
  const Answer answer = run(std::move(cut));
  EXPECT_EQ(answer.texts[0], whole.substr(0, whole.find(whole.substr(10, 3))));
  EXPECT_EQ(answer.finishes[0], FinishReason::kStop);
  EXPECT_EQ(answer.num_tokens[0], 13);

  GenerationRequest ends = request("hi", 400);
  ends.ignore_eos = false;
  ends.sampling.logit_bias = {{3, 104.0}};
  const Answer ended = run(std::move(ends));
  EXPECT_EQ(ended.finishes[0], FinishReason::kStop);
  EXPECT_LT(ended.num_tokens[0], 400);
  EXPECT_EQ(ended.texts[0].find("im_end"), std::string::npos);
}

TEST_F(EngineTest, ScoresAnswerAndPrompt) {
  GenerationRequest scored = request("a prompt longer than one step of the scheduler", 5);
  scored.sampling.top_logprobs = 2;
  scored.score_prompt = true;
  const Answer answer = run(scored);
  ASSERT_EQ(answer.tokens[0].size(), 5u);
  EXPECT_EQ(answer.tokens[0][0].top.size(), 2u);
  EXPECT_GE(answer.tokens[0][0].top[0].logprob, *answer.tokens[0][0].logprob);
  ASSERT_EQ(answer.prompts[0].size(), scored.prompt.size());
  EXPECT_FALSE(answer.prompts[0][0].logprob.has_value());
  for (size_t i = 0; i < scored.prompt.size(); ++i) EXPECT_EQ(answer.prompts[0][i].token, scored.prompt[i]);

  // The score of the answer's first token is the one it gets as part of a prompt.
  GenerationRequest longer = scored;
  for (const ScoredToken& token : answer.tokens[0]) longer.prompt.push_back(token.token);
  longer.max_tokens = 0;
  const Answer rescored = run(longer);
  ASSERT_EQ(rescored.prompts[0].size(), longer.prompt.size());
  for (size_t i = 0; i < 5; ++i)
    EXPECT_EQ(rescored.prompts[0][scored.prompt.size() + i].logprob, answer.tokens[0][i].logprob);
  EXPECT_EQ(rescored.num_tokens[0], 0);
}

TEST_F(EngineTest, EndTokensOfARequestAndNotBeforeItsTime) {
  model_.only_letters = true;
  const std::string whole = run(request("hi")).texts[0];
  GenerationRequest ends = request("hi");
  ends.stop_tokens = tokenizer_.encode(whole.substr(4, 1));
  EXPECT_EQ(whole.find(whole[4]) + 1, static_cast<size_t>(run(ends).num_tokens[0])) << "the token itself is counted";
  EXPECT_EQ(FinishReason::kStop, run(ends).finishes[0]);
  ends.min_tokens = 20;
  const Answer later = run(ends);
  EXPECT_GT(later.num_tokens[0], 20);
  EXPECT_EQ(std::string::npos, later.texts[0].substr(0, 20).find(whole[4]));
  ends.stop_tokens = {500};
  EXPECT_THROW(run(ends), Failure);
}

TEST_F(EngineTest, ZeroTokensEndAtOnce) {
  const Answer answer = run(request("hi", 0));
  EXPECT_EQ(answer.finishes[0], FinishReason::kLength);
  EXPECT_EQ(model_.steps, 0);
}

TEST_F(EngineTest, RefusesWhatCannotWork) {
  const auto code = [&](GenerationRequest r) {
    try {
      engine().submit(std::move(r));
    } catch (const Failure& failure) {
      return failure.code();
    }
    return ErrorCode::kInternal;
  };
  EXPECT_EQ(code({}), ErrorCode::kInvalidArgument);
  EXPECT_EQ(code(request("x", 511)), ErrorCode::kInvalidArgument);
  GenerationRequest many = request("x");
  many.choices = 13;  // more than ever fit at once: waiting would not help
  EXPECT_EQ(code(many), ErrorCode::kInvalidArgument);
  GenerationRequest unknown = request("x");
  unknown.prompt.push_back(261);
  EXPECT_EQ(code(unknown), ErrorCode::kInvalidArgument);
  GenerationRequest bias = request("x");
  bias.sampling.logit_bias = {{-1, 1}};
  EXPECT_EQ(code(bias), ErrorCode::kInvalidArgument);
}

TEST_F(EngineTest, RefusesWhenTooManyWait) {
  model_.delay_ms = 2;
  std::vector<std::unique_ptr<Generation>> generations;
  for (int i = 0; i < 12; ++i) generations.push_back(engine().submit(request("x", 300)));
  try {
    engine().submit(request("x"));
    FAIL() << "accepted without bound";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kExhausted);
  }
  generations.clear();
  EXPECT_TRUE(idle());
  EXPECT_FALSE(run(request("x", 3)).error.has_value());
}

TEST_F(EngineTest, AnAbandonedRequestFreesItsPages) {
  model_.delay_ms = 2;
  auto generation = engine().submit(request("x", 500));
  Piece piece;
  ASSERT_EQ(generation->wait_next(piece), Generation::Next::kPiece);
  for (int i = 0; i < 100 && engine().stats().pages_used == 0; ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_GT(engine().stats().pages_used, 0);
  generation.reset();
  EXPECT_TRUE(idle());
  EXPECT_LT(engine().stats().generated_tokens, 500);
}

TEST_F(EngineTest, ASlowReaderPausesOnlyItself) {
  options_.channel_pieces = 4;
  model_.only_letters = true;
  auto slow = engine().submit(request("slow", 200));
  EXPECT_EQ(run(request("quick", 200)).num_tokens[0], 200);
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  const int64_t steps = model_.steps;
  std::this_thread::sleep_for(std::chrono::milliseconds(50));
  EXPECT_EQ(model_.steps, steps) << "computes for a reader that does not read";
  EXPECT_LT(engine().stats().generated_tokens, 220);
  EXPECT_EQ(read(*slow).num_tokens[0], 200);
}

TEST_F(EngineTest, AFailedStepFailsItsRequestsOnly) {
  model_.fail_next = true;
  const Answer failed = run(request("x"));
  ASSERT_TRUE(failed.error.has_value());
  EXPECT_EQ(failed.error->message, "planned failure");
  EXPECT_TRUE(idle());
  EXPECT_FALSE(run(request("x")).error.has_value());
}

TEST_F(EngineTest, LogitsThatAreNotFiniteFailOneRequest) {
  model_.poison = tokenizer_.encode("!")[0];
  auto bad = engine().submit(request("x!")), good = engine().submit(request("y"));
  EXPECT_TRUE(read(*bad).error.has_value());
  EXPECT_FALSE(read(*good).error.has_value());
}

TEST_F(EngineTest, ARequestHasATimeLimit) {
  model_.delay_ms = 5;
  GenerationRequest slow = request("x", 500);
  slow.timeout_seconds = 0.05;
  const Answer answer = run(std::move(slow));
  ASSERT_TRUE(answer.error.has_value());
  EXPECT_EQ(answer.error->code, ErrorCode::kDeadline);
}

TEST_F(EngineTest, StoppingFailsWhatRuns) {
  model_.delay_ms = 2;
  auto generation = engine().submit(request("x", 500));
  engine_.reset();
  const Answer answer = read(*generation);
  ASSERT_TRUE(answer.error.has_value());
  EXPECT_EQ(answer.error->code, ErrorCode::kUnavailable);
}

const char* const kLong = "a prompt that fills two pages of sixteen tokens and then some more";

TEST_F(EngineTest, ALaterTurnBeginsWithWhatWasComputed) {
  model_.only_letters = true;
  const Answer first = run(request(kLong));
  EXPECT_EQ(0, first.num_reused[0]);
  GenerationRequest next = request(kLong + first.texts[0] + " and on");
  const Answer second = run(next);
  EXPECT_EQ(96, second.num_reused[0]) << "six pages of 67 and 40 tokens, the last of which was never computed";
  EXPECT_TRUE(idle());
  EXPECT_EQ(96, engine().stats().reused_tokens);
  options_.prefix_cache = false;
  engine_.reset();
  const Answer alone = run(next);
  EXPECT_EQ(0, alone.num_reused[0]);
  EXPECT_EQ(alone.texts, second.texts);
}

TEST_F(EngineTest, ChoicesOfOneRequestShareItsPrompt) {
  GenerationRequest three = request(kLong, 3);
  three.choices = 3;
  EXPECT_EQ((std::vector<int64_t>{0, 64, 64}), run(three).num_reused);
}

TEST_F(EngineTest, TenantsDoNotSeeWhatOthersComputed) {
  GenerationRequest mine = request(kLong, 3), theirs = mine, salted = mine;
  mine.tenant = salted.tenant = "mine";
  theirs.tenant = "theirs";
  salted.cache_salt = "s";
  run(mine);
  EXPECT_EQ(0, run(theirs).num_reused[0]);
  EXPECT_EQ(0, run(salted).num_reused[0]);
  EXPECT_EQ(64, run(mine).num_reused[0]);
  options_.shared_prefixes = true;
  engine_.reset();
  run(mine);
  EXPECT_EQ(64, run(theirs).num_reused[0]);
  EXPECT_EQ(0, run(salted).num_reused[0]) << "who asks for a salt of its own gets one";
}

TEST_F(EngineTest, AScoredPromptIsComputedWhole) {
  GenerationRequest scored = request(kLong, 2);
  run(scored);
  scored.score_prompt = true;
  const Answer answer = run(scored);
  EXPECT_EQ(0, answer.num_reused[0]);
  EXPECT_EQ(scored.prompt.size(), answer.prompts[0].size());
}

TEST_F(EngineTest, AFailedStepLeavesNothingForOthers) {
  model_.fail_next = true;
  EXPECT_TRUE(run(request("exactly sixteen")).error.has_value());
  EXPECT_EQ(0, run(request("exactly sixteen and more")).num_reused[0]);
}

TEST_F(EngineTest, TenantsTakeTurns) {
  options_.max_running = 1;
  options_.max_waiting = 40;
  std::vector<std::unique_ptr<Generation>> many;
  model_.delay_ms = 2;
  for (int i = 0; i < 20; ++i) many.push_back(engine().submit(request("x", 10)));
  GenerationRequest few = request("y", 10);
  few.tenant = "few";
  EXPECT_FALSE(run(few).error.has_value());
  int64_t ended = 0;
  for (auto& generation : many)
    for (Piece piece; generation->next(piece) == Generation::Next::kPiece;) ended += piece.finish.has_value();
  EXPECT_LT(ended, 6) << "one tenant's twenty requests go before another's one";
}

TEST_F(EngineTest, TextIsWholeCharacters) {
  // Random bytes: every piece must be valid UTF-8 on its own.
  auto generation = engine().submit(request("x", 400));
  Piece piece;
  while (generation->wait_next(piece) == Generation::Next::kPiece)
    for (size_t i = 0; i < piece.text.size();) {
      const auto lead = static_cast<unsigned char>(piece.text[i]);
      ASSERT_TRUE(lead < 0x80 || lead >= 0xc2);
      const size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
      ASSERT_LE(i + size, piece.text.size());
      for (size_t k = 1; k < size; ++k) ASSERT_EQ(static_cast<unsigned char>(piece.text[i + k]) & 0xc0, 0x80);
      i += size;
    }
}

TEST_F(EngineTest, WhatEndsAnAnswerIsInItWhereItIsAskedFor) {
  model_.only_letters = true;
  const std::string whole = run(request("hi")).texts[0];
  const std::string mark = whole.substr(4, 3);
  GenerationRequest stops = request("hi");
  stops.stop = {mark};
  stops.keeps_stop = true;
  EXPECT_EQ(whole.substr(0, whole.find(mark)) + mark, run(stops).texts[0]);
  GenerationRequest ends = request("hi");
  ends.stop_tokens = tokenizer_.encode(whole.substr(4, 1));
  EXPECT_EQ(whole.substr(0, whole.find(whole[4])), run(ends).texts[0]);
  ends.keeps_stop = true;
  EXPECT_EQ(whole.substr(0, whole.find(whole[4]) + 1), run(ends).texts[0]);
}

TEST_F(EngineTest, TellsTokensWithoutScores) {
  model_.only_letters = true;
  GenerationRequest told = request("hi", 6);
  told.tells_tokens = true;
  const Answer answer = run(told);
  std::vector<int32_t> ids;
  for (const ScoredToken& token : answer.tokens[0]) {
    ids.push_back(token.token);
    EXPECT_TRUE(token.top.empty());
  }
  EXPECT_EQ(6u, ids.size());
  EXPECT_EQ(answer.texts[0], tokenizer_.decode(ids, true));
}

TEST_F(EngineTest, ScoresThePromptAlone) {
  GenerationRequest scored = request("a prompt", 3);
  scored.score_prompt = true;
  scored.prompt_top = 2;
  const Answer answer = run(scored);
  ASSERT_EQ(scored.prompt.size(), answer.prompts[0].size());
  EXPECT_TRUE(answer.tokens[0].empty()) << "the answer's were not asked for";
  for (size_t i = 1; i < scored.prompt.size(); ++i) {
    const ScoredToken& token = answer.prompts[0][i];
    ASSERT_EQ(2u, token.top.size());
    EXPECT_EQ(token.rank == 1, token.top[0].logprob == *token.logprob);
  }
}

}  // namespace
}  // namespace maru::infer
