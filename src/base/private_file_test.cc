#include "base/private_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"

namespace maru {
namespace {

class PrivateFileTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove_all(path_); }
  void write(mode_t mode) {
    write_file(path_, "secret");
    ::chmod(path_.c_str(), mode);
  }
  std::string message(uint64_t limit = 100) const {
    try {
      return read_private_file(path_, limit);
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path path_ = fs::temp_directory_path() / ("maru_private_" + std::to_string(::getpid()));
};

TEST_F(PrivateFileTest, IsReadWhenItIsItsOwnersAlone) {
  for (const mode_t mode : {0600u, 0400u, 0700u}) {
    write(mode);
    EXPECT_EQ("secret", message()) << mode;
  }
}

TEST_F(PrivateFileTest, IsNotReadWhenOthersMayReadOrWriteIt) {
  for (const mode_t mode : {0640u, 0604u, 0620u, 0602u, 0601u, 0777u}) {
    write(mode);
    EXPECT_THAT(message(), testing::HasSubstr("chmod 600")) << mode;
    EXPECT_THAT(message(), testing::Not(testing::HasSubstr("secret")));
  }
}

TEST_F(PrivateFileTest, OtherKindsAndSizesAreNamed) {
  EXPECT_THAT(message(), testing::StartsWith(path_.string()));
  write(0600);
  EXPECT_THAT(message(5), testing::HasSubstr("larger than 5 bytes"));
  fs::remove(path_);
  fs::create_directory(path_);
  ::chmod(path_.c_str(), 0700);
  EXPECT_THAT(message(), testing::HasSubstr("regular file"));
  fs::remove(path_);
  ASSERT_EQ(0, ::mkfifo(path_.c_str(), 0600));
  EXPECT_THAT(message(), testing::HasSubstr("regular file")) << "and nobody waits for a writer";
}

}  // namespace
}  // namespace maru
