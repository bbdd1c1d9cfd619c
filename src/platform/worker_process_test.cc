#include "platform/worker_process.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <thread>

#include "base/error.h"
#include "platform/job_files.h"
#include "platform/test_worker.h"

namespace maru::platform {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class WorkerProcessTest : public testing::Test {
 protected:
  WorkerProcessTest() { fs::create_directories(directory_); }
  ~WorkerProcessTest() override { fs::remove_all(root_); }
  void want(const std::string& what) const {
    write_file(directory_ / kJobFile, render_job_file("job-1", {.stage = "tune", .config = {{"do", what}}}));
  }
  std::string run(const std::string& what, const WorkerLimits& limits = {}) {
    want(what);
    const std::optional<WorkerLock> lock = WorkerLock::try_take(directory_);
    const int64_t pid = start_worker(command_, directory_, 1, limits, lock.value());
    std::optional<std::string> end;
    while (!(end = end_of_child(pid))) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    reap_child(pid);
    return *end;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_worker_process_" + std::to_string(::getpid()));
  const fs::path directory_ = root_ / "job-1";
  const WorkerCommand command_ = script_worker(root_);
};

TEST_F(WorkerProcessTest, AWorkerHasNothingOfTheServers) {
  ::setenv("MARU_API_KEY", "very-secret", 1);
  ::setenv("LC_TEST", "kept", 1);
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0), high = ::fcntl(socket, F_DUPFD, 200);
  EXPECT_EQ("ended with exit code 0", run("facts", {.threads = 2, .cores = {0}, .memory_bytes = 1 << 30, .nice = 3}));
  ::close(socket), ::close(high);
  ::unsetenv("MARU_API_KEY"), ::unsetenv("LC_TEST");
  const std::string facts = read_file(directory_ / "facts");
  EXPECT_THAT(facts, HasSubstr("args " + directory_.string() +
                               " --attempt 1 --threads 2 --cores 0 --memory-bytes 1073741824 --nice 3"));
  EXPECT_THAT(facts, Not(HasSubstr("secret")));
  EXPECT_THAT(facts, HasSubstr("LC_TEST=kept"));
  EXPECT_THAT(facts, HasSubstr("PATH="));
  EXPECT_THAT(facts, Not(HasSubstr("socket:")));
  EXPECT_THAT(facts, Not(HasSubstr(" 200 ->")));
  EXPECT_THAT(facts, HasSubstr("0 -> /dev/null"));
  EXPECT_THAT(facts, HasSubstr("3 -> " + (directory_ / ".worker.lock").string()));
  EXPECT_THAT(read_file(directory_ / kLogFile), HasSubstr("attempt 1\n"));
}

TEST_F(WorkerProcessTest, ASessionOfItsOwn) {
  want("until");
  const int64_t pid = start_worker(command_, directory_, 1, {}, WorkerLock::try_take(directory_).value());
  EXPECT_EQ(pid, ::getsid(static_cast<pid_t>(pid)));
  EXPECT_EQ(pid, ::getpgid(static_cast<pid_t>(pid)));
  EXPECT_FALSE(end_of_child(pid));
  EXPECT_FALSE(WorkerLock::try_take(directory_)) << "it holds the lock that was handed on";
  signal_group(identity_of(pid).value(), SIGKILL);
  while (!end_of_child(pid)) std::this_thread::yield();
  EXPECT_EQ("was ended by SIGKILL (9)", end_of_child(pid).value());
  reap_child(pid);
  EXPECT_EQ(-1, ::waitpid(static_cast<pid_t>(pid), nullptr, WNOHANG)) << "no zombie is left";
  // What it had started has it for a moment longer.
  for (int i = 0; i < 1000 && !WorkerLock::try_take(directory_); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  EXPECT_TRUE(WorkerLock::try_take(directory_));
}

TEST_F(WorkerProcessTest, HowItEndedIsSaid) {
  EXPECT_EQ("ended with exit code 5", run("exit"));
  EXPECT_EQ("was ended by SIGKILL (9)", run("crash"));
  EXPECT_FALSE(end_of_child(::getpid())) << "no child";
  try {
    start_worker({"/no/such/program", {}}, directory_, 1, {}, WorkerLock::try_take(directory_).value());
    ADD_FAILURE() << "started";
  } catch (const Failure& failure) {
    EXPECT_THAT(failure.what(), HasSubstr("/no/such/program: cannot start"));
  }
}

TEST_F(WorkerProcessTest, OneLockAtATimeAndNoneThatIsNone) {
  {
    const fs::path other = root_ / "other";
    fs::create_directories(other);
    const auto third = WorkerLock::try_take(other), first = WorkerLock::try_take(directory_);
    EXPECT_TRUE(first);
    EXPECT_FALSE(WorkerLock::try_take(directory_));
    EXPECT_FALSE(WorkerLock::inherited_or_taken(directory_)) << "what is open as 3 is something else";
  }
  EXPECT_TRUE(WorkerLock::inherited_or_taken(directory_));
  EXPECT_THROW(WorkerLock::try_take(root_ / "none"), Failure);
}

TEST_F(WorkerProcessTest, LimitsHold) {
  const pid_t child = ::fork();
  if (child == 0) {
    limit_this_process({.cores = {usable_cores()[0]}, .memory_bytes = 256 << 20, .nice = 5});
    rlimit limit{};
    ::getrlimit(RLIMIT_DATA, &limit);
    const bool held = limit.rlim_cur == 256 << 20 && usable_cores().size() == 1 && ::getpriority(PRIO_PROCESS, 0) >= 5;
    try {
      const std::string much(size_t{300} << 20, 'x');
      ::_exit(much.empty() ? 1 : 2);
    } catch (const std::bad_alloc&) {
      ::_exit(held ? 0 : 3);
    }
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(0, status);
}

TEST(CoreLists, AreReadAsTheyAreWritten) {
  EXPECT_EQ("0-2,5,7-8", render_cores({0, 1, 2, 5, 7, 8}));
  EXPECT_THAT(parse_cores("0-2,5,7-8").value(), ElementsAre(0, 1, 2, 5, 7, 8));
  for (const char* bad : {"", ",", "a", "1-", "-1", "3-1", "1,,2", "99999999", "1 2"})
    EXPECT_FALSE(parse_cores(bad)) << bad;
}

}  // namespace
}  // namespace maru::platform
