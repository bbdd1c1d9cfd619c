#include "base/file.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace maru {
namespace {

class FileTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  const fs::path root_ = fs::temp_directory_path() / ("maru_file_" + std::to_string(::getpid()));
};

TEST_F(FileTest, AtomicFileLeavesTheOldContentUntilCommit) {
  const fs::path path = root_ / "a";
  write_file(path, "old");
  {
    AtomicFile file(path);
    file.write("new");
  }
  EXPECT_EQ("old", read_file(path));
  EXPECT_EQ(1u, list_files(root_).size()) << "the temporary file must be gone";
  AtomicFile file(path);
  file.write("new");
  file.commit();
  EXPECT_EQ("new", read_file(path));
}

TEST_F(FileTest, FullDiskIsExhaustedAndNamesTheFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  fs::create_symlink("/dev/full", root_ / ("b.tmp-" + std::to_string(::getpid())));
  try {
    write_file(root_ / "b", std::string(3 << 20, 'x'));
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kExhausted, e.code());
    EXPECT_NE(std::string::npos, e.error().message.find((root_ / "b").string()));
  }
}

TEST_F(FileTest, MissingFileIsNotFound) {
  try {
    read_file(root_ / "nothing");
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kNotFound, e.code());
  }
}

TEST_F(FileTest, MapsAndLimits) {
  write_file(root_ / "c", "hello");
  EXPECT_EQ("hello", MappedFile(root_ / "c").text());
  write_file(root_ / "empty", "");
  EXPECT_EQ("", MappedFile(root_ / "empty").text());
  EXPECT_THROW(read_file(root_ / "c", 4), Failure);
}

TEST_F(FileTest, ReplacesADirectoryWhole) {
  fs::create_directories(root_ / "new");
  fs::create_directories(root_ / "run");
  write_file(root_ / "new" / "x", "1");
  write_file(root_ / "run" / "y", "0");
  replace_directory(root_ / "new", root_ / "run");
  EXPECT_EQ("1", read_file(root_ / "run" / "x"));
  EXPECT_FALSE(fs::exists(root_ / "run" / "y"));
  EXPECT_FALSE(fs::exists(root_ / "new"));
}

}  // namespace
}  // namespace maru
