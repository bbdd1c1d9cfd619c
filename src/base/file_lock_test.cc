#include "base/file_lock.h"

#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"

namespace maru {
namespace {

using testing::HasSubstr;
using Mode = FileLock::Mode;

class FileLockTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  /// A child that holds the lock until it is killed; returns once it does.
  pid_t hold(const fs::path& place, Mode mode) const {
    int ready[2] = {};
    EXPECT_EQ(0, ::pipe(ready));
    const pid_t child = ::fork();
    if (child == 0) {
      const FileLock lock(place, mode);
      (void)!::write(ready[1], "x", 1);
      for (;;) ::pause();
    }
    char got = 0;
    EXPECT_EQ(1, ::read(ready[0], &got, 1));
    ::close(ready[0]), ::close(ready[1]);
    return child;
  }
  static void kill(pid_t child) {
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
  }
  static std::string refusal(const fs::path& place, Mode mode = Mode::kExclusive) {
    try {
      const FileLock lock(place, mode);
      return "";
    } catch (const Failure& e) {
      EXPECT_EQ(ErrorCode::kExists, e.code());
      return e.what();
    }
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_lock_" + std::to_string(::getpid()));
  const fs::path place_ = root_ / "run";
};

TEST_F(FileLockTest, NamesTheProcessThatHoldsItAndNothingIsLeft) {
  const pid_t child = hold(place_, Mode::kExclusive);
  EXPECT_EQ(place_.string() + ": in use by process " + std::to_string(child), refusal(place_));
  EXPECT_EQ("", refusal(root_ / "other"));
  EXPECT_FALSE(FileLock::try_exclusive(place_).has_value());
  kill(child);
  EXPECT_EQ("", refusal(place_)) << "the kernel lets go when the process dies";
  EXPECT_TRUE(fs::is_empty(root_)) << "the last holder takes the file away";
}

TEST_F(FileLockTest, SharedHoldersKeepOnlyAnExclusiveOneOut) {
  const pid_t first = hold(place_, Mode::kShared), second = hold(place_, Mode::kShared);
  EXPECT_EQ("", refusal(place_, Mode::kShared));
  EXPECT_THAT(refusal(place_), HasSubstr("in use by "));
  kill(first);
  EXPECT_THAT(refusal(place_), HasSubstr("in use by "));
  kill(second);
  EXPECT_EQ("", refusal(place_));
}

TEST_F(FileLockTest, HoldsWhileTheThingIsMadeSwappedAndRemoved) {
  const pid_t child = hold(place_, Mode::kExclusive);
  fs::create_directories(place_ / "a");
  EXPECT_NE("", refusal(place_));
  fs::create_directories(root_ / "new");
  replace_directory(root_ / "new", place_);
  EXPECT_NE("", refusal(place_));
  fs::remove_all(place_);
  EXPECT_NE("", refusal(place_));
  kill(child);
}

// What a killed process, a full disk or another program may leave in the file.
TEST_F(FileLockTest, WhatStandsInTheFileKeepsNobodyOut) {
  const std::vector<std::string> texts{
      "",        "1\n", "999999999\n", "-1\n", "99999999999999999999\n", "not a number", std::to_string(::getpid()),
      "\xff\xfe"};
  for (const std::string& text : texts) {
    write_file(root_ / ".run.lock", text);
    EXPECT_EQ("", refusal(place_)) << text;
  }
  write_file(root_ / ".run.lock", std::string(100'000, '7'));
  EXPECT_EQ("", refusal(place_));
}

TEST_F(FileLockTest, AFolderThatIsMissingOrALinkIsNamed) {
  for (const fs::path& place : {root_ / "none" / "x", root_ / "linked"}) {
    fs::create_symlink("/etc/passwd", root_ / ".linked.lock");
    try {
      const FileLock lock(place);
      FAIL();
    } catch (const Failure& e) {
      EXPECT_THAT(e.what(), HasSubstr(place.parent_path().string()));
      EXPECT_THAT(e.what(), HasSubstr(".lock"));
    }
    EXPECT_FALSE(FileLock::try_exclusive(place).has_value());
    fs::remove(root_ / ".linked.lock");
  }
}

}  // namespace
}  // namespace maru
