#include "base/queue.h"

#include <gtest/gtest.h>

#include <memory>
#include <thread>

namespace maru {
namespace {

TEST(BoundedQueue, FullMeansNo) {
  BoundedQueue<std::unique_ptr<int>> queue(1);
  auto a = std::make_unique<int>(1), b = std::make_unique<int>(2);
  EXPECT_TRUE(queue.try_push(a));
  EXPECT_FALSE(queue.try_push(b));
  EXPECT_EQ(2, *b) << "a refused value stays with its owner";
  EXPECT_EQ(1, **queue.try_pop());
}

TEST(BoundedQueue, CloseWakesConsumersAndKeepsItems) {
  BoundedQueue<int> queue(8);
  int one = 1;
  queue.try_push(one);
  queue.close();
  EXPECT_FALSE(queue.try_push(one));
  EXPECT_EQ(1, queue.pop_for(std::chrono::seconds(10)));
  EXPECT_EQ(std::nullopt, queue.pop_for(std::chrono::seconds(10)));
}

TEST(BoundedQueue, PassesEverythingBetweenThreads) {
  BoundedQueue<int> queue(16);
  std::jthread producer([&] {
    for (int i = 0; i < 5000;) {
      int value = i;
      if (queue.try_push(value)) ++i;
    }
    queue.close();
  });
  for (int i = 0; i < 5000; ++i) ASSERT_EQ(i, queue.pop_for(std::chrono::seconds(10)));
}

}  // namespace
}  // namespace maru
