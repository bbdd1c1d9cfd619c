#include "infer/fair_queue.h"

#include <gtest/gtest.h>

namespace maru::infer {
namespace {

void come(FairQueue& queue, const char* tenant) {
  queue.enter(tenant);
  queue.wait(tenant);
}

TEST(FairQueue, CountsWhatWasGiven) {
  FairQueue queue;
  come(queue, "a");
  queue.serve("a", 3);
  queue.serve("a", 0.5);
  EXPECT_EQ(3.5, queue.served("a"));
}

TEST(FairQueue, WhoComesDoesNotClaimWhatIsPast) {
  FairQueue queue;
  come(queue, "a");
  come(queue, "b");
  queue.serve("a", 100);
  queue.serve("b", 70);
  come(queue, "c");
  EXPECT_EQ(70, queue.served("c"));
  queue.stop_waiting("b");  // it runs, a little
  queue.serve("b", 1);
  queue.serve("a", 100);
  queue.wait("b");
  EXPECT_EQ(71, queue.served("b")) << "c, who waits, has less";
  queue.serve("c", 500);
  queue.stop_waiting("b");
  queue.wait("b");
  EXPECT_EQ(200, queue.served("b")) << "a, the least that waits";
}

TEST(FairQueue, WhereNobodyWaitsTheLastOneIsTheMeasure) {
  FairQueue queue;
  come(queue, "a");
  queue.stop_waiting("a");
  queue.serve("a", 40);  // while it runs
  come(queue, "b");
  EXPECT_EQ(40, queue.served("b"));
}

TEST(FairQueue, WhoIsAheadCannotGetRidOfItByLeaving) {
  FairQueue queue;
  come(queue, "a");
  come(queue, "b");
  queue.serve("a", 100);
  queue.stop_waiting("a");
  queue.leave("a");
  come(queue, "a");
  EXPECT_EQ(100, queue.served("a"));
}

TEST(FairQueue, ForgetsWhoIsNotAhead) {
  FairQueue queue;
  come(queue, "stays");
  for (int i = 0; i < 100; ++i) {
    const std::string tenant = "guest " + std::to_string(i);
    come(queue, tenant.c_str());
    queue.serve(tenant, 1);
    queue.serve("stays", 5);
    queue.stop_waiting(tenant);
    queue.leave(tenant);
  }
  EXPECT_LE(queue.num_tenants(), 2);
}

}  // namespace
}  // namespace maru::infer
