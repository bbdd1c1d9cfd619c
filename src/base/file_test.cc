#include "base/file.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <functional>
#include <thread>

#include "base/error.h"
#include "base/storage_full.h"
#include "base/system_error.h"

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

TEST_F(FileTest, AnAtomicFileIsItsOwnersAloneIfAsked) {
  const fs::path path = root_ / "secret";
  AtomicFile file(path, 0600);
  file.write("new");
  file.commit();
  struct stat info {};
  ASSERT_EQ(0, ::stat(path.c_str(), &info));
  EXPECT_EQ(0600u, info.st_mode & 0777);
}

TEST_F(FileTest, FullDiskIsExhaustedAndNamesTheFile) {
  if (!fs::exists("/dev/full")) GTEST_SKIP() << "no /dev/full";
  fs::create_symlink("/dev/full", root_ / ("b.tmp-" + std::to_string(::getpid())));
  try {
    write_file(root_ / "b", std::string(3 << 20, 'x'));
    FAIL();
  } catch (const StorageFull& e) {
    EXPECT_EQ(ErrorCode::kExhausted, e.code());
    EXPECT_NE(std::string::npos, e.error().message.find((root_ / "b").string()));
  }
}

TEST_F(FileTest, ALargeFileIsWholeThoughItsWayToTheDiskBeganBefore) {
  std::string block(1 << 20, '\0');
  AtomicFile file(root_ / "large");
  for (size_t i = 0; i < 80; ++i) {
    block[i] = static_cast<char>(i);
    file.write(block);
  }
  file.commit();
  const std::string all = read_file(root_ / "large");
  ASSERT_EQ(size_t{80} << 20, all.size());
  EXPECT_EQ(block, all.substr(size_t{79} << 20));
  EXPECT_EQ(std::string(1 << 20, '\0'), all.substr(0, 1 << 20));
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

// Opening a pipe waits for its other end, for ever if nobody comes.
TEST_F(FileTest, PipesAndDevicesAreNoFiles) {
  ASSERT_EQ(0, ::mkfifo((root_ / "pipe").c_str(), 0600));
  for (const fs::path& path : {root_ / "pipe", fs::path("/dev/zero")}) {
    for (const auto& attempt :
         {std::function<void()>([&] { read_file(path); }), std::function<void()>([&] { MappedFile map(path); })}) {
      try {
        attempt();
        FAIL() << path;
      } catch (const Failure& e) {
        EXPECT_EQ(ErrorCode::kInvalidArgument, e.code());
        EXPECT_NE(std::string::npos, e.error().message.find(path.string()));
      }
    }
  }
}

TEST_F(FileTest, APipeIsReadToItsEndAndNotWaitedForWithoutAWriter) {
  ASSERT_EQ(0, ::mkfifo((root_ / "pipe").c_str(), 0600));
  char bytes[16];
  EXPECT_EQ(0u, InputFile(root_ / "pipe").read(bytes, sizeof bytes));
  const int both = ::open((root_ / "pipe").c_str(), O_RDWR);  // as a shell opens the pipe of <(…)
  InputFile file(root_ / "pipe");
  std::thread writer([both] {
    ::usleep(20'000);
    EXPECT_EQ(5, ::write(both, "hello", 5));
    ::close(both);
  });
  EXPECT_EQ(5u, file.read(bytes, sizeof bytes));
  EXPECT_EQ("hello", std::string_view(bytes, 5));
  writer.join();
  EXPECT_EQ(0u, file.read(bytes, sizeof bytes));
  EXPECT_THROW(InputFile("/dev/zero"), Failure);
}

TEST_F(FileTest, ErrorsOfTheSystemNameThePathAndWhatToDo) {
  const std::vector<std::pair<int, ErrorCode>> codes{
      {ENOSPC, ErrorCode::kExhausted},      {EFBIG, ErrorCode::kExhausted},        {EDQUOT, ErrorCode::kExhausted},
      {EROFS, ErrorCode::kInvalidArgument}, {EACCES, ErrorCode::kInvalidArgument}, {EPERM, ErrorCode::kInvalidArgument},
      {ENOENT, ErrorCode::kNotFound},       {EIO, ErrorCode::kDataLoss},           {EEXIST, ErrorCode::kExists},
      {EMFILE, ErrorCode::kExhausted},      {EINVAL, ErrorCode::kInternal}};
  for (const auto& [number, code] : codes) {
    const Error error = system_error("/a/b", "write", number);
    EXPECT_EQ(code, error.code) << error.message;
    EXPECT_EQ(0u, error.message.find("/a/b: cannot write: ")) << error.message;
  }
  try {
    write_file(root_ / "x", "");
    fs::create_directories(root_ / "x/y");
    FAIL();
  } catch (const fs::filesystem_error& e) {
    EXPECT_EQ(ErrorCode::kNotFound, system_error(e).code);
    EXPECT_NE(std::string::npos, system_error(e).message.find((root_ / "x").string()));
  }
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
