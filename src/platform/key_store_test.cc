#include "platform/key_store.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "base/hash.h"
#include "platform/utc_time.h"

namespace maru::platform {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

class KeyStoreTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(root_); }
  void TearDown() override { fs::remove_all(root_); }
  std::unique_ptr<KeyStore> store() {
    return std::make_unique<KeyStore>(
        file_, [this](const std::string&) { ++warnings_; }, [this] { return UtcTime(seconds(now_)); }, milliseconds(2));
  }
  template <class F>
  static bool eventually(F condition) {
    for (int i = 0; i < 2000; ++i) {
      if (condition()) return true;
      std::this_thread::sleep_for(milliseconds(2));
    }
    return false;
  }
  static std::string record(const std::string& name, const std::string& key, const std::string& more = "") {
    return R"({"name": ")" + name + R"(", "hash": ")" + sha256_hex(key) + "\"" + more + "}";
  }
  void write(const std::string& records) {
    AtomicFile file(file_, 0600);
    file.write("{\"keys\": [" + records + "]}");
    file.commit();
  }
  const fs::path root_ = fs::temp_directory_path() / ("maru_store_" + std::to_string(::getpid()));
  const fs::path file_ = root_ / "keys.json";
  std::atomic<int64_t> now_{1'000'000'000};
  std::atomic<int> warnings_{0};
};

TEST_F(KeyStoreTest, SaysWhoseKeyItIs) {
  write(record("ci", "secret", R"(, "tenant": "lab", "scopes": ["inference"], "models": ["m"], "weight": 3,
        "requests_per_minute": 5, "tokens_per_minute": 6, "parallel_choices": 7)") +
        "," + record("alone", "other"));
  const auto keys = store();
  const Principal lab = keys->principal_of("secret").value();
  EXPECT_EQ("lab", lab.tenant);
  EXPECT_EQ("key ci", lab.key);
  EXPECT_TRUE(lab.may("inference"));
  EXPECT_FALSE(lab.may("read"));
  EXPECT_TRUE(lab.may_ask("m"));
  EXPECT_FALSE(lab.may_ask("m2"));
  EXPECT_EQ(3, lab.weight);
  EXPECT_EQ(5, lab.limits.requests_per_minute);
  EXPECT_EQ(6, lab.limits.tokens_per_minute);
  EXPECT_EQ(7, lab.limits.parallel_choices);
  EXPECT_EQ("key alone", keys->principal_of("other").value().tenant);
  for (const std::string& key : {std::string(), std::string("Secret"), std::string("secret "), sha256_hex("secret"),
                                 std::string("secret\0", 7), std::string(1 << 20, 'x')})
    EXPECT_FALSE(keys->principal_of(key)) << key.substr(0, 80);
}

TEST_F(KeyStoreTest, AnEmptyFileLetsNobodyIn) {
  write("");
  const auto keys = store();
  EXPECT_TRUE(keys->has_keys());
  EXPECT_FALSE(keys->principal_of("secret"));
}

TEST_F(KeyStoreTest, AKeyEndsAtItsMoment) {
  write(record("a", "secret", R"(, "expires": "1970-01-01T00:33:20Z")") + "," +
        record("b", "revoked", R"(, "disabled": true)"));
  const auto keys = store();
  for (const auto& [now, known] : {std::pair(1'999, true), {2'000, false}, {2'001, false}, {1'000'000, false}}) {
    now_ = now;
    EXPECT_EQ(known, keys->principal_of("secret").has_value()) << now;
  }
  EXPECT_FALSE(keys->principal_of("revoked"));
}

TEST_F(KeyStoreTest, KeysChangeWithoutARestart) {
  write(record("old", "first"));
  const auto keys = store();
  write(record("old", "first") + "," + record("new", "second"));
  EXPECT_TRUE(eventually([&] { return keys->principal_of("second").has_value(); }));
  EXPECT_TRUE(keys->principal_of("first")) << "both are valid until the old one is taken out";
  write(record("new", "second"));
  EXPECT_TRUE(eventually([&] { return !keys->principal_of("first"); }));
  EXPECT_TRUE(keys->principal_of("second"));
  write("");
  EXPECT_TRUE(eventually([&] { return !keys->principal_of("second"); }));
  EXPECT_EQ(0, warnings_);
}

TEST_F(KeyStoreTest, ABrokenVersionChangesNothing) {
  write(record("a", "secret"));
  const auto keys = store();
  const auto stays = [&](int warnings) {
    EXPECT_TRUE(eventually([&] { return warnings_ == warnings; })) << warnings;
    EXPECT_TRUE(keys->principal_of("secret")) << warnings;
    EXPECT_FALSE(keys->principal_of("late"));
  };
  write(record("a", "secret") + "," + record("a", "late"));
  stays(1);
  fs::remove(file_);
  stays(2);
  fs::create_directory(file_);
  stays(3);
  fs::remove(file_);
  write(record("a", "late"));
  EXPECT_TRUE(eventually([&] { return keys->principal_of("late").has_value(); }));
  EXPECT_FALSE(keys->principal_of("secret"));
  ::chmod(file_.c_str(), 0644);
  EXPECT_TRUE(eventually([&] { return warnings_ == 4 || warnings_ == 5; }));
  EXPECT_TRUE(keys->principal_of("late")) << "who could read it saw hashes; the log says it";
}

TEST_F(KeyStoreTest, IsAskedWhileItIsReplaced) {
  write(record("a", "always") + "," + record("b", "b"));
  const auto keys = store();
  std::atomic<bool> stop{false};
  std::atomic<int64_t> unknown{0}, asked{0};
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i)
    threads.emplace_back([&] {
      while (!stop) ++asked, unknown += !keys->principal_of("always").has_value();
    });
  for (int i = 0; i < 100; ++i) {
    write(record("a", "always") + "," + record("k" + std::to_string(i), std::to_string(i)));
    std::this_thread::sleep_for(milliseconds(1));
  }
  EXPECT_TRUE(eventually([&] { return keys->principal_of("99").has_value(); }));
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(0, unknown) << "of " << asked;
}

TEST_F(KeyStoreTest, AHundredThousandKeys) {
  std::string records;
  for (int i = 0; i < 100'000; ++i) records += (i == 0 ? "" : ",") + record("k" + std::to_string(i), std::to_string(i));
  write(records);
  const auto begin = std::chrono::steady_clock::now();
  const auto keys = store();
  const double load = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const auto asked = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) EXPECT_TRUE(keys->principal_of(std::to_string(i * 10)));
  const double ask = std::chrono::duration<double>(std::chrono::steady_clock::now() - asked).count() / 10'000;
  RecordProperty("load_seconds", std::to_string(load));
  RecordProperty("ask_microseconds", std::to_string(1e6 * ask));
  EXPECT_LT(load, 30);
  EXPECT_LT(ask, 1e-3);
}

}  // namespace
}  // namespace maru::platform
