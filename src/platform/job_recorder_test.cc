#include "platform/job_recorder.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <unistd.h>

#include <csignal>
#include <functional>

#include "base/progress.h"

namespace maru::platform {
namespace {

using std::chrono::milliseconds;
using testing::HasSubstr;

class JobRecorderTest : public testing::Test {
 protected:
  JobRecorderTest() { fs::create_directories(directory_); }
  ~JobRecorderTest() override { fs::remove_all(directory_); }
  JobStatus status() const { return read_status_file(directory_).value_or(JobStatus{}); }
  static bool soon(const std::function<bool()>& f) {
    for (int i = 0; i < 2000 && !f(); ++i) std::this_thread::sleep_for(milliseconds(2));
    return f();
  }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_job_recorder_" + std::to_string(::getpid()));
};

TEST_F(JobRecorderTest, TellsWhoAndHowFar) {
  JobRecorder recorder(directory_, 3, milliseconds(2));
  const WorkerFile worker = read_worker_file(directory_).value();
  EXPECT_EQ(3, worker.attempt);
  EXPECT_TRUE(lives(worker.process));
  Progress line({.sink = &recorder}, "train", 200, "steps");
  line.update(50);
  line.note("loss 3.2 \xff");
  EXPECT_TRUE(soon([&] { return status().done == 50 && !status().note.empty(); }));
  EXPECT_EQ("train", status().title);
  EXPECT_EQ(25, status().percent());
  EXPECT_EQ(3, status().attempt);
  recorder.finish({.outcome = "completed", .results = {"models/x"}});
  EXPECT_EQ(3, read_exit_file(directory_).value().attempt);
  EXPECT_THAT(read_exit_file(directory_).value().results, testing::ElementsAre("models/x"));
}

TEST_F(JobRecorderTest, TheBeatIsTheWorks) {
  JobRecorder recorder(directory_, 1, milliseconds(2));
  ASSERT_TRUE(soon([&] { return read_status_file(directory_).has_value(); }));
  // Nobody works.
  std::this_thread::sleep_for(milliseconds(50));
  const int64_t idle = status().beat;
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_LE(status().beat - idle, 1) << "a recorder alone is no work";
  // Somebody computes, and says nothing.
  volatile uint64_t sum = 0;
  EXPECT_TRUE(soon([&] {
    for (uint64_t i = 0; i < 3'000'000; ++i) sum = sum + i;
    return status().beat > idle + 2;
  }));
}

TEST_F(JobRecorderTest, WhatIsSaidGoesToTheLogInLines) {
  testing::internal::CaptureStderr();
  {
    JobRecorder recorder(directory_, 1);
    recorder.inform("two\nlines");
    recorder.warn(std::string(10 << 20, 'x'));
  }
  const std::string log = testing::internal::GetCapturedStderr();
  EXPECT_THAT(log, HasSubstr("Z two lines\n"));
  EXPECT_THAT(log, HasSubstr("Z warning: xxx"));
  EXPECT_LT(log.size(), 10'000u) << "ten megabytes are cut";
}

// A disk that is full for a while: the work goes on, and its end is told once there is room.
TEST_F(JobRecorderTest, AFullDiskIsWaitedFor) {
  std::signal(SIGXFSZ, SIG_IGN);
  rlimit before{};
  ::getrlimit(RLIMIT_FSIZE, &before);
  JobRecorder recorder(directory_, 1, milliseconds(2));
  const rlimit full{0, before.rlim_max};
  ::setrlimit(RLIMIT_FSIZE, &full);
  {
    Progress line({.sink = &recorder}, "train", 2, "steps");
    line.update(1);
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_THROW(recorder.finish({.outcome = "completed"}, milliseconds(10)), Failure);
  EXPECT_FALSE(read_exit_file(directory_));
  std::jthread helper([&] {
    std::this_thread::sleep_for(milliseconds(100));
    ::setrlimit(RLIMIT_FSIZE, &before);
  });
  recorder.finish({.outcome = "completed"}, milliseconds(20'000));
  EXPECT_EQ("completed", read_exit_file(directory_).value().outcome);
}

}  // namespace
}  // namespace maru::platform
