// A run as a whole: resume after any interruption with the same bits, and clear refusals.
#include "train/run.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/interrupt.h"
#include "base/json.h"
#include "ledger/verify.h"
#include "train/checkpoint.h"
#include "train/test_tokens.h"

namespace maru::train {
namespace {

class RunTest : public testing::Test {
 protected:
  TrainConfig config() const {
    TrainConfig c;
    c.name = "m";
    c.tokens = tokens_.directory().string();
    c.model = {.hidden_size = 32,
               .intermediate_size = 64,
               .num_hidden_layers = 2,
               .num_attention_heads = 4,
               .num_key_value_heads = 2,
               .max_position_embeddings = 64};
    c.sequence_length = 32, c.micro_batch_tokens = 256, c.batch_tokens = 512, c.steps = 24;
    c.checkpoint = {.every_steps = 5, .every_minutes = 0, .keep = 2};
    c.validation = {.every_steps = 8, .tokens = 1000};
    return resolve(c, TestTokens::kVocabulary);
  }
  RunOptions options(const std::string& name) const {
    return {.run = tokens_.root() / "runs" / name,
            .model = tokens_.root() / "models" / name,
            .home = tokens_.root(),
            .quiet = true};
  }
  RunSummary run(const std::string& name, const TrainConfig& c, int threads = 2) const {
    ThreadPool pool(threads);
    Stream stream = CpuStream{&pool};
    return train(c, options(name), stream);
  }
  std::string weights(const std::string& name) const {
    return read_file(tokens_.root() / "models" / name / "model.safetensors");
  }
  std::string error_of(const std::string& name, const TrainConfig& c) const {
    try {
      run(name, c);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  // Runs in a child that dies by SIGKILL after `ms`; true when it finished before.
  bool run_and_kill(const std::string& name, int ms) const {
    const pid_t child = ::fork();
    if (child == 0) {
      run(name, config(), 1);
      ::_exit(0);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(ms));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0;
  }
  TestTokens tokens_{60, 21};
};

TEST_F(RunTest, WritesAVerifiableModelAndItsMetrics) {
  const RunSummary summary = run("a", config());
  EXPECT_EQ(24, summary.steps);
  EXPECT_TRUE(ledger::verify(tokens_.root() / "models" / "a").ok());
  const std::string metrics = read_file(tokens_.root() / "runs" / "a" / "metrics.jsonl");
  EXPECT_EQ(24 + 3, std::count(metrics.begin(), metrics.end(), '\n'));
  EXPECT_EQ(2u, list_checkpoints(tokens_.root() / "runs" / "a").size());
}

TEST_F(RunTest, KilledAtRandomMomentsEndsWithTheSameBits) {
  run("whole", config(), 2);
  Random random(4);
  int kills = 0;
  for (bool finished = false; !finished && kills < 400; ++kills)
    finished = run_and_kill("killed", 5 + static_cast<int>(random.below(kills < 20 ? 60 : 2000)));
  EXPECT_GE(kills, 3) << "the run must have been killed for this test to mean anything";
  EXPECT_EQ(weights("whole"), weights("killed"));
  const auto rows = [&](const char* name) {
    const std::string text = read_file(tokens_.root() / "runs" / name / "metrics.jsonl");
    return std::count(text.begin(), text.end(), '\n');
  };
  EXPECT_EQ(rows("whole"), rows("killed")) << "rows behind a checkpoint are dropped when the run goes on from it";
}

TEST_F(RunTest, InterruptedItSavesAndGoesOn) {
  run("whole", config());
  set_interrupted(true);
  EXPECT_THAT(error_of("stopped", config()), testing::HasSubstr("interrupted"));
  set_interrupted(false);
  EXPECT_EQ(1u, list_checkpoints(tokens_.root() / "runs" / "stopped").size());
  EXPECT_TRUE(run("stopped", config()).resumed);
  EXPECT_EQ(weights("whole"), weights("stopped"));
}

TEST_F(RunTest, AFileThatCannotGrowStopsTheRunAndLosesNothing) {
  run("whole", config());
  rlimit before{};
  ASSERT_EQ(0, ::getrlimit(RLIMIT_FSIZE, &before));
  const auto old = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{20'000, before.rlim_max};
  ASSERT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &small));
  const std::string message = error_of("limited", config());
  ASSERT_EQ(0, ::setrlimit(RLIMIT_FSIZE, &before));
  std::signal(SIGXFSZ, old);
  EXPECT_THAT(message, testing::AllOf(testing::HasSubstr("step-00000005"), testing::HasSubstr("cannot write")));
  EXPECT_EQ("no error", error_of("limited", config()));
  EXPECT_EQ(weights("whole"), weights("limited"));
}

// In a child, since its file system of 1 MiB lasts as long as the process that may mount it.
enum FullDisk { kResumed = 0, kCannotMount, kNotFull, kLostCheckpoints, kNotResumed };
TEST_F(RunTest, AFullDiskStopsTheRunAndLosesNothing) {
  run("whole", config());
  const fs::path disk = tokens_.root() / "runs";
  const auto fill_train_empty_train = [&]() -> FullDisk {
    if (::unshare(CLONE_NEWNS | (::geteuid() == 0 ? 0 : CLONE_NEWUSER)) != 0 ||
        ::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::mount("tmpfs", disk.c_str(), "tmpfs", 0, "size=1m") != 0)
      return kCannotMount;
    write_file(disk / "ballast", std::string(400'000, 'x'));
    if (error_of("full", config()).find("No space left on device") == std::string::npos) return kNotFull;
    if (list_checkpoints(disk / "full").empty()) return kLostCheckpoints;
    fs::remove(disk / "ballast");
    return run("full", config(), 1).resumed ? kResumed : kNotResumed;
  };
  const pid_t child = ::fork();
  if (child == 0) ::_exit(fill_train_empty_train());
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  if (WEXITSTATUS(status) == kCannotMount) GTEST_SKIP() << "this user may not mount a file system of its own";
  EXPECT_EQ(kResumed, WEXITSTATUS(status));
  EXPECT_EQ(weights("whole"), weights("full"));
}

TEST_F(RunTest, RefusesAnotherRecipeInTheSameRun) {
  run("a", config());
  TrainConfig c = config();
  c.optimizer.lr = 7e-3;
  EXPECT_THAT(error_of("a", c), testing::HasSubstr("started with another optimizer.lr"));
  c = config();
  c.validation.every_steps = 3;
  EXPECT_EQ("no error", error_of("a", c)) << "how often to validate changes no weight";
}

TEST_F(RunTest, RefusesOtherTokensInTheSameRun) {
  run("a", config());
  EXPECT_TRUE(run("a", config()).skipped) << "the model is there already";
  TestTokens other(30, 22);
  fs::remove_all(tokens_.directory());
  fs::copy(other.directory(), tokens_.directory(), fs::copy_options::recursive);
  EXPECT_THAT(error_of("a", config()), testing::HasSubstr("started with another content of its tokens"));
}

TEST_F(RunTest, NamesADamagedCheckpointFile) {
  run("a", config());
  fs::remove_all(tokens_.root() / "models" / "a");  // so that the checkpoint is needed again
  const fs::path checkpoint = list_checkpoints(tokens_.root() / "runs" / "a").back();
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json"}) {
    const std::string good = read_file(checkpoint / name);
    std::string bad = good;
    bad[bad.size() / 2] = static_cast<char>(bad[bad.size() / 2] ^ 1);
    write_file(checkpoint / name, bad);
    EXPECT_THAT(error_of("a", config()), testing::AllOf(testing::HasSubstr(name), testing::HasSubstr("damaged")));
    write_file(checkpoint / name, good.substr(0, good.size() / 2));
    EXPECT_THAT(error_of("a", config()), testing::HasSubstr(name));
    write_file(checkpoint / name, good);
  }
  EXPECT_EQ("no error", error_of("a", config()));
}

TEST_F(RunTest, TurnsMinutesIntoStepsOnce) {
  TrainConfig c = config();
  c.steps = 0;
  c.minutes = 0.004;
  c = resolve(c, TestTokens::kVocabulary);
  const int64_t steps = run("timed", c).steps;
  EXPECT_GT(steps, 0);
  EXPECT_EQ(steps, run("timed", c).steps);
}

TEST_F(RunTest, ContinuesFromAModel) {
  run("base", config());
  TrainConfig c = config();
  c.init_from = (tokens_.root() / "models" / "base").string();
  c.steps = 2;
  EXPECT_LT(run("tuned", c).loss, 4.0) << "it starts from a trained model, not from ln 64";
}

}  // namespace
}  // namespace maru::train
