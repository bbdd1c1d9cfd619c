#include "tune/rewards/judge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <chrono>

#include "tune/rewards/test_judge.h"

namespace maru::tune {
namespace {

using testing::HasSubstr;
using testing::StartsWith;
using train::RewardConfig;

class JudgeRewardTest : public testing::Test {
 protected:
  static RewardConfig config(const std::string& url, const std::string& prompt = "Rate {answer}") {
    RewardConfig c{.kind = "judge"};
    c.url = url, c.model = "wise", c.prompt = prompt, c.timeout = 5, c.retries = 0;
    return c;
  }
  static std::string refused(const RewardConfig& c) {
    try {
      JudgeReward judge(c);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  JudgedAnswer answer(std::string_view text) { return {.line = &line_, .where = "p.jsonl:7", .text = text}; }
  std::string error_of(const RewardConfig& c) {
    JudgeReward judge(c);
    try {
      judge.score(std::vector<JudgedAnswer>{answer("a")});
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  Json line_{{"prompt", "2+2"}, {"rubric", "be kind"}, {"n", 4}, {"no", nullptr}};
};

TEST_F(JudgeRewardTest, AsksOfEachAnswerAndTakesTheNumber) {
  TestJudge server([](const std::string& question) {
    const std::string asked = asked_in(question);
    return TestJudge::says("I give it " + std::to_string(asked.size()) + " of 10: 3, no, " + asked.substr(5));
  });
  JudgeReward judge(config(server.url()));
  const std::vector<JudgedAnswer> answers{answer("5"), answer("-1.5"), answer("1e1")};
  EXPECT_EQ((std::vector<Score>{5.0, -1.5, 10.0}), judge.score(answers));
  EXPECT_EQ("I give it 6 of 10: 3, no, 5", (judge.take_words().at(0))) << "words stand where their answers do";
  const std::vector<std::string> questions = server.questions();
  ASSERT_EQ(3u, questions.size());
  EXPECT_THAT(questions[0], StartsWith("POST /v1/chat/completions HTTP/1.1\r\n"));
  EXPECT_THAT(questions[0], HasSubstr(R"("temperature":0)"));
  EXPECT_THAT(questions[0], HasSubstr(R"("model":"wise")"));
  EXPECT_THAT(questions[0], HasSubstr(R"("max_tokens":64)"));
}

TEST_F(JudgeRewardTest, QuestionsAreMadeOfTheLineInOnePass) {
  const auto question = [&](const std::string& form, std::string_view text = "A") {
    return question_of(form, "judge", answer(text)).value_or("nothing");
  };
  EXPECT_EQ("2+2: A, 4 by be kind", question("{prompt}: {answer}, {n} by {rubric}"));
  EXPECT_EQ("{prompt} {answer}", question("{answer}", "{prompt} {answer}")) << "nothing of it is replaced again";
  EXPECT_EQ(R"({"score": N} { A } {} {a b})", question(R"({"score": N} { {answer} } {} {a b})"));
  EXPECT_EQ("A{", question("{answer}{"));
  EXPECT_EQ("nothing", question("{answer} {no}"));
  line_["prompt"] = {{{"role", "user"}, {"content", "hi"}}, {{"role", "assistant"}, {"content", "ho"}}};
  EXPECT_EQ("user: hi\nassistant: ho", question("{prompt}"));
  EXPECT_EQ("{answer}", question("{rubric}{answer}", "").replace(0, 7, "{answer}"));
  try {
    question("{answer} {colour}");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("p.jsonl:7: colour: is missing, expected what reward judge asks with", e.error().message);
  }
}

TEST_F(JudgeRewardTest, TheNumberIsThatOfThePattern) {
  std::string said;
  TestJudge server([&](const std::string&) { return TestJudge::says(said); });
  RewardConfig c = config(server.url());
  const auto score = [&](const std::string& pattern, const std::string& text, std::optional<double> otherwise = {}) {
    said = text, c.pattern = pattern, c.otherwise = otherwise;
    JudgeReward judge(c);
    return judge.score(std::vector<JudgedAnswer>{answer("a")}).at(0);
  };
  EXPECT_EQ(8, score("Score: ([0-9.]+)", "Score: 3. On the whole\nScore: 8 of 10"));
  EXPECT_EQ(-2.5, score(R"(\[\[(.*?)\]\])", "[[1]] or [[-2.5]] 7"));
  EXPECT_EQ(9, score("", "between 1 and 9"));
  EXPECT_EQ(0, score("Score: ([0-9]+)", "I would rather not", 0)) << "otherwise";
  EXPECT_EQ(-1, score("()", "empty groups do not hang", -1));
  EXPECT_EQ(-1, score("(a*)", "aaa", -1));
  EXPECT_EQ(-1, score("(.*)", "", -1));
  EXPECT_EQ(-1, score("(.+)", "1e999", -1)) << "no finite number";
  EXPECT_EQ(-1, score("(.+)", "nan", -1));
  said = "none", c.pattern = "", c.otherwise.reset();
  EXPECT_EQ("reward judge: " + server.url() + ": p.jsonl:7: no number in what it says: none", error_of(c));
}

TEST_F(JudgeRewardTest, WhereAColumnIsNullItIsNotAsked) {
  TestJudge server([](const std::string&) { return TestJudge::says("1"); });
  JudgeReward judge(config(server.url(), "{answer} {no}"));
  EXPECT_EQ((std::vector<Score>{std::nullopt, std::nullopt}), judge.score(std::vector(2, answer("a"))));
  EXPECT_EQ(0, server.asked());
}

TEST_F(JudgeRewardTest, AsksSeveralAtATimeAndNoMore) {
  TestJudge server([](const std::string& question) {
    std::this_thread::sleep_for(std::chrono::milliseconds(40));
    return TestJudge::says(asked_in(question).substr(5));
  });
  RewardConfig c = config(server.url());
  c.in_flight = 5;
  JudgeReward judge(c);
  std::vector<std::string> texts;
  for (int i = 0; i < 40; ++i) texts.push_back(std::to_string(i));
  std::vector<JudgedAnswer> answers;
  for (const std::string& text : texts) answers.push_back(answer(text));
  const std::vector<Score> scores = judge.score(answers);
  for (size_t i = 0; i < 40; ++i) EXPECT_EQ(static_cast<double>(i), scores[i]);
  EXPECT_GT(server.most_at_a_time(), 2);
  EXPECT_LE(server.most_at_a_time(), 5);
}

TEST_F(JudgeRewardTest, WhatFailsIsAskedAgainAndThenNamed) {
  std::atomic<int> asked = 0;
  TestJudge server([&](const std::string&) {
    ++asked;
    if (asked == 1) return std::string();
    if (asked == 2) return TestJudge::answer(R"({"error": {"message": "busy"}})", "503 Busy");
    return TestJudge::says("7");
  });
  RewardConfig c = config(server.url());
  c.retries = 2;
  JudgeReward judge(c);
  EXPECT_EQ(Score(7), judge.score(std::vector(1, answer("a"))).at(0));
  asked = 0, c.retries = 1;
  EXPECT_EQ("reward judge: " + server.url() + ": p.jsonl:7: HTTP 503: busy, asked 2 times", error_of(c));
  TestJudge strict([](const std::string&) { return TestJudge::answer("{}", "404 No"); });
  c.url = strict.url();
  EXPECT_EQ("reward judge: " + strict.url() + ": p.jsonl:7: HTTP 404: {}", error_of(c)) << "it would say so again";
  EXPECT_EQ(1, strict.asked());
}

TEST_F(JudgeRewardTest, DeadSlowAndStrangeJudgesAreNamed) {
  std::string reply;
  TestJudge server([&](const std::string&) {
    if (reply == "slow") std::this_thread::sleep_for(std::chrono::milliseconds(700));
    return reply;
  });
  RewardConfig c = config(server.url());
  const auto error = [&](const std::string& answer) {
    reply = answer;
    const std::string all = error_of(c), begin = "reward judge: " + server.url() + ": p.jsonl:7: ";
    return all.starts_with(begin) ? all.substr(begin.size()) : all;
  };
  EXPECT_EQ("closed without an answer", error(""));
  EXPECT_EQ("HTTP 404: no such model",
            error(TestJudge::answer(R"({"error": {"message": "no such model"}})", "404 No")));
  EXPECT_EQ("HTTP 401: <html>", error(TestJudge::answer("<html>", "401 No")));
  EXPECT_THAT(error(TestJudge::answer("[")), StartsWith("its answer"));
  EXPECT_EQ("its answer: choices: is empty", error(TestJudge::answer(R"({"choices": []})")));
  EXPECT_THAT(error(TestJudge::answer("[]")), StartsWith("its answer: expected an object"));
  EXPECT_THAT(error(TestJudge::answer(R"({"choices": [{"message": {"content": 3}}]})")),
              StartsWith("its answer: choices[0].message.content: expected a string"));
  EXPECT_THAT(error(TestJudge::answer(std::string(40000, '['))), StartsWith("its answer"));
  EXPECT_EQ("the answer is longer than 1048576 bytes", error(TestJudge::says(std::string(2 << 20, '1'))));
  EXPECT_EQ("no number in what it says: " + std::string(80, 'x') + "… (5000 bytes)",
            error(TestJudge::says(std::string(5000, 'x'))));
  EXPECT_EQ("the answer is not HTTP", error("hello\r\n\r\n"));
  c.timeout = 0.2;
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ("no answer in time", error("slow"));
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  c.url = "http://127.0.0.1:1/v1";
  EXPECT_THAT(error_of(c), HasSubstr("connect: Connection refused"));
}

// One failure ends the step; the others are given up and not taken for the cause.
TEST_F(JudgeRewardTest, TheFirstFailureIsTheOneThatIsNamed) {
  TestJudge server([](const std::string& question) {
    if (asked_in(question) == "Rate 3") return TestJudge::answer("{}", "400 Bad");
    std::this_thread::sleep_for(std::chrono::milliseconds(400));
    return TestJudge::says("1");
  });
  RewardConfig c = config(server.url());
  c.in_flight = 4;
  JudgeReward judge(c);
  std::vector<std::string> texts;
  for (int i = 0; i < 50; ++i) texts.push_back(std::to_string(i));
  std::vector<JudgedAnswer> answers;
  for (const std::string& text : texts) answers.push_back(answer(text));
  try {
    judge.score(answers);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), HasSubstr("HTTP 400: {}"));
  }
  EXPECT_LE(server.asked(), 8);
}

TEST_F(JudgeRewardTest, NothingLeavesTheBuilding) {
  const std::string at = "recipe: group_policy.rewards: judge: ";
  for (const char* url : {"http://8.8.8.8/v1", "https://127.0.0.1/v1", "http://user@127.0.0.1/v1", "ftp://127.0.0.1",
                          "127.0.0.1:80", "http://127.0.0.1/v1?x=y", "http://[2001:db8::1]/v1"})
    EXPECT_THAT(refused(config(url)), StartsWith(at + "url: ")) << url;
  EXPECT_EQ(at + "url is missing: http://HOST:PORT/v1 of an OpenAI-compatible API", refused(config("")));
}

TEST_F(JudgeRewardTest, SettingsThatAreMissingOrWrongAreNamed) {
  const std::string at = "recipe: group_policy.rewards: judge: ";
  RewardConfig c = config("http://127.0.0.1:9/v1");
  EXPECT_EQ("no error", refused(c));
  c.model.clear();
  EXPECT_EQ(at + "model is missing: as the API names it", refused(c));
  c = config("http://127.0.0.1:9", "");
  EXPECT_EQ(at + "prompt is missing: what the judge is asked, with {answer} in it", refused(c));
  c.prompt = "Rate it";
  EXPECT_EQ(at + "prompt: has no {answer} in it", refused(c));
  c = config("http://127.0.0.1:9"), c.pattern = "(";
  EXPECT_THAT(refused(c), StartsWith(at + "pattern: missing )"));
  c.pattern = "[0-9]+";
  EXPECT_EQ(at + "pattern: expected one group, which is the number", refused(c));
  c.pattern = "([0-9])([0-9])";
  EXPECT_EQ(at + "pattern: expected one group, which is the number", refused(c));
}

TEST_F(JudgeRewardTest, AKeyComesFromAFileOfItsOwnersAlone) {
  TestJudge server([](const std::string&) { return TestJudge::says("1"); });
  RewardConfig c = config(server.url());
  c.key_file = testing::TempDir() + "maru_judge_key_" + std::to_string(::getpid());
  write_file(c.key_file, "sesame\n");
  ::chmod(c.key_file.c_str(), 0600);
  EXPECT_EQ("no error", error_of(c));
  EXPECT_THAT(server.questions().back(), HasSubstr("\r\nAuthorization: Bearer sesame\r\n"));
  ::chmod(c.key_file.c_str(), 0644);
  EXPECT_THAT(refused(c), HasSubstr("others than its owner may read or write it"));
  write_file(c.key_file, "a b\r\nX: y");
  ::chmod(c.key_file.c_str(), 0600);
  EXPECT_THAT(refused(c), HasSubstr("expected one key, of visible characters"));
  fs::remove(c.key_file);
  EXPECT_THAT(refused(c), HasSubstr(c.key_file));
}

}  // namespace
}  // namespace maru::tune
