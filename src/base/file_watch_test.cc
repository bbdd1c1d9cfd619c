#include "base/file_watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <atomic>

#include "base/error.h"

namespace maru {
namespace {

using std::chrono::milliseconds;

class FileWatchTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(root_);
    write_file(file_, "1");
  }
  void TearDown() override { fs::remove_all(root_); }
  FileWatch watch(const fs::path& file) {
    return FileWatch(
        {file, ""},
        [this, file] {
          std::string text = read_file(file);
          if (text == "bad") throw Failure(ErrorCode::kInvalidArgument, "this is bad");
          set(text);
          ++loads_;
        },
        [this](const std::string& warning) { warnings_.push_back(warning), ++num_warnings_; }, "the old one stays",
        milliseconds(2));
  }
  void set(std::string text) {
    std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  bool comes(const std::string& text) {
    return eventually([&] {
      std::lock_guard lock(mutex_);
      return text_ == text;
    });
  }
  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_watch_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "file";
  std::mutex mutex_;
  std::string text_;
  std::atomic<int> loads_{0}, num_warnings_{0};
  std::vector<std::string> warnings_;
};

TEST_F(FileWatchTest, ReadsAgainWhatChangesAndOnlyThat) {
  FileWatch watching = watch(file_);
  EXPECT_EQ("1", text_);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(1, loads_);
  write_file(file_, "2");  // replaces it
  EXPECT_TRUE(comes("2"));
  write_file(file_, "3");
  EXPECT_TRUE(comes("3"));
}

// As Kubernetes mounts a secret: file -> ..data/file, and ..data is a link that is replaced. More than once.
TEST_F(FileWatchTest, FollowsLinksThatAreTurned) {
  const auto turn = [&](const std::string& to) {
    fs::create_directories(root_ / to);
    write_file(root_ / to / "key", to);
    fs::create_directory_symlink(to, root_ / "..tmp");
    fs::rename(root_ / "..tmp", root_ / "..data");
  };
  turn("a");
  fs::create_symlink("..data/key", root_ / "key");
  FileWatch watching = watch(root_ / "key");
  EXPECT_EQ("a", text_);
  for (const char* to : {"b", "c", "d"}) {
    turn(to);
    EXPECT_TRUE(comes(to)) << to;
  }
}

TEST_F(FileWatchTest, WhatCannotBeReadIsSaidOnceAndChangesNothing) {
  FileWatch watching = watch(file_);
  write_file(file_, "bad");
  ASSERT_TRUE(eventually([&] { return num_warnings_ == 1; }));
  EXPECT_EQ("this is bad; the old one stays", warnings_[0]);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_EQ(1, num_warnings_);
  fs::remove(file_);
  ASSERT_TRUE(eventually([&] { return num_warnings_ == 2; }));
  EXPECT_NE(warnings_[1].find(file_.string()), std::string::npos);
  EXPECT_EQ("1", text_);
  write_file(file_, "4");
  EXPECT_TRUE(comes("4"));
}

TEST_F(FileWatchTest, TheFirstVersionMustBeReadable) {
  write_file(file_, "bad");
  EXPECT_THROW(watch(file_), Failure);
  EXPECT_THROW(watch(root_ / "none"), Failure);
}

// Written in place, a piece at a time: no piece is read before the writer pauses.
TEST_F(FileWatchTest, AFileThatIsBeingWrittenIsNotReadHalf) {
  FileWatch watching(
      {file_}, [this] { set(read_file(file_)), ++loads_; }, {}, "", milliseconds(20));
  for (const char* text : {"x", "xx", "xxx", "xxxx", "xxxxx", "xxxxxx"}) {
    FILE* file = std::fopen(file_.c_str(), "w");
    std::fputs(text, file);
    std::fclose(file);
    std::this_thread::sleep_for(milliseconds(5));
  }
  EXPECT_TRUE(comes("xxxxxx"));
  EXPECT_LE(loads_, 4) << "six versions came within a moment";
}

}  // namespace
}  // namespace maru
