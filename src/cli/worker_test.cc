// maru worker, called in this process: what it does with the directory of a job, and what it leaves.
#include <gmock/gmock.h>
#include <unistd.h>

#include "base/hash.h"
#include "base/interrupt.h"
#include "base/json.h"
#include "catalogue/test_home.h"
#include "cli/verbs.h"
#include "platform/job_files.h"
#include "platform/worker_process.h"

namespace maru::cli {

void add_worker(CLI::App& app, Session& session);

namespace {

using platform::ExitRecord;
using testing::ElementsAre;
using testing::HasSubstr;

class WorkerTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::copy("tests/golden/home", at_home_.home.root(), fs::copy_options::recursive);
    fs::create_directories(directory_);
  }
  void TearDown() override {
    fs::current_path(before_);
    interrupt_token().reset();
  }
  void want(const std::string& stage, const Json& config, const std::vector<platform::JobInput>& inputs = {}) const {
    write_file(directory_ / platform::kJobFile,
               platform::render_job_file("job-1", {.workspace = "local",
                                                   .stage = stage,
                                                   .directory = at_home_.home.root().string(),
                                                   .config = config,
                                                   .inputs = inputs}));
  }
  ExitRecord work(int64_t attempt = 1) {
    CLI::App app("", "maru");
    Session session;
    session.home = at_home_.home.root();
    session.quiet = true, session.threads = 1;
    add_worker(app, session);
    const std::string directory = directory_.string(), number = std::to_string(attempt);
    const std::array<const char*, 5> words{"maru", "worker", directory.c_str(), "--attempt", number.c_str()};
    testing::internal::CaptureStdout();
    testing::internal::CaptureStderr();
    try {
      app.parse(static_cast<int>(words.size()), words.data());
    } catch (const Failure& failure) {
      refused_ = failure.error().message;
    }
    testing::internal::GetCapturedStdout();
    log_ = testing::internal::GetCapturedStderr();
    return platform::read_exit_file(directory_).value_or(ExitRecord{});
  }
  static Json quantize() { return {{"model", "small"}, {"out", "q"}}; }

  const catalogue::TestHome at_home_{"worker"};
  const fs::path directory_ = at_home_.home.root() / "platform/jobs/job-1", before_ = fs::current_path();
  std::string refused_, log_;
};

TEST_F(WorkerTest, DoesTheStageAndSaysWhatItMade) {
  want("quantize", quantize());
  const ExitRecord record = work(3);
  EXPECT_EQ("completed", record.outcome) << record.message;
  EXPECT_EQ(3, record.attempt);
  EXPECT_THAT(record.results, ElementsAre("models/q"));
  EXPECT_TRUE(fs::exists(at_home_.home.root() / "models/q/manifest.json"));
  EXPECT_EQ(3, platform::read_worker_file(directory_).value().attempt);
  EXPECT_NE("", platform::read_status_file(directory_).value().title);
  want("export", {{"model", "small"}, {"out", "e"}});
  EXPECT_THAT(work().results, ElementsAre("results/e"));
  EXPECT_TRUE(fs::exists(directory_ / "results/e/model.safetensors"));
}

TEST_F(WorkerTest, WhatItCannotDoIsInItsRecord) {
  const auto said = [&](const char* code) {
    const ExitRecord record = work();
    EXPECT_EQ("error", record.outcome);
    EXPECT_EQ(code, record.code) << record.message;
    return record.message;
  };
  want("quantize", {{"model", "none"}, {"out", "q"}});
  EXPECT_THAT(said("not_found"), HasSubstr("none"));
  EXPECT_THAT(log_, HasSubstr("none"));
  want("quantize", {{"model", "small"}, {"out", "small-int8"}});
  EXPECT_THAT(said("exists"), HasSubstr("models/small-int8: exists"));
  want("paint", Json::object());
  EXPECT_THAT(said("invalid_argument"), HasSubstr("expected one of: curate"));
  write_file(directory_ / platform::kJobFile, "{");
  EXPECT_THAT(said("data_loss"), HasSubstr("job.json"));
  write_file(directory_ / platform::kJobFile, R"({"format":2})");
  EXPECT_THAT(said("unimplemented"), HasSubstr("of another Maru"));
}

TEST_F(WorkerTest, InputsAreThoseOfTheTimeWhenItWasAsked) {
  const std::string hash = sha256_file(at_home_.home.root() / "models/small/manifest.json");
  want("quantize", quantize(), {{"small", std::string(64, '0')}});
  EXPECT_THAT(work().message, HasSubstr("small: has changed since the job was asked for"));
  want("quantize", quantize(), {{"small", hash}});
  EXPECT_EQ("completed", work().outcome);
}

TEST_F(WorkerTest, WhatWasMadeBeforeIsNotMadeAgain) {
  want("quantize", quantize());
  EXPECT_EQ("completed", work().outcome);
  const auto made = fs::last_write_time(at_home_.home.root() / "models/q/manifest.json");
  EXPECT_EQ("error", work(1).outcome) << "the name was taken before it was asked for";
  EXPECT_EQ("completed", work(2).outcome) << "a worker died before it could say so";
  EXPECT_EQ(made, fs::last_write_time(at_home_.home.root() / "models/q/manifest.json"));
  fs::last_write_time(at_home_.home.root() / "models/q/manifest.json", made - std::chrono::hours(1));
  EXPECT_EQ("exists", work(2).code) << "that one is older than the job, and somebody else's";
}

TEST_F(WorkerTest, StopsWhereItCanGoOn) {
  want("train", {{"name", "t"},
                 {"tokens", "small/tokens-small"},
                 {"tokenizer", "small"},
                 {"init_from", "small"},
                 {"sequence_length", 16},
                 {"batch_tokens", 16},
                 {"micro_batch_tokens", 16},
                 {"steps", 3}});
  interrupt_token().cancel();
  EXPECT_EQ("cancelled", work().outcome);
  interrupt_token().reset();
  const ExitRecord record = work(2);
  EXPECT_EQ("completed", record.outcome) << record.message;
  EXPECT_THAT(record.results, ElementsAre("models/t", "runs/t"));
}

TEST_F(WorkerTest, OneAtATime) {
  want("quantize", quantize());
  // Descriptor 3 is that of another one, so that this is not taken for the lock of its parent.
  const auto other = platform::WorkerLock::try_take(at_home_.root), lock = platform::WorkerLock::try_take(directory_);
  work();
  EXPECT_THAT(refused_, HasSubstr("a worker is at it"));
  EXPECT_FALSE(platform::read_exit_file(directory_));
}

}  // namespace
}  // namespace maru::cli
