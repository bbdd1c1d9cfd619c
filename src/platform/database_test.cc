#include "platform/database.h"

#include <gmock/gmock.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>

#include "base/error.h"

namespace maru::platform {
namespace {

using testing::HasSubstr;

constexpr std::string_view kFirst[] = {"CREATE TABLE things (name TEXT PRIMARY KEY, size INTEGER, note TEXT) STRICT;"};
constexpr std::string_view kSecond[] = {kFirst[0], "ALTER TABLE things ADD COLUMN weight REAL NOT NULL DEFAULT 0.5;"};

class DatabaseTest : public testing::Test {
 protected:
  ~DatabaseTest() override { fs::remove_all(root_); }
  static void add(Database& database, const std::string& name, std::optional<int64_t> size = {}) {
    database.write([&](Connection& c) {
      c.prepare("INSERT INTO things (name, size, note) VALUES (?, ?, ?)").bind(name).bind(size).bind("n").run();
    });
  }
  static int64_t count(Database& database) {
    return database.read([](Connection& c) {
      Statement rows = c.prepare("SELECT count(*) FROM things");
      return rows.next() ? rows.integer(0) : -1;
    });
  }
  Error error_of(const std::function<void()>& f) const {
    try {
      f();
    } catch (const Failure& e) {
      return e.error();
    }
    return {ErrorCode::kInternal, "no error"};
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_database_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "home/platform.db";
};

TEST_F(DatabaseTest, KeepsWhatWasWrittenWithItsTypes) {
  static constexpr std::string_view kOdd("가\0나\xf0\x9f\x98\x80", 11);
  {
    Database database(file_, kFirst);
    add(database, std::string(kOdd), 1LL << 62);
    add(database, "'; DROP TABLE things; --");
  }
  Database database(file_, kFirst);
  database.read([](Connection& c) {
    Statement rows = c.prepare("SELECT name, size, note FROM things ORDER BY size DESC");
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.text(0), kOdd);
    EXPECT_EQ(rows.integer(1), 1LL << 62);
    ASSERT_TRUE(rows.next());
    EXPECT_EQ(rows.integer(1), 0) << "null";
    EXPECT_EQ(rows.text(2), "n");
    EXPECT_FALSE(rows.next());
  });
  struct stat status {};
  ASSERT_EQ(::stat(file_.c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 0777, 0600u) << "keys are in it";
}

TEST_F(DatabaseTest, ATransactionComesWholeOrNotAtAll) {
  Database database(file_, kFirst);
  EXPECT_EQ(error_of([&] {
              database.write([&](Connection& c) {
                c.prepare("INSERT INTO things (name) VALUES (?)").bind("a").run();
                c.prepare("INSERT INTO things (name) VALUES (?)").bind("a").run();
              });
            }).code,
            ErrorCode::kExists);
  EXPECT_EQ(count(database), 0);
  add(database, "a");
  EXPECT_EQ(count(database), 1);
}

TEST_F(DatabaseTest, AStatementMayBeUsedWithinItself) {
  Database database(file_, kFirst);
  for (const char* name : {"a", "b"}) add(database, name);
  int64_t pairs = 0;
  database.read([&](Connection& c) {
    for (Statement outer = c.prepare("SELECT name FROM things"); outer.next();)
      for (Statement inner = c.prepare("SELECT name FROM things"); inner.next();) ++pairs;
  });
  EXPECT_EQ(pairs, 4);
}

TEST_F(DatabaseTest, ReadersSeeOneStateWhileOthersWrite) {
  Database database(file_, kFirst);
  std::atomic<bool> over = false;
  std::atomic<int64_t> torn = 0;
  std::vector<std::jthread> readers;
  for (int i = 0; i < 3; ++i)
    readers.emplace_back([&] {
      while (!over) torn += count(database) % 2;
    });
  for (int i = 0; i < 100; ++i)
    database.write([&](Connection& c) {
      for (const char* half : {"a", "b"})
        c.prepare("INSERT INTO things (name) VALUES (?)").bind(half + std::to_string(i)).run();
    });
  over = true;
  readers.clear();
  EXPECT_EQ(torn, 0) << "two rows come together";
  EXPECT_EQ(count(database), 200);
}

TEST_F(DatabaseTest, IsBroughtToTheLastVersionAndACopyIsKept) {
  {
    Database database(file_, kFirst);
    add(database, "old");
  }
  {
    Database database(file_, kSecond);
    database.read([](Connection& c) {
      Statement rows = c.prepare("SELECT weight FROM things WHERE name = 'old'");
      ASSERT_TRUE(rows.next());
      EXPECT_EQ(rows.number(0), 0.5);
    });
  }
  EXPECT_THAT(error_of([&] { Database(file_, kFirst); }).message, HasSubstr("newer Maru: its version is 2, this one"));
  Database copy(file_.string() + ".before-v2", kFirst);
  EXPECT_EQ(count(copy), 1);
}

TEST_F(DatabaseTest, AMigrationThatFailsLeavesTheFileAsItWas) {
  {
    Database database(file_, kFirst);
    add(database, "old");
  }
  const std::string_view wrong[] = {kFirst[0], "CREATE TABLE other (x) STRICT; nonsense;"};
  EXPECT_EQ(error_of([&] { Database(file_, wrong); }).code, ErrorCode::kInternal);
  Database database(file_, kSecond);
  EXPECT_EQ(count(database), 1);
}

TEST_F(DatabaseTest, WhatIsNoDatabaseOfMarusIsRefusedAndStays) {
  fs::create_directories(file_.parent_path());
  write_file(file_, std::string(5000, 'x'));
  EXPECT_EQ(error_of([&] { Database(file_, kFirst); }).code, ErrorCode::kDataLoss);
  EXPECT_EQ(read_file(file_), std::string(5000, 'x'));
  fs::remove(file_);
  Connection(file_, true).execute("CREATE TABLE another (x);");
  EXPECT_THAT(error_of([&] { Database(file_, kFirst); }).message, HasSubstr("none of Maru's"));
}

TEST_F(DatabaseTest, ADamagedPageIsSaid) {
  {
    Database database(file_, kFirst);
    for (int i = 0; i < 2000; ++i) add(database, "some longer name " + std::to_string(i));
  }
  std::string bytes = read_file(file_);
  ASSERT_GT(bytes.size(), 20'000u);
  for (size_t i = 4096; i < bytes.size(); ++i) bytes[i] = '\x7f';
  write_file(file_, bytes);
  EXPECT_EQ(error_of([&] {
              Database database(file_, kFirst);
              count(database);
            }).code,
            ErrorCode::kDataLoss);
}

TEST_F(DatabaseTest, KilledAtAnyMomentItKeepsWholeTransactions) {
  for (int round = 0; round < 10; ++round) {
    int acknowledged[2];
    ASSERT_EQ(::pipe(acknowledged), 0);
    const pid_t child = ::fork();
    if (child == 0) {
      Database database(file_, kFirst);
      for (int i = 0;; ++i) {
        database.write([&](Connection& c) {
          for (const char* half : {"a", "b"})
            c.prepare("INSERT INTO things (name) VALUES (?)")
                .bind(half + std::to_string(round) + "." + std::to_string(i))
                .run();
        });
        if (::write(acknowledged[1], "x", 1) != 1) ::_exit(1);
      }
    }
    ::close(acknowledged[1]);
    std::this_thread::sleep_for(std::chrono::milliseconds(20 + 7 * round));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    int64_t done = 0;
    for (char c = 0; ::read(acknowledged[0], &c, 1) == 1;) ++done;
    ::close(acknowledged[0]);
    Database database(file_, kFirst);
    const int64_t rows = count(database);
    EXPECT_EQ(rows % 2, 0);
    const int64_t of_round = database.read([&](Connection& c) {
      Statement found = c.prepare("SELECT count(*) FROM things WHERE name GLOB ?");
      found.bind("a" + std::to_string(round) + ".*");
      return found.next() ? found.integer(0) : -1;
    });
    EXPECT_TRUE(of_round == done || of_round == done + 1) << of_round << " of " << done << " that returned";
  }
}

TEST_F(DatabaseTest, AFullDiskIsSaidAndNothingIsLost) {
  Database database(file_, kFirst);
  add(database, "a");
  const pid_t child = ::fork();
  if (child == 0) {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{200'000, 200'000};  // of a file: its log cannot grow
    ::setrlimit(RLIMIT_FSIZE, &limit);
    Database full(file_, kFirst);
    const Error error = error_of([&] {
      for (int i = 0; i < 1000; ++i) add(full, std::string(10'000, 'x') + std::to_string(i));
    });
    ::_exit(error.message == "no error" ? 1 : 0);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(WEXITSTATUS(status), 0);
  add(database, "b");
  EXPECT_GE(count(database), 2);
}

TEST_F(DatabaseTest, TwoProcessesWriteInTurn) {
  Database database(file_, kFirst);
  const pid_t child = ::fork();
  if (child == 0) {
    Database other(file_, kFirst);
    for (int i = 0; i < 50; ++i) add(other, "child" + std::to_string(i));
    ::_exit(0);
  }
  Database mine(file_, kFirst);
  for (int i = 0; i < 50; ++i) add(mine, "parent" + std::to_string(i));
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
  EXPECT_EQ(count(mine), 100);
}

}  // namespace
}  // namespace maru::platform
