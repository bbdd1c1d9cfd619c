#include "tune/rewards/process.h"

#include <gtest/gtest.h>

#include <chrono>
#include <csignal>

namespace maru::tune {
namespace {

class ProcessRewardTest : public testing::Test {
 protected:
  std::vector<JudgedAnswer> answers(size_t count, size_t bytes = 3) {
    text_.assign(bytes, 'a');
    return std::vector<JudgedAnswer>(count, {.line = &line_, .where = "p.jsonl:7", .text = text_});
  }
  static ProcessReward shell(const std::string& script, double timeout = 20) {
    return {"judge", {"/bin/sh", "-c", script}, timeout};
  }
  std::string error_of(const std::string& script, size_t count = 2, double timeout = 20) {
    ProcessReward reward = shell(script, timeout);
    try {
      reward.score(answers(count));
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  Json line_{{"prompt", "2+2"}, {"answer", 4}};
  std::string text_;
};

TEST_F(ProcessRewardTest, ScoresAreReadLineByLine) {
  ProcessReward reward = shell(
      "while read -r x; do echo 0.5; read -r x; echo '{\"reward\": -2, \"why\": \"x\"}'; "
      "read -r x; echo null; done");
  for (int i = 0; i < 3; ++i)  // the same process, step after step
    EXPECT_EQ((std::vector<Score>{0.5, -2.0, std::nullopt}), reward.score(answers(3)));
}

TEST_F(ProcessRewardTest, IsToldPromptAnswerColumnsAndPlace) {
  ProcessReward reward = shell(
      R"(read -r x; case "$x" in '{"prompt":"2+2","answer":"aaa","columns":{"answer":4},"where":"p.jsonl:7"}') echo 1;; *) echo 0;; esac; cat >/dev/null)");
  EXPECT_EQ(std::vector<Score>{1.0}, reward.score(answers(1)));
}

TEST_F(ProcessRewardTest, MuchToReadAndMuchToWriteDoNotBlockEachOther) {
  ProcessReward reward = shell("while read -r x; do printf '%5000s1\\n' ' '; done");
  const std::vector<Score> scores = reward.score(answers(400, 20000));
  EXPECT_EQ(400u, scores.size());
  EXPECT_EQ(1.0, scores.back());
}

TEST_F(ProcessRewardTest, DeathIsToldByName) {
  EXPECT_EQ("reward judge: the process ended with exit code 3 after 0 of 2 scores", error_of("exit 3"));
  EXPECT_EQ("reward judge: the process ended with exit code 0 after 1 of 2 scores", error_of("read -r x; echo 1"));
  EXPECT_EQ("reward judge: the process ended by signal 9 after 0 of 2 scores", error_of("kill -9 $$"));
  EXPECT_EQ("reward judge: the process closed its output after 0 of 2 scores", error_of("exec >&-; sleep 60"));
}

TEST_F(ProcessRewardTest, AProcessThatReadsNothingMoreMayStillAnswer) {
  ProcessReward reward = shell("exec <&-; sleep 0.1; seq 200; sleep 60");
  EXPECT_EQ(Score(200.0), reward.score(answers(200, 20000)).back());
}

TEST_F(ProcessRewardTest, HangingIsEndedInTime) {
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ("reward judge: 1 of 2 scores after 0.2 s, its time limit",
            error_of("read -r x; echo 1; sleep 100 & wait", 2, 0.2));
  EXPECT_EQ("reward judge: 0 of 500 scores after 0.2 s, its time limit", error_of("sleep 100", 500, 0.2));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
}

TEST_F(ProcessRewardTest, GarbageIsRefusedByLine) {
  const std::string expected = ": expected a number, {\"reward\": NUMBER} or null";
  EXPECT_EQ("reward judge: p.jsonl:7: got hello" + expected, error_of("read -r x; echo hello; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got NaN" + expected, error_of("read -r x; echo NaN; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got Infinity" + expected, error_of("read -r x; echo Infinity; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got \"1\"" + expected, error_of("read -r x; echo '\"1\"'; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got " + expected, error_of("read -r x; echo; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got an object without \"reward\"" + expected,
            error_of("read -r x; echo '{}'; cat"));
  EXPECT_EQ("reward judge: p.jsonl:7: got \xff\x01" + expected, error_of("read -r x; printf '\\377\\001\\n'; cat"));
}

TEST_F(ProcessRewardTest, FloodsAreEnded) {
  EXPECT_EQ("reward judge: a line of more than 65536 bytes", error_of("read -r x; exec tr '\\0' x </dev/zero"));
  EXPECT_EQ("reward judge: more lines than it was asked for", error_of("read -r x; exec yes 1"));
  EXPECT_EQ("reward judge: more lines than it was asked for", error_of("read -r x; printf '1\\n2\\nx'; sleep 60"));
}

// Lines that came too late are of the step before.
TEST_F(ProcessRewardTest, WhatComesUnaskedIsRefusedByTheNextStep) {
  ProcessReward reward = shell("read -r x; echo 1; sleep 0.2; echo 2; cat");
  EXPECT_EQ(std::vector<Score>{1.0}, reward.score(answers(1)));
  ::usleep(400000);
  EXPECT_THROW(reward.score(answers(1)), Failure);
}

TEST_F(ProcessRewardTest, ProgramsThatAreNotThereAreNamed) {
  try {
    ProcessReward reward("judge", {"/no/such/program"}, 1);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("reward judge: /no/such/program: cannot be started: No such file or directory", e.error().message);
  }
}

TEST_F(ProcessRewardTest, EndsWithWhoStartedIt) {
  const std::string place = testing::TempDir() + "maru_process_reward_" + std::to_string(::getpid());
  {
    ProcessReward reward = shell("sleep 1000 & echo $! > " + place + "; read -r x; echo 1; wait");
    reward.score(answers(1));
  }
  std::FILE* file = std::fopen(place.c_str(), "r");
  int child = 0;
  ASSERT_EQ(1, std::fscanf(file, "%d", &child));
  std::fclose(file);
  std::remove(place.c_str());
  // A process that was killed may wait for a parent to read its end.
  for (int i = 0; i < 100; ++i) {
    std::FILE* stat = std::fopen(("/proc/" + std::to_string(child) + "/stat").c_str(), "r");
    char state = 'X';
    if (stat == nullptr || std::fscanf(stat, "%*d %*s %c", &state) != 1 || state == 'Z') state = 'X';
    if (stat != nullptr) std::fclose(stat);
    if (state == 'X') return;
    ::usleep(20000);
  }
  FAIL() << "what the process had started is still there";
}

}  // namespace
}  // namespace maru::tune
