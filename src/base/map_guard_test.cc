#include "base/map_guard.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <csignal>
#include <fstream>
#include <numeric>
#include <thread>

#include "base/file.h"

namespace maru {
namespace {

using testing::HasSubstr;

class MapGuardTest : public ::testing::Test {
 protected:
  const fs::path root_ = fs::temp_directory_path() / ("maru_map_guard_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "weights" / "model.bin";
  const size_t page_ = static_cast<size_t>(::sysconf(_SC_PAGESIZE));

  void SetUp() override {
    fs::create_directories(file_.parent_path());
    write_file(file_, std::string(10 * page_, 'w'));
    // Not of this moment: a file system's clock ticks every few milliseconds.
    fs::last_write_time(file_, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
  void TearDown() override { fs::remove_all(root_); }

  static size_t count(const MappedFile& map, char c) {
    return static_cast<size_t>(std::count(map.text().begin(), map.text().end(), c));
  }
  static std::string error_of(const MappedFile& map) {
    try {
      map.check();
      return "intact";
    } catch (const Failure& failure) {
      EXPECT_EQ(ErrorCode::kDataLoss, failure.code());
      return failure.what();
    }
  }
  void overwrite(size_t offset) {
    std::fstream file(file_, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(static_cast<std::streamoff>(offset));
    file << "x";
  }
};

TEST_F(MapGuardTest, ACutFileReadsAsZerosAndIsNamed) {
  for (const size_t left : {size_t{0}, size_t{1}, page_, page_ + 1, 5 * page_, 10 * page_ - 1}) {
    write_file(file_, std::string(10 * page_, 'w'));
    const auto time = fs::last_write_time(file_);
    const MappedFile map(file_);
    EXPECT_EQ("intact", error_of(map));
    fs::resize_file(file_, left);
    EXPECT_THAT(error_of(map), HasSubstr("weights/model.bin: was cut short")) << "before anybody has looked";
    EXPECT_EQ(left, count(map, 'w'));
    EXPECT_EQ(10 * page_ - left, count(map, '\0'));
    EXPECT_THAT(error_of(map), HasSubstr("weights/model.bin: was cut short"));
    // Put back, its time too: the pages that became zeros stay lost.
    fs::resize_file(file_, 10 * page_);
    if (left <= 9 * page_) fs::last_write_time(file_, time);  // where no page was lost, only the time tells
    EXPECT_NE("intact", error_of(map)) << left;
  }
}

TEST_F(MapGuardTest, PagesAreLostInAnyOrder) {
  const MappedFile map(file_);
  fs::resize_file(file_, page_);
  for (const size_t at : {9, 3, 7, 1, 2, 8}) EXPECT_EQ(std::byte{0}, map.bytes()[at * page_ + 5]) << at;
  EXPECT_EQ(std::byte{'w'}, map.bytes()[5]);
  EXPECT_THROW(map.release(map.bytes()), Failure);
}

TEST_F(MapGuardTest, WritingInPlaceIsSeen) {
  for (const size_t at : {size_t{0}, 3 * page_, 10 * page_ - 1, 10 * page_}) {  // the last appends
    const MappedFile map(file_);
    overwrite(at);
    EXPECT_THAT(error_of(map), HasSubstr("weights/model.bin: was written to")) << at;
    EXPECT_EQ("intact", error_of(MappedFile(file_))) << "loaded again";
    fs::last_write_time(file_, fs::file_time_type::clock::now() - std::chrono::hours(1));
  }
}

TEST_F(MapGuardTest, SizeAndTimeAreBothLookedAtToTheLastDigit) {
  const auto time = fs::last_write_time(file_);
  const MappedFile map(file_);
  overwrite(10 * page_);
  fs::last_write_time(file_, time);
  EXPECT_THAT(error_of(map), HasSubstr("was written to")) << "longer, with the time of before";
  const MappedFile longer(file_);
  fs::last_write_time(file_, time + std::chrono::nanoseconds(1));
  EXPECT_THAT(error_of(longer), HasSubstr("was written to")) << "a nanosecond later";
}

TEST_F(MapGuardTest, WhatLeavesTheMapAloneIsIntact) {
  const MappedFile map(file_);
  fs::permissions(file_, fs::perms::owner_read);
  fs::create_hard_link(file_, root_ / "backup");
  EXPECT_EQ("intact", error_of(map));
  fs::permissions(file_, fs::perms::owner_read | fs::perms::owner_write);
  write_file(file_, "another");  // by renaming
  EXPECT_EQ("intact", error_of(map));
  EXPECT_EQ(10 * page_, count(map, 'w'));
  fs::remove(file_);
  EXPECT_EQ("intact", error_of(map));
  fs::rename(root_ / "weights", root_ / "moved");
  EXPECT_EQ("intact", error_of(map));
}

TEST_F(MapGuardTest, SpeaksForThoseThatAreCountedIn) {
  MappedFile aside(file_), used(file_);
  used.count_in();
  EXPECT_TRUE(mapped_files_intact().ok());
  MappedFile moved = std::move(used);
  fs::resize_file(file_, 3);
  EXPECT_THAT(mapped_files_intact().error().message, HasSubstr("weights/model.bin: was cut short"));
  EXPECT_THROW(check_mapped_files(), Failure);
  moved = MappedFile();
  EXPECT_TRUE(mapped_files_intact().ok());
  EXPECT_NE("intact", error_of(aside));
}

TEST_F(MapGuardTest, ManyMapsAndManyThreads) {
  std::vector<MappedFile> maps;
  for (int i = 0; i < 300; ++i) maps.emplace_back(file_);
  fs::resize_file(file_, 0);
  std::vector<std::thread> threads;
  std::atomic<size_t> zeros{0};
  for (size_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (size_t i = 0; i < maps.size(); ++i) zeros += count(maps[(i * 7 + t) % maps.size()], '\0');
    });
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(4 * 300 * 10 * page_, zeros);
  for (const MappedFile& map : maps) ASSERT_NE("intact", error_of(map));
  maps.clear();
  EXPECT_TRUE(mapped_files_intact().ok());
}

using MapGuardDeathTest = MapGuardTest;

TEST_F(MapGuardDeathTest, OtherFaultsEndTheProcessAsEver) {
  const MappedFile map(file_);  // the handler is there
  EXPECT_EXIT(::raise(SIGBUS), testing::KilledBySignal(SIGBUS), "");
  const auto foreign = [&] {
    const int fd = ::open(file_.c_str(), O_RDWR);
    const auto* bytes = static_cast<const volatile char*>(::mmap(nullptr, page_, PROT_READ, MAP_SHARED, fd, 0));
    if (::ftruncate(fd, 0) != 0) std::exit(1);
    std::exit(bytes[0]);
  };
  EXPECT_EXIT(foreign(), testing::KilledBySignal(SIGBUS), "");
}

TEST_F(MapGuardTest, OnlyRegularFilesAreMapped) {
  ASSERT_EQ(0, ::mkfifo((root_ / "pipe").c_str(), 0600));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX, .sun_path = {}};
  const std::string name = (root_ / "socket").string();
  name.copy(address.sun_path, sizeof address.sun_path - 1);
  ASSERT_EQ(0, ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address));
  const auto error = [](const fs::path& path) {
    try {
      (void)MappedFile(path);
      return std::string("opened");
    } catch (const Failure& failure) {
      return std::string(failure.what());
    }
  };
  EXPECT_THAT(error(root_ / "pipe"), HasSubstr("pipe: expected a regular file, got a pipe"));
  EXPECT_THAT(error(root_ / "socket"), HasSubstr("socket: cannot open"));
  EXPECT_THAT(error("/dev/null"), HasSubstr("expected a regular file, got a device"));
  EXPECT_THAT(error(root_), HasSubstr("directory"));
  EXPECT_EQ("opened", error(file_));
  fs::create_symlink(root_ / "pipe", root_ / "link");
  EXPECT_THAT(error(root_ / "link"), HasSubstr("got a pipe"));
  ::close(fd);
}

}  // namespace
}  // namespace maru
