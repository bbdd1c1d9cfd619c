// A run as a whole: resume after any interruption with the same bits, and clear refusals.
#include "train/run.h"

#include <gmock/gmock.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <sstream>
#include <thread>

#include "base/cancel.h"
#include "base/json.h"
#include "ledger/verify.h"
#include "tensor/cpu_device.h"
#include "train/checkpoint.h"
#include "train/test_run.h"

namespace maru::train {
namespace {

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
  cancel_.cancel();
  EXPECT_THAT(error_of("stopped", config()), testing::HasSubstr("cancelled"));
  cancel_.reset();
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

using Damage = std::function<void(const fs::path&)>;

void flip_byte(const fs::path& file) {
  std::string bytes = read_file(file);
  bytes[bytes.size() / 2] = static_cast<char>(bytes[bytes.size() / 2] ^ 1);
  write_file(file, bytes);
}

TEST_F(RunTest, GoesOnFromTheNewestCheckpointThatIsWhole) {
  finish_and_keep("a");
  const std::string whole = weights("a"), rows = figures("a"), manifest = read_file(model_of("a") / "manifest.json");
  const std::vector<std::pair<const char*, Damage>> kinds{
      {"a byte of the weights", [](const fs::path& c) { flip_byte(c / "model.safetensors"); }},
      {"half of the weights", [](const fs::path& c) { fs::resize_file(c / "model.safetensors", 9000); }},
      {"no weights", [](const fs::path& c) { fs::remove(c / "model.safetensors"); }},
      {"a byte of the moments", [](const fs::path& c) { flip_byte(c / "optimizer.safetensors"); }},
      {"empty moments", [](const fs::path& c) { fs::resize_file(c / "optimizer.safetensors", 0); }},
      {"more moments", [](const fs::path& c) { fs::resize_file(c / "optimizer.safetensors", 1 << 20); }},
      {"an empty state", [](const fs::path& c) { write_file(c / "state.json", ""); }},
      {"another step", [](const fs::path& c) { write_file(c / "state.json", R"({"step": 3, "steps": 24})"); }},
      {"no configuration", [](const fs::path& c) { fs::remove(c / "config.json"); }},
      {"an empty manifest", [](const fs::path& c) { write_file(c / "manifest.json", ""); }},
      {"a byte of the manifest", [](const fs::path& c) { flip_byte(c / "manifest.json"); }},
      {"zeros for a manifest", [](const fs::path& c) { write_file(c / "manifest.json", std::string(900, '\0')); }},
      {"another's manifest", [](const fs::path& c) { write_file(c / "manifest.json", "{}"); }},
      {"no manifest", [](const fs::path& c) { fs::remove(c / "manifest.json"); }},
      {"the manifest of the one before",
       [](const fs::path& c) {
         fs::copy_file(c.parent_path() / "step-00000020/manifest.json", c / "manifest.json",
                       fs::copy_options::overwrite_existing);
       }},
      {"a sealed manifest that lists nothing",
       [](const fs::path& c) {
         ledger::Manifest m = ledger::read_manifest(c);
         m.files.clear();
         ledger::write_manifest(c, m);
       }},
      {"an empty directory", [](const fs::path& c) { fs::remove_all(c), fs::create_directories(c); }}};
  for (const auto& [what, damage] : kinds) {
    put_back("a");
    damage(run_of("a") / "checkpoints/step-00000024");
    EXPECT_EQ("no error", error_of("a", config())) << what;
    EXPECT_EQ(whole, weights("a")) << what;
    EXPECT_EQ(manifest, read_file(model_of("a") / "manifest.json")) << what;
    EXPECT_EQ(rows, figures("a")) << what;
    EXPECT_THAT(warnings_, testing::AllOf(testing::HasSubstr("step-00000024"),
                                          testing::HasSubstr("the work behind step 20 is lost")))
        << what;
    EXPECT_EQ((std::vector<std::string>{"damaged-step-00000024", "step-00000020", "step-00000024"}),
              checkpoint_names("a"))
        << what;
  }
}

TEST_F(RunTest, ADamagedCheckpointTakesNoPlaceOfAGoodOne) {
  finish_and_keep("a");
  put_back("a");
  flip_byte(run_of("a") / "checkpoints/step-00000024/model.safetensors");
  TrainConfig c = config();
  c.checkpoint.keep = 1;
  cancel_.cancel();  // one step, then the checkpoint of step 21
  EXPECT_THAT(error_of("a", c), testing::HasSubstr("cancelled"));
  cancel_.reset();
  EXPECT_EQ((std::vector<std::string>{"damaged-step-00000024", "step-00000021"}), checkpoint_names("a"));
  EXPECT_TRUE(run("a", config()).resumed);
}

TEST_F(RunTest, WithoutAnyWholeCheckpointItSaysSoAndTouchesNothing) {
  finish_and_keep("a");
  put_back("a");
  for (const fs::path& checkpoint : list_checkpoints(run_of("a"))) flip_byte(checkpoint / "optimizer.safetensors");
  const auto before = checkpoint_names("a");
  EXPECT_THAT(error_of("a", config()),
              testing::AllOf(testing::HasSubstr("none of its 2 checkpoints can be read"),
                             testing::HasSubstr("step-00000024/optimizer.safetensors"), testing::HasSubstr("damaged"),
                             testing::HasSubstr("to train from the beginning")));
  EXPECT_EQ(before, checkpoint_names("a"));
}

TEST_F(RunTest, CheckpointsAreOrderedByTheirNumber) {
  for (const char* name : {"step-99999999", "step-100000000", "step-00000007", "step-00000007.tmp-999999999",
                           "damaged-step-00000009", "step-", "step-x", "step-12x"})
    fs::create_directories(run_of("a") / "checkpoints" / name);
  std::vector<std::string> names;
  for (const fs::path& path : list_checkpoints(run_of("a"))) names.push_back(path.filename().string());
  EXPECT_EQ((std::vector<std::string>{"step-00000007", "step-99999999", "step-100000000"}), names);
}

TEST_F(RunTest, AFinishedRunWhoseModelIsLostExportsItsOwnFigures) {
  const RunSummary first = run("a", config());
  const std::string manifest = read_file(model_of("a") / "manifest.json");
  fs::remove_all(model_of("a"));
  const RunSummary again = run("a", config());
  EXPECT_EQ(manifest, read_file(model_of("a") / "manifest.json"));
  EXPECT_EQ(first.loss, again.loss);
  EXPECT_EQ(first.validation, again.validation);
  EXPECT_GT(again.loss.value(), 0.1);
}

TEST_F(RunTest, DamagedRowsAreLeftOutAndSaid) {
  finish_and_keep("a");
  const std::string whole = weights("a"), manifest = read_file(model_of("a") / "manifest.json");
  const std::string good = read_file(run_of("a") / "metrics.jsonl");
  const size_t middle = good.find("{\"step\":10,"), end = good.find('\n', middle);
  ASSERT_NE(std::string::npos, middle);
  const auto with = [&](const std::string& row) { return good.substr(0, middle) + row + good.substr(end); };
  const std::vector<std::pair<std::string, bool>> files{// what lies there, and whether a row of ours is lost
                                                        {with("{\"step\":10,\"loss\":"), true},
                                                        {with("not json"), true},
                                                        {with("[1, 2]"), true},
                                                        {with("{\"step\":\"ten\"}"), true},
                                                        {with("{\"step\":10,\"seconds\":\"x\"}"), true},
                                                        {with("{\"step\":10.5}"), true},
                                                        {with("{\"loss\":1.0}"), true},
                                                        {with("\xff\xfe"), true},
                                                        {with(std::string(64, '\0')), true},
                                                        {with(""), true},
                                                        {good + "{\"step\":25,\"tok", false},
                                                        {good + std::string(4096, '\0'), false},
                                                        {good.substr(0, good.size() - 1), false}};
  for (const auto& [text, loses] : files) {
    put_back("a");
    write_file(run_of("a") / "metrics.jsonl", text);
    EXPECT_EQ("no error", error_of("a", config())) << text;
    EXPECT_EQ(whole, weights("a"));
    EXPECT_EQ(manifest, read_file(model_of("a") / "manifest.json")) << text;
    const std::string now = read_file(run_of("a") / "metrics.jsonl");
    EXPECT_EQ(loses ? good.substr(0, middle) + good.substr(end + 1) : good, now);
    const bool said = text.size() + 1 == good.size();  // only the last line break is missing: the row is whole
    EXPECT_EQ(!said, warnings_.find("cannot be read and are left out") != std::string::npos) << warnings_;
  }
}

TEST_F(RunTest, WithoutItsMetricsARunMeasuresAgainOrSaysNothing) {
  finish_and_keep("a");
  const Json notes = ledger::read_manifest(model_of("a")).notes;
  for (const bool there : {true, false}) {
    put_back("a");
    if (there)
      write_file(run_of("a") / "metrics.jsonl", "");
    else
      fs::remove(run_of("a") / "metrics.jsonl");
    const RunSummary summary = run("a", config());
    EXPECT_EQ(std::nullopt, summary.loss);
    const Json now = ledger::read_manifest(model_of("a")).notes;
    EXPECT_TRUE(now["loss"].is_null());
    EXPECT_EQ(notes["validation_bits_per_byte"], now["validation_bits_per_byte"]) << "the same bits, measured again";
    EXPECT_THAT(warnings_, testing::AllOf(testing::HasSubstr("the rows of steps 1 to 24 are missing"),
                                          testing::HasSubstr("the loss of step 24 is lost")));
    EXPECT_EQ(std::nullopt, run("a", config()).loss) << "skipped now, and still not 0";
  }
}

TEST_F(RunTest, ADamagedPlanIsMadeAgain) {
  finish_and_keep("a");
  const std::string whole = weights("a"), plan = read_file(run_of("a") / "plan.json");
  for (const char* text : {"", "{", "[]", "null", R"({"steps": "many"})", R"({"steps": -1})"})
    for (const bool with_checkpoints : {true, false}) {
      put_back("a");
      write_file(run_of("a") / "plan.json", text);
      if (!with_checkpoints) fs::remove_all(run_of("a") / "checkpoints");
      EXPECT_EQ("no error", error_of("a", config())) << text;
      EXPECT_EQ(whole, weights("a")) << text;
      EXPECT_EQ(plan, read_file(run_of("a") / "plan.json")) << text;
      EXPECT_THAT(warnings_, testing::AllOf(testing::HasSubstr("plan.json"), testing::HasSubstr("written again")));
    }
}

TEST_F(RunTest, WhatARunIsStandsInItsCheckpointsToo) {
  finish_and_keep("a");
  const std::string whole = weights("a"), recipe = read_file(run_of("a") / "recipe.json");
  TrainConfig other = config();
  other.optimizer.lr = 7e-3;
  for (const char* file : {"recipe.json", "inputs.json"})
    for (const char* text : {"", "{\"name\":", "[]", "null", "missing"}) {
      put_back("a");
      write_file(run_of("a") / file, text);
      if (text == std::string("missing")) fs::remove(run_of("a") / file);
      EXPECT_THAT(error_of("a", other), testing::HasSubstr("started with another optimizer.lr")) << file << text;
      EXPECT_EQ("no error", error_of("a", config())) << file << text;
      EXPECT_THAT(warnings_, testing::AllOf(testing::HasSubstr(file), testing::HasSubstr("taken from")));
      EXPECT_EQ(whole, weights("a"));
      EXPECT_EQ(recipe, read_file(run_of("a") / "recipe.json"));
    }
}

TEST_F(RunTest, TakesNoPlaceOfSomethingElse) {
  const auto code_of = [&](const std::string& name) {
    try {
      run(name, config());
      return std::string("none");
    } catch (const Failure& e) {
      EXPECT_THAT(e.what(), testing::HasSubstr(name));
      return std::string(name_of(e.code()));
    }
  };
  fs::create_directories(run_of("mine"));
  write_file(run_of("mine") / "thesis.txt", "years");
  write_file(run_of("file"), "x");
  fs::create_directories(model_of("elsewhere"));
  write_file(model_of("elsewhere") / "config.json", "{}");
  for (const char* name : {"mine", "file", "elsewhere"}) EXPECT_EQ("exists", code_of(name)) << name;
  EXPECT_EQ("years", read_file(run_of("mine") / "thesis.txt"));
  EXPECT_EQ(1u, list_files(run_of("mine")).size());
  fs::create_directories(run_of("empty"));
  write_file(run_of("empty") / "inputs.json.tmp-999999999", "");
  EXPECT_EQ("none", code_of("empty")) << "a process was killed before it wrote anything";
}

TEST_F(RunTest, OneProcessTrainsARun) {
  TrainConfig c = config();
  c.steps = 1'000'000;
  const pid_t child = ::fork();
  if (child == 0) {
    run("a", c, 1);
    ::_exit(0);
  }
  const fs::path metrics = run_of("a") / "metrics.jsonl";
  for (int i = 0; i < 3000 && !(fs::exists(metrics) && fs::file_size(metrics) > 0); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_THAT(error_of("a", c), testing::AllOf(testing::HasSubstr("runs/a: in use by process"),
                                               testing::HasSubstr(std::to_string(child))));
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  std::istringstream rows(read_file(metrics));
  int64_t step = 0;
  for (std::string line; std::getline(rows, line) && !rows.eof();) {
    const Json row = parse_json(line, "metrics").value();
    if (!row.contains("loss")) continue;
    EXPECT_EQ(++step, row["step"]) << "no row of another process between them";
  }
  cancel_.cancel();
  EXPECT_THAT(error_of("a", c), testing::HasSubstr("cancelled")) << "the dead one's lock is free";
  cancel_.reset();
}

TEST_F(RunTest, WithoutHeldOutTextThereAreNoBitsPerByte) {
  const TestTokens tokens(60, 23, false, /*with_held_out=*/false);
  TrainConfig c = config();
  c.tokens = tokens.directory().string();
  const RunSummary summary = run("a", c);
  EXPECT_TRUE(summary.validation.empty());
  EXPECT_TRUE(ledger::read_manifest(model_of("a")).notes["validation_bits_per_byte"].is_null());
  EXPECT_THAT(warnings_, testing::HasSubstr("nothing is held out"));
  const std::string metrics = read_file(run_of("a") / "metrics.jsonl");
  EXPECT_EQ(24, std::count(metrics.begin(), metrics.end(), '\n')) << "and no rows of validation";
  EXPECT_TRUE(run("a", c).validation.empty()) << "skipped";
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
  EXPECT_LT(run("tuned", c).loss.value(), 4.0) << "it starts from a trained model, not from ln 64";
}

}  // namespace
}  // namespace maru::train
