#include "data/listing.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"

namespace maru::data {
namespace {

using testing::HasSubstr;

class ListingTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(corpus_ / "sub");
    fs::create_directories(root_ / "outside");
    write_file(corpus_ / "a.txt", "a");
    write_file(corpus_ / "sub/b.txt", "b");
    write_file(root_ / "outside/private.key", "secret");
  }
  void TearDown() override { fs::remove_all(root_); }

  // "a.txt link:x …"
  std::string list(const fs::path& path) const {
    std::string all;
    for (const ListedFile& file : list_corpus(path))
      all += (all.empty() ? "" : " ") + std::string(file.skipped) + (file.skipped.empty() ? "" : ":") +
             file.path.lexically_relative(path).string();
    return all;
  }

  const fs::path root_ = fs::temp_directory_path() / ("maru_listing_" + std::to_string(::getpid()));
  const fs::path corpus_ = root_ / "corpus";
};

TEST_F(ListingTest, LinksAreNotFollowed) {
  fs::create_symlink(root_ / "outside/private.key", corpus_ / "key.txt");
  fs::create_symlink("../outside/private.key", corpus_ / "relative.txt");
  fs::create_directory_symlink(root_ / "outside", corpus_ / "out");
  fs::create_directory_symlink("..", corpus_ / "sub/up");
  fs::create_symlink("loop", corpus_ / "loop");
  fs::create_symlink("nowhere", corpus_ / "broken.txt");
  fs::create_symlink("a.txt", corpus_ / "inside.txt");
  fs::create_symlink("/dev/zero", corpus_ / "zero.txt");
  EXPECT_EQ(
      "a.txt link:broken.txt link:inside.txt link:key.txt link:loop link:out link:relative.txt sub/b.txt link:sub/up "
      "link:zero.txt",
      list(corpus_));
}

TEST_F(ListingTest, ANamedLinkIsFollowed) {
  fs::create_directory_symlink(corpus_, root_ / "named");
  fs::create_symlink(corpus_ / "a.txt", root_ / "named.txt");
  fs::create_symlink(root_ / "named", root_ / "twice");
  EXPECT_EQ("a.txt sub/b.txt", list(root_ / "named"));
  EXPECT_EQ("a.txt sub/b.txt", list(root_ / "twice"));
  ASSERT_EQ(1u, list_corpus(root_ / "named.txt").size());
  EXPECT_EQ("", list_corpus(root_ / "named.txt")[0].skipped);
}

TEST_F(ListingTest, HardLinksAndStrangeNamesAreFiles) {
  fs::create_hard_link(corpus_ / "a.txt", corpus_ / "hard.txt");
  write_file(corpus_ / "\xC7\xD1\xB1\xDB.txt", "x");
  write_file(corpus_ / "a\nb.txt", "x");
  EXPECT_EQ("a\nb.txt a.txt hard.txt sub/b.txt \xC7\xD1\xB1\xDB.txt", list(corpus_));
}

TEST_F(ListingTest, PipesSocketsAndDevicesAreSkippedOrRefused) {
  ASSERT_EQ(0, ::mkfifo((corpus_ / "pipe.txt").c_str(), 0600));
  const int fd = ::socket(AF_UNIX, SOCK_STREAM, 0);
  sockaddr_un address{.sun_family = AF_UNIX};
  (corpus_ / "s").string().copy(address.sun_path, sizeof(address.sun_path) - 1);
  ASSERT_EQ(0, ::bind(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)));
  EXPECT_EQ("a.txt not_a_file:pipe.txt not_a_file:s sub/b.txt", list(corpus_));
  ::close(fd);
  for (const fs::path& path : {corpus_ / "pipe.txt", fs::path("/dev/zero")}) {
    try {
      list_corpus(path);
      FAIL() << path;
    } catch (const Failure& e) {
      EXPECT_EQ(ErrorCode::kInvalidArgument, e.code());
      EXPECT_THAT(e.what(), HasSubstr("neither a file nor a folder"));
    }
  }
  EXPECT_THROW(files_to_read(corpus_), Failure);
}

TEST_F(ListingTest, MissingAndLoopingInputsAreNamed) {
  fs::create_symlink("loop", root_ / "loop");
  const std::pair<fs::path, const char*> kInputs[] = {{root_ / "nowhere", "does not exist"},
                                                      {root_ / "loop", "Too many levels of symbolic links"},
                                                      {corpus_ / "a.txt/b", "does not exist"}};
  for (const auto& [path, why] : kInputs) {
    try {
      list_corpus(path);
      FAIL() << path;
    } catch (const Failure& e) {
      EXPECT_THAT(e.what(), HasSubstr(path.string() + ": " + why));
    }
  }
}

TEST_F(ListingTest, WhatMayNotBeReadIsNamed) {
  fs::permissions(corpus_ / "a.txt", fs::perms::none);
  fs::permissions(corpus_ / "sub", fs::perms::none);
  const pid_t child = ::fork();  // a superuser may read everything, so somebody else looks
  if (child == 0) {
    if (::geteuid() == 0 && ::seteuid(65534) != 0) ::_exit(2);
    ::_exit(list(corpus_) == "unreadable:a.txt unreadable:sub" ? 0 : 1);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(0, WEXITSTATUS(status));
  fs::permissions(corpus_ / "sub", fs::perms::owner_all);
}

}  // namespace
}  // namespace maru::data
