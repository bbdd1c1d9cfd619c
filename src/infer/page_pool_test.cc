#include "infer/page_pool.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>

namespace maru::infer {
namespace {

using Tokens = std::vector<int32_t>;

class PagePoolTest : public testing::Test {
 protected:
  PagePool pool_{4, 2};

  /// The pages of `tokens`, computed and known.
  std::vector<PageId> pages_of(const Tokens& tokens, uint64_t salt = 0) {
    std::vector<PageId> pages;
    const auto most = std::ssize(tokens) / 2;
    PagePool::Prefix prefix = pool_.hold_prefix(salt, tokens, most, pages);
    const size_t known = pages.size();
    EXPECT_TRUE(pool_.allocate(most - std::ssize(pages), pages));
    for (size_t i = known; i < pages.size(); ++i) pool_.know(prefix, std::span(tokens).subspan(2 * i, 2), pages[i]);
    return pages;
  }
  int64_t num_found(const Tokens& tokens, uint64_t salt = 0) {
    std::vector<PageId> pages;
    pool_.hold_prefix(salt, tokens, 9, pages);
    const int64_t count = std::ssize(pages);
    pool_.release(pages);
    return count;
  }
};

TEST_F(PagePoolTest, GivesEachPageOnce) {
  std::vector<PageId> a, b;
  ASSERT_TRUE(pool_.allocate(3, a));
  EXPECT_FALSE(pool_.allocate(2, b));
  EXPECT_TRUE(b.empty());
  ASSERT_TRUE(pool_.allocate(1, b));
  EXPECT_EQ(0u, std::set<PageId>(a.begin(), a.end()).count(b[0]));
  pool_.release(a);
  EXPECT_EQ(3, pool_.num_available());
  std::vector<PageId> twice = b;
  pool_.release(b);
  EXPECT_DEATH(pool_.release(twice), testing::HasSubstr("CHECK"));
}

TEST_F(PagePoolTest, FindsTheLongestKnownBeginning) {
  std::vector<PageId> pages = pages_of({1, 2, 3, 4});
  EXPECT_EQ(2, num_found({1, 2, 3, 4, 5, 6}));
  EXPECT_EQ(1, num_found({1, 2, 3, 5}));
  EXPECT_EQ(1, num_found({1, 2, 3}));
  EXPECT_EQ(0, num_found({2, 2, 3, 4}));
  EXPECT_EQ(0, num_found({3, 4})) << "known as the second page only";
  EXPECT_EQ(0, num_found({1, 2, 3, 4}, 1)) << "of another salt";
  pool_.release(pages);
  EXPECT_EQ(2, num_found({1, 2, 3, 4})) << "it stays while there is room";
}

TEST_F(PagePoolTest, ExchangesAPageThatSomebodyElseFilledBefore) {
  std::vector<PageId> first = pages_of({1, 2}), second;
  ASSERT_TRUE(pool_.allocate(1, second));
  const PageId own = second[0];
  PagePool::Prefix prefix;
  pool_.know(prefix, Tokens{1, 2}, second[0]);
  EXPECT_EQ(first, second);
  EXPECT_EQ(2, pool_.holders(first[0]));
  EXPECT_EQ(0, pool_.holders(own));
  pool_.release(first);
  EXPECT_EQ(1, pool_.num_held());
}

TEST_F(PagePoolTest, TheLongestIdleGoesFirstAndEndsBeforeBeginnings) {
  std::vector<PageId> old = pages_of({1, 2, 3, 4}), recent = pages_of({5, 6, 7, 8}), wanted;
  pool_.release(old);
  pool_.release(recent);
  EXPECT_EQ(4, pool_.num_available());
  ASSERT_TRUE(pool_.allocate(1, wanted));
  EXPECT_EQ(1, num_found({1, 2, 3, 4})) << "its beginning may still serve another";
  EXPECT_EQ(2, num_found({5, 6, 7, 8}));
  pool_.release(wanted);
  std::vector<PageId> used = pages_of({1, 2});  // the older beginning is used again
  pool_.release(used);
  ASSERT_TRUE(pool_.allocate(3, wanted));
  EXPECT_EQ(1, num_found({1, 2}));
  EXPECT_EQ(0, num_found({5, 6}));
}

TEST_F(PagePoolTest, WhatIsHeldNeverGoes) {
  std::vector<PageId> held = pages_of({1, 2, 3, 4}), rest;
  EXPECT_FALSE(pool_.allocate(3, rest));
  ASSERT_TRUE(pool_.allocate(2, rest));
  EXPECT_EQ(2, num_found({1, 2, 3, 4}));
  EXPECT_EQ(2, pool_.num_known());
}

}  // namespace
}  // namespace maru::infer
