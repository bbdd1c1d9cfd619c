// Runs whose rewards a judge gives over HTTP: what is learnt and kept, and what happens when it dies.
#include <gmock/gmock.h>

#include "tune/rewards/test_judge.h"
#include "tune/test_prompts.h"

namespace maru::tune {
namespace {

using testing::HasSubstr;
using train::TrainConfig;

// Likes small letters, as the rule of the neighbours' tests does.
std::string taste(const std::string& question) {
  const std::string asked = asked_in(question);
  const bool letter = std::any_of(asked.begin() + 7, asked.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  return TestJudge::says(letter ? "fine: 1" : "poor: 0");
}

class JudgeRunTest : public PromptRunTest {
 protected:
  TrainConfig judged(const std::string& url) const {
    TrainConfig c = config();
    train::RewardConfig judge{.kind = "judge", .name = "taste"};
    judge.url = url, judge.model = "wise", judge.prompt = "ANSWER:{answer}", judge.retries = 0, judge.timeout = 5;
    c.group_policy->rewards = {judge};
    return c;
  }
};

TEST_F(JudgeRunTest, WhatItLikesIsLearntAndWhatItSaidIsKept) {
  TestJudge server(taste);
  TrainConfig c = judged(server.url());
  c.steps = 24;
  const train::RunSummary summary = run("m", c);
  EXPECT_LT(steps("m").front()["reward_taste"].get<double>(), 0.7);
  EXPECT_GT(summary.validation.at("reward_taste"), 0.9);
  const std::vector<Json> samples = rows("m", "samples.jsonl");
  ASSERT_FALSE(samples.empty());
  for (const Json& sample : samples)
    EXPECT_EQ(sample["reward"] == 1.0 ? "fine: 1" : "poor: 0", sample["words"]["taste"].get<std::string>());
}

// The step that was asked about is made again when the judge is back, with the same answers.
TEST_F(JudgeRunTest, AJudgeThatDiesLosesNothing) {
  std::string whole;
  int asked = 0;
  {
    TestJudge server(taste);
    TrainConfig c = judged(server.url());
    run("whole", c);
    asked = server.asked();
  }
  int port = 0;
  TrainConfig c;
  {
    std::atomic<int> left = asked / 2;
    TestJudge server([&](const std::string& question) { return left-- > 0 ? taste(question) : std::string(); });
    port = server.port();
    c = judged(server.url());
    EXPECT_THAT(error_of("killed", c), HasSubstr("reward taste: " + server.url() + ": p.jsonl:"));
  }
  EXPECT_THAT(error_of("killed", c), HasSubstr("Connection refused")) << "it is dead";
  EXPECT_TRUE(fs::exists(root_ / "runs/killed/checkpoints/step-00000003"));
  TestJudge back(taste, port);
  run("killed", c);
  EXPECT_TRUE(result("whole") == result("killed"));
  EXPECT_EQ(figures("whole"), figures("killed"));
}

}  // namespace
}  // namespace maru::tune
