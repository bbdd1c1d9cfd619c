#include "platform/process_identity.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <thread>

namespace maru::platform {
namespace {

TEST(ProcessIdentities, AreOfWhatRuns) {
  const ProcessIdentity self = identity_of(::getpid()).value();
  EXPECT_TRUE(lives(self));
  EXPECT_EQ(36u, self.boot_id.size());
  for (const int64_t nobody : {int64_t{0}, int64_t{-1}, int64_t{1} << 40}) EXPECT_FALSE(identity_of(nobody));
  ProcessIdentity later = self, rebooted = self;
  ++later.start_ticks, rebooted.boot_id[0] ^= 1;
  EXPECT_FALSE(lives(later)) << "its number came again";
  EXPECT_FALSE(lives(rebooted));
  EXPECT_EQ(0, cpu_ticks_of(later));
}

TEST(ProcessIdentities, WhoHasEndedAndIsNotWaitedForRunsNoMore) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(0);
  siginfo_t info;
  ASSERT_EQ(0, ::waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT));
  EXPECT_FALSE(identity_of(child));
  ::waitpid(child, nullptr, 0);
}

/// A process that leads a group, with a child in it; the child's end is the end of the pipe.
struct Group {
  ProcessIdentity leader;
  int pipe_end = -1;
  Group() {
    int ends[2];
    if (::pipe(ends) != 0) return;
    const pid_t pid = ::fork();
    if (pid == 0) {
      ::setpgid(0, 0);
      ::close(ends[0]);
      (void)::fork();
      for (;;) ::pause();
    }
    ::close(ends[1]);
    pipe_end = ends[0];
    while (::getpgid(pid) != pid) std::this_thread::yield();
    std::this_thread::sleep_for(std::chrono::milliseconds(50));  // until it has its child
    leader = identity_of(pid).value();
  }
  bool all_gone() const {
    char byte;
    return ::read(pipe_end, &byte, 1) == 0;
  }
  ~Group() {
    ::kill(static_cast<pid_t>(-leader.pid), SIGKILL);
    ::waitpid(static_cast<pid_t>(leader.pid), nullptr, 0);
    ::close(pipe_end);
  }
};

TEST(ProcessIdentities, AGroupIsReachedWholeAndNoOther) {
  Group group;
  ProcessIdentity other = group.leader;
  ++other.start_ticks;
  signal_group(other, SIGKILL);
  EXPECT_TRUE(lives(group.leader)) << "that was another process of its number";
  signal_group(group.leader, SIGKILL);
  EXPECT_TRUE(group.all_gone());
}

TEST(ProcessIdentities, WhatALeaderLeftBehindIsReached) {
  Group group;
  ::kill(static_cast<pid_t>(group.leader.pid), SIGKILL);
  ::waitpid(static_cast<pid_t>(group.leader.pid), nullptr, 0);
  EXPECT_FALSE(lives(group.leader));
  signal_group(group.leader, SIGKILL);
  EXPECT_TRUE(group.all_gone());
}

}  // namespace
}  // namespace maru::platform
