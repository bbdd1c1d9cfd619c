#include "platform/home_keys.h"

#include <gmock/gmock.h>

#include <atomic>
#include <thread>

#include "platform/keys.h"
#include "platform/members.h"
#include "platform/test_tenants.h"
#include "platform/workspaces.h"

namespace maru::platform {
namespace {

using std::chrono::milliseconds;
using std::chrono::system_clock;
using testing::ElementsAre;

class HomeKeysTest : public TenantsTest {
 protected:
  template <class F>
  static bool soon(F f) {
    for (int i = 0; i < 1000; ++i) {
      if (f()) return true;
      std::this_thread::sleep_for(milliseconds(5));
    }
    return false;
  }
  std::string make(const std::string& name, std::vector<std::string> scopes = {"read"}) {
    return Keys(home_).create("local", {.name = name, .scopes = std::move(scopes)}, operator_).key;
  }
  std::atomic<system_clock::time_point> now_ = system_clock::now();
  HomeKeys keys_{home_, {}, [this] { return now_.load(); }, milliseconds(5)};
};

TEST_F(HomeKeysTest, AreAskedForFromTheFirstOneOn) {
  EXPECT_FALSE(keys_.has_keys());
  EXPECT_FALSE(fs::exists(root_)) << "who only looks makes nothing";
  const std::string key = make("k", {"read", "inference"});
  EXPECT_TRUE(soon([&] { return keys_.has_keys(); }));
  const auto principal = keys_.principal_of(key);
  ASSERT_TRUE(principal);
  EXPECT_EQ("local", principal->tenant);
  EXPECT_EQ("key local/k", principal->key);
  EXPECT_THAT(principal->scopes, ElementsAre("read", "inference"));
  for (const std::string& none : {std::string(), key + "0", key.substr(1), std::string(10'000, 'x'), key.substr(5)})
    EXPECT_FALSE(keys_.principal_of(none));
  Keys(home_).revoke("local", "k", operator_);
  EXPECT_TRUE(soon([&] { return !keys_.principal_of(key); }));
  EXPECT_TRUE(keys_.has_keys()) << "a server that was closed is not opened by its last key's end";
  EXPECT_TRUE(HomeKeys(home_).has_keys());
}

TEST_F(HomeKeysTest, FollowTheirMembersRole) {
  const std::string key = make("k", {"read", "inference", "manage"});
  keys_.renew();
  Members(home_).set("local", "service", "k", "viewer", operator_);
  keys_.renew();
  EXPECT_THAT(keys_.principal_of(key)->scopes, ElementsAre("read", "manage"));
  Members(home_).set("local", "service", "k", "admin", operator_);
  keys_.renew();
  EXPECT_THAT(keys_.principal_of(key)->scopes, ElementsAre("read", "inference", "manage")) << "never more than given";
  Members(home_).remove("local", "service", "k", operator_);
  keys_.renew();
  EXPECT_FALSE(keys_.principal_of(key));
  Members(home_).set("local", "service", "k", "admin", operator_);
  keys_.renew();
  EXPECT_FALSE(keys_.principal_of(key)) << "who comes again gets new keys";
}

TEST_F(HomeKeysTest, EndWithTheirTimeAndWithTheirWorkspace) {
  Workspaces(home_).create("lab", "", "me");
  const std::string of_lab = Keys(home_).create("lab", {.name = "k"}, operator_).key;
  const std::string old = make("k");
  const std::string next = Keys(home_).rotate("local", "k", std::chrono::hours(1), operator_).key;
  keys_.renew();
  for (const std::string* key : {&of_lab, &old, &next}) EXPECT_TRUE(keys_.principal_of(*key));
  EXPECT_EQ(keys_.principal_of(old)->key, keys_.principal_of(next)->key) << "both count as one";
  now_ = now_.load() + std::chrono::minutes(61);
  EXPECT_FALSE(keys_.principal_of(old));
  EXPECT_TRUE(keys_.principal_of(next));
  now_ = now_.load() + std::chrono::hours(24 * 365 * 50);
  EXPECT_TRUE(keys_.principal_of(next)) << "a clock that jumps ends none that has no end";
  Workspaces(home_).remove("lab", "me");
  Workspaces(home_).create("lab", "", "me");
  keys_.renew();
  EXPECT_FALSE(keys_.principal_of(of_lab)) << "also when there is another workspace of that name";
}

TEST_F(HomeKeysTest, TheirLastUseIsADay) {
  const std::string key = make("k");
  const auto last_used = [&] { return Keys(home_).list("local", "", 1).at(0).last_used; };
  keys_.renew();
  EXPECT_EQ("", last_used());
  now_ = system_clock::time_point(std::chrono::hours(24 * 21'000));
  EXPECT_TRUE(keys_.principal_of(key));
  EXPECT_TRUE(soon([&] { return last_used() == "2027-07-01"; })) << last_used();
  now_ = now_.load() - std::chrono::hours(24 * 10);
  EXPECT_TRUE(keys_.principal_of(key));
  std::this_thread::sleep_for(milliseconds(100));
  EXPECT_EQ("2027-07-01", last_used()) << "a clock that is put back changes nothing";
}

TEST_F(HomeKeysTest, AnotherProcessRevokesWithinASecond) {
  const std::string key = make("k");
  keys_.renew();
  EXPECT_TRUE(keys_.principal_of(key));
  HomeDatabase other(root_ / "platform");  // a process has connections of its own
  Keys(other).revoke("local", "k", operator_);
  EXPECT_TRUE(soon([&] { return !keys_.principal_of(key); }));
  EXPECT_LE(HomeKeys::kPeriod, milliseconds(500));
}

// 100,000 keys: what is asked does not depend on how many there are, nor on whether one is known.
TEST_F(HomeKeysTest, ManyAreFoundAsQuicklyAsFew) {
  const std::string key = make("k");
  home_.write([](Connection& c) {
    c.execute(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) "
        "INSERT INTO keys SELECT 'id' || i, i + 1, printf('%064d', i), 'local', 'many' || i, '', 'service', 'k', "
        "'maru-', '[\"read\"]', '[]', 1.0, 0, 0, 0, '', '', '', '', '', 1 FROM n;");
  });
  const auto begin = std::chrono::steady_clock::now();
  keys_.renew();
  const std::chrono::duration<double> load = std::chrono::steady_clock::now() - begin;
  const auto asked = std::chrono::steady_clock::now();
  for (int i = 0; i < 10'000; ++i) {
    ASSERT_TRUE(keys_.principal_of(key));
    ASSERT_FALSE(keys_.principal_of("maru-" + std::to_string(i)));
  }
  const std::chrono::duration<double> ask = std::chrono::steady_clock::now() - asked;
  RecordProperty("load_seconds", std::to_string(load.count()));
  RecordProperty("ask_microseconds", std::to_string(1e6 * ask.count() / 20'000));
  EXPECT_LT(load.count(), 30);
  EXPECT_LT(ask.count() / 20'000, 1e-3);
}

}  // namespace
}  // namespace maru::platform
