#include "data/hash_set.h"

#include <gtest/gtest.h>

#include <unordered_set>

#include "base/random.h"

namespace maru::data {
namespace {

TEST(HashSet, SaysWhatASetSays) {
  Random random(1);
  HashSet<uint64_t> set;
  std::unordered_set<uint64_t> model;
  for (int i = 0; i < 200'000; ++i) {
    // Few of one byte, so that keys meet and tables wrap around; among them 0, which is no empty slot.
    const uint64_t key = random.below(2) == 0 ? random.below(40) << 56 : random.next() >> (random.below(2) * 50);
    EXPECT_EQ(model.contains(key), set.contains(key));
    EXPECT_EQ(model.insert(key).second, set.insert(key));
  }
  EXPECT_TRUE(set.contains(0));
}

TEST(HashSet, AllOf128BitsCount) {
  HashSet<Hash128> set;
  EXPECT_TRUE(set.insert({1, 2}));
  EXPECT_TRUE(set.insert({1, 3}));
  EXPECT_TRUE(set.insert({0, 2}));
  EXPECT_FALSE(set.insert({1, 2}));
  EXPECT_FALSE(set.contains({1, 4}));
}

}  // namespace
}  // namespace maru::data
