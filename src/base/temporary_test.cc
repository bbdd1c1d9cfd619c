#include "base/temporary.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "base/error.h"
#include "base/file_lock.h"

namespace maru {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

class TemporaryTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  void make_file(const std::string& name) const { write_file(root_ / name, "x"); }
  void make_folder(const std::string& name) const {
    fs::create_directories(root_ / name / "deep");
    write_file(root_ / name / "deep" / "file", name);
    if (is_temporary(name)) mark_temporary(root_ / name);
  }
  void age(const std::string& name) const {
    fs::last_write_time(root_ / name, fs::file_time_type::clock::now() - std::chrono::hours(2));
  }
  std::vector<std::string> left() const {
    std::vector<std::string> names;
    for (const fs::directory_entry& entry : fs::directory_iterator(root_))
      names.push_back(entry.path().filename().string());
    std::sort(names.begin(), names.end());
    return names;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_temporary_" + std::to_string(::getpid()));
};

TEST(Temporary, NamesAreKnown) {
  for (const char* name :
       {"a.tmp-1", "a.old-22", "a.b.tmp-4194304", ".x.tmp-7", ".a.lock", "..lock.lock", "a.tmp-99999999999999999999"})
    EXPECT_TRUE(is_temporary(name)) << name;
  for (const char* name : {"a", "", "a.tmp-", "a.tmp-x", "a.tmp-1x", ".tmp-1", ".old-1", "a.lock", ".lock", "tmp-1",
                           "a.tmp1", "a.tmp-1.bak", "step-00000001"})
    EXPECT_FALSE(is_temporary(name)) << name;
}

TEST_F(TemporaryTest, WhatDeadProcessesLeftGoes) {
  make_file("plan.json.tmp-999999999");
  make_folder("docs.tmp-999999999");
  make_folder("docs.old-999999999");
  make_folder("docs");
  make_file(".docs.lock");
  remove_leftovers(root_);
  EXPECT_THAT(left(), ElementsAre("docs"));
}

TEST_F(TemporaryTest, WhatOthersOwnStays) {
  const std::string alive = std::to_string(::getppid());
  make_file("fresh.tmp-" + alive);  // made a moment ago, not held yet
  make_file("a.tmp-x"), make_file("b.tmp"), make_file(".hidden");
  make_folder("mine.tmp-final");
  make_folder("unmarked.tmp-999999999"), make_folder("unmarked.old-999999999");  // somebody else's, called so
  unmark_temporary(root_ / "unmarked.tmp-999999999"), unmark_temporary(root_ / "unmarked.old-999999999");
  fs::create_directories(root_ / "inner.tmp-999999999/empty");
  fs::create_symlink(root_ / ".hidden", root_ / "link.tmp-999999999");
  const auto before = left();
  remove_leftovers(root_);
  EXPECT_EQ(before, left());
  remove_leftovers(root_ / "none");
}

// A process id comes again, in a container at once.
TEST_F(TemporaryTest, ALivingProcessOfTheSameNumberKeepsNothing) {
  for (const pid_t other : {::getppid(), ::getpid(), pid_t{1}}) {
    const std::string file = "metrics.jsonl.tmp-" + std::to_string(other), folder = "m.tmp-" + std::to_string(other);
    make_file(file), make_folder(folder);
    age(file), age(folder);
    remove_leftovers(root_);
    EXPECT_THAT(left(), IsEmpty()) << other;
  }
}

TEST_F(TemporaryTest, WhatIsHeldStaysHoweverOldAndWhateverItsNumber) {
  make_file("held.tmp-999999999");  // of a process in another container: unknown here, but it holds the file
  make_folder("m.tmp-999999999");
  age("held.tmp-999999999"), age("m.tmp-999999999");
  int ready[2] = {};
  ASSERT_EQ(0, ::pipe(ready));
  const pid_t child = ::fork();
  if (child == 0) {
    hold_temporary(::open((root_ / "held.tmp-999999999").c_str(), O_WRONLY));
    const FileLock lock(root_ / "m");
    (void)!::write(ready[1], "x", 1);
    for (;;) ::pause();
  }
  char got = 0;
  ASSERT_EQ(1, ::read(ready[0], &got, 1));
  const auto before = left();
  remove_leftovers(root_);
  EXPECT_EQ(before, left());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  remove_leftovers(root_);
  EXPECT_THAT(left(), IsEmpty());
}

TEST_F(TemporaryTest, AnAtomicFileIsHeldWhileItIsWritten) {
  AtomicFile file(root_ / "a");
  file.write("b");
  age(left().at(0));
  remove_leftovers(root_);
  file.commit();
  EXPECT_EQ("b", read_file(root_ / "a"));
}

// Killed between moving the old directory away and putting the new one in its place.
TEST_F(TemporaryTest, TheOldDirectoryComesBackWhereNoNewOneIs) {
  make_folder("m.old-999999999");
  make_folder("m.tmp-999999999");
  remove_leftovers(root_);
  EXPECT_THAT(left(), ElementsAre("m"));
  EXPECT_EQ("m.old-999999999", read_file(root_ / "m/deep/file"));
}

TEST_F(TemporaryTest, AnInterruptedSwapLosesNothingAndIsTidiedUp) {
  make_folder("m"), make_folder("new");
  mark_temporary(root_ / "m");  // killed right before the swap
  remove_leftovers(root_), remove_leftovers(root_ / "m");
  EXPECT_EQ("m", read_file(root_ / "m/deep/file"));
  EXPECT_FALSE(fs::exists(root_ / "m/.maru.lock"));
  replace_directory(root_ / "new", root_ / "m");
  EXPECT_EQ("new", read_file(root_ / "m/deep/file"));
  EXPECT_THAT(left(), ElementsAre("m"));
}

TEST_F(TemporaryTest, UsersGiveNoSuchNames) {
  for (const char* place : {"/data/x.tmp-1", "x.old-22", "a/.x.lock", "/data/x.tmp-1/"})
    EXPECT_THROW(refuse_temporary_name(place), Failure) << place;
  for (const char* place : {"/data/x", "x.tmp", "a.tmp-1/b", "/", ""}) refuse_temporary_name(place);
}

TEST_F(TemporaryTest, OfOnePlaceOnly) {
  make_file("a.gguf.tmp-999999999"), make_file("b.gguf.tmp-999999999"), make_file("a.gguf");
  remove_leftovers_of(root_ / "a.gguf", /*locked=*/false);
  EXPECT_THAT(left(), ElementsAre("a.gguf", "b.gguf.tmp-999999999"));
}

}  // namespace
}  // namespace maru
