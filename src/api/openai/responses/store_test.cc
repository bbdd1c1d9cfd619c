#include "api/openai/responses/store.h"

#include <gtest/gtest.h>

namespace maru::api::openai {
namespace {

using Clock = ResponseStore::Clock;

class StoreTest : public ::testing::Test {
 protected:
  Clock::time_point now_{};
  ResponseStore make(StoreLimits limits) {
    return ResponseStore(limits, [this] { return now_; });
  }
  static StoredResponse response(const std::string& tenant, const std::string& id, size_t bytes = 1000) {
    return {.id = id, .tenant = tenant, .body = std::string(bytes, 'x')};
  }
};

TEST_F(StoreTest, IsAskedByTenant) {
  ResponseStore store = make({.responses = 10, .bytes = 1 << 20, .seconds = 60});
  store.put(response("a", "r1"));
  ASSERT_NE(nullptr, store.find("a", "r1"));
  EXPECT_EQ(1000u, store.find("a", "r1")->body.size());
  EXPECT_EQ(nullptr, store.find("b", "r1")) << "another tenant";
  EXPECT_EQ(nullptr, store.find("", "r1"));
  EXPECT_FALSE(store.erase("b", "r1"));
  EXPECT_TRUE(store.erase("a", "r1"));
  EXPECT_FALSE(store.erase("a", "r1"));
  EXPECT_EQ(0, store.bytes());
}

TEST_F(StoreTest, LetsTheOldestGoBeyondTheNumber) {
  ResponseStore store = make({.responses = 3, .bytes = 1 << 20, .seconds = 60});
  for (const char* id : {"1", "2", "3", "4"}) store.put(response("a", id));
  EXPECT_EQ(3u, store.size());
  EXPECT_EQ(nullptr, store.find("a", "1"));
  EXPECT_NE(nullptr, store.find("a", "2"));
  store.put(response("a", "2", 2000));  // in place of what was there: the youngest now
  store.put(response("a", "5"));
  EXPECT_EQ(nullptr, store.find("a", "3"));
  EXPECT_EQ(2000u, store.find("a", "2")->body.size());
}

TEST_F(StoreTest, NeverHasMoreBytesThanItMay) {
  ResponseStore store = make({.responses = 1000, .bytes = 10'000, .seconds = 60});
  for (int i = 0; i < 500; ++i) {
    store.put(response("a", std::to_string(i), static_cast<size_t>(i * 37 % 4000)));
    ASSERT_LE(store.bytes(), 10'000);
    ASSERT_NE(nullptr, store.find("a", std::to_string(i)));
  }
  store.put(response("a", "large", 20'000));
  EXPECT_EQ(nullptr, store.find("a", "large")) << "larger than all there is";
  EXPECT_GT(store.size(), 0u) << "and it pushed nobody out";
}

TEST_F(StoreTest, ATenantPushesOutItsOwn) {
  ResponseStore store = make({.responses = 10, .bytes = 1 << 20, .seconds = 60});
  store.put(response("quiet", "mine"));
  for (int i = 0; i < 200; ++i) store.put(response("loud", std::to_string(i)));
  EXPECT_EQ(10u, store.size());
  EXPECT_NE(nullptr, store.find("quiet", "mine"));
}

TEST_F(StoreTest, ForgetsWhatIsOld) {
  ResponseStore store = make({.responses = 10, .bytes = 1 << 20, .seconds = 60});
  store.put(response("a", "1"));
  now_ += std::chrono::seconds(50);
  store.put(response("a", "2"));
  EXPECT_NE(nullptr, store.find("a", "1"));
  now_ += std::chrono::seconds(20);
  EXPECT_EQ(nullptr, store.find("a", "1"));
  EXPECT_NE(nullptr, store.find("a", "2"));
  EXPECT_EQ(1u, store.size());
}

TEST_F(StoreTest, KeepsNothingWhereItIsOff) {
  ResponseStore store = make({.responses = 0, .bytes = 1 << 20, .seconds = 60});
  EXPECT_TRUE(store.is_off());
  store.put(response("a", "1"));
  EXPECT_EQ(0u, store.size());
}

}  // namespace
}  // namespace maru::api::openai
