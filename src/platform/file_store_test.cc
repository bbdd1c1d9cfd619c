#include "platform/file_store.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

#include "base/error.h"

namespace maru::platform {
namespace {

class FileStoreTest : public testing::Test {
 protected:
  FileStoreTest() { fs::remove_all(root_); }
  ~FileStoreTest() override { fs::remove_all(root_); }
  const fs::path root_ = fs::temp_directory_path() / ("maru_file_store_" + std::to_string(::getpid()));
  const RepositoryName kName{"datasets", "team", "talks"};
};

TEST_F(FileStoreTest, IsMadeWhenItIsNeeded) {
  {
    HomeDatabase home(root_);
    FileStore store(home);
    EXPECT_FALSE(fs::exists(root_));
    store.repositories().create(kName, "me");
  }
  HomeDatabase home(root_);
  FileStore store(home);
  EXPECT_EQ(store.repositories().find(kName).created_by, "me");
}

TEST_F(FileStoreTest, ADamagedOneIsSaidAtOnce) {
  fs::create_directories(root_);
  write_file(root_ / "platform.db", std::string(8192, 'x'));
  EXPECT_THROW(HomeDatabase{root_}, Failure);
}

TEST_F(FileStoreTest, WhyItCannotBeOpenedIsTheOperatorsBusiness) {
  fs::create_directories(root_);
  write_file(root_ / "file", "");
  std::string told;
  HomeDatabase home(root_ / "file/store", [&](const std::string& message) { told = message; });
  FileStore store(home);
  try {
    store.repositories();
    FAIL();
  } catch (const Failure& failure) {
    EXPECT_EQ(ErrorCode::kUnavailable, failure.code());
    EXPECT_EQ(std::string::npos, failure.error().message.find(root_.string()));
  }
  EXPECT_NE(std::string::npos, told.find(root_.string()));
}

TEST_F(FileStoreTest, CollectsByItself) {
  HomeDatabase home(root_);
  FileStore store(home, {}, {.every = std::chrono::seconds(0), .unused_for = std::chrono::hours(1)});
  BlobWriter writer = store.blobs().writer();
  writer.write("nobody's");
  const Blob blob = writer.commit();
  fs::last_write_time(store.blobs().path_of(blob.sha256), fs::file_time_type::clock::now() - std::chrono::hours(2));
  for (int i = 0; i < 500 && store.counts().collected_blobs == 0; ++i)  // counted when all have gone
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  EXPECT_FALSE(fs::exists(store.blobs().path_of(blob.sha256)));
  EXPECT_EQ(store.counts().collected_blobs, 1);
}

}  // namespace
}  // namespace maru::platform
