#include "infer/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <numeric>

#include "base/error.h"

namespace maru::infer {
namespace {

SchedulerLimits small() { return {.num_pages = 8, .page_tokens = 4, .step_tokens = 8, .max_running = 4}; }

std::vector<int32_t> numbers(int64_t count, int32_t first = 0) {
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  std::iota(tokens.begin(), tokens.end(), first);
  return tokens;
}

/// Tokens that no other call gives.
Arrival of(int64_t count) {
  static int32_t next = 0;
  return {.tokens = numbers(count, next += 1000000)};
}

/// Plans, commits, and samples one token for each sequence that reached its newest one.
std::vector<Chunk> step(Scheduler& scheduler) {
  const std::vector<Chunk> chunks = scheduler.plan();
  scheduler.commit(chunks);
  for (const Chunk& chunk : chunks)
    if (chunk.last) scheduler.append(chunk.id, static_cast<int32_t>(1000 * chunk.id + chunk.first));
  return chunks;
}

TEST(Scheduler, PrefillsInChunksThenDecodes) {
  Scheduler scheduler(small());
  scheduler.add(1, of(19));
  EXPECT_EQ(step(scheduler)[0].count, 8);
  EXPECT_EQ(scheduler.pages(1).size(), 5u);
  EXPECT_EQ(step(scheduler)[0].count, 8);
  const auto third = step(scheduler);
  EXPECT_EQ(third[0].first, 16);
  EXPECT_EQ(third[0].count, 3);
  EXPECT_TRUE(third[0].last);
  const auto decode = step(scheduler);
  EXPECT_EQ(decode[0].first, 19);
  EXPECT_EQ(decode[0].count, 1);
}

TEST(Scheduler, DecodesFirstAndPrefillsWithTheRest) {
  Scheduler scheduler(small());
  scheduler.add(1, of(2));
  step(scheduler);
  scheduler.add(2, of(12));
  const auto chunks = step(scheduler);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].id, 1);
  EXPECT_EQ(chunks[0].count, 1);
  EXPECT_EQ(chunks[1].count, 7);
}

TEST(Scheduler, TakesPagesFromTheYoungestAndComputesItAgain) {
  Scheduler scheduler(small());
  scheduler.add(1, of(15));
  scheduler.add(2, of(14));
  step(scheduler);
  while (scheduler.num_running() == 2) step(scheduler);
  EXPECT_EQ(scheduler.num_preemptions(), 1);
  EXPECT_EQ(scheduler.num_computed(2), 0);
  EXPECT_TRUE(scheduler.pages(2).empty());
  scheduler.remove(1);
  EXPECT_EQ(step(scheduler)[0].first, 8) << "two of its pages nobody else has needed";
}

TEST(Scheduler, APausedSequenceComputesNothingAndGivesWayFirst) {
  Scheduler scheduler(small());
  scheduler.add(1, of(14));
  scheduler.add(2, of(15));
  for (int i = 0; i < 4; ++i) step(scheduler);
  scheduler.pause(1, true);
  while (scheduler.num_running() == 2)
    for (const Chunk& chunk : step(scheduler)) EXPECT_EQ(chunk.id, 2);
  EXPECT_TRUE(scheduler.pages(1).empty());
  scheduler.remove(2);
  EXPECT_TRUE(scheduler.plan().empty());
  scheduler.pause(1, false);
  EXPECT_FALSE(scheduler.plan().empty());
}

TEST(Scheduler, AdmitsInOrderOfArrival) {
  Scheduler scheduler(small());
  scheduler.add(1, of(20));
  step(scheduler);
  scheduler.add(2, of(20));  // does not fit beside the first
  scheduler.add(3, of(2));   // would
  step(scheduler);
  EXPECT_EQ(scheduler.num_running(), 1);
  scheduler.remove(1);
  step(scheduler);
  EXPECT_EQ(scheduler.num_running(), 2);
}

TEST(Scheduler, ReportsDeadlines) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(4), .deadline = 10.0});
  scheduler.add(2, of(4));
  EXPECT_TRUE(scheduler.expired(10.0).empty());
  EXPECT_EQ(scheduler.expired(10.5), std::vector<SequenceId>{1});
}

TEST(Scheduler, RefusesABudgetThatCouldStall) {
  EXPECT_THROW(Scheduler({.num_pages = 1, .step_tokens = 4, .max_running = 4}), Failure);
}

TEST(Scheduler, BeginsWithPagesThatOthersComputed) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(9)});
  for (int i = 0; i < 2; ++i) step(scheduler);
  scheduler.add(2, {.tokens = numbers(10)});
  const std::vector<Chunk> chunks = scheduler.plan();
  ASSERT_EQ(2u, chunks.size());
  EXPECT_EQ(8, chunks[1].first) << "two pages of four are known";
  EXPECT_EQ(8, scheduler.num_reused(2));
  EXPECT_EQ(scheduler.pages(1)[1], scheduler.pages(2)[1]);
  EXPECT_NE(scheduler.pages(1)[2], scheduler.pages(2)[2]) << "what is written on is nobody else's";
}

TEST(Scheduler, KeepsWhatEndedForTheNext) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(8)});
  step(scheduler);
  scheduler.remove(1);
  EXPECT_EQ(0, scheduler.pool().num_held());
  scheduler.add(2, {.tokens = numbers(8)});
  EXPECT_EQ(4, scheduler.plan()[0].first) << "the newest token is computed for its logits, with its page";
}

TEST(Scheduler, SharesNothingAcrossSalts) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(8), .salt = 1});
  step(scheduler);
  scheduler.add(2, {.tokens = numbers(8), .salt = 2});
  scheduler.add(3, {.tokens = numbers(8), .salt = 1, .compute_all = true});
  scheduler.plan();
  EXPECT_EQ(0, scheduler.num_reused(2));
  EXPECT_EQ(0, scheduler.num_reused(3));
}

TEST(Scheduler, AFollowerWaitsForItsLeader) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(13)});
  scheduler.add(2, {.tokens = numbers(13)});
  EXPECT_EQ(1u, step(scheduler).size());
  EXPECT_EQ(1u, step(scheduler).size()) << "8 of the 12 tokens that they share are computed";
  const std::vector<Chunk> chunks = step(scheduler);
  ASSERT_EQ(2u, chunks.size());
  EXPECT_EQ(12, chunks[1].first);
}

TEST(Scheduler, AFollowerTakesOverWhoseLeaderIsGone) {
  for (const char* how : {"removed", "paused"}) {
    Scheduler scheduler(small());
    scheduler.add(1, {.tokens = numbers(13)});
    scheduler.add(2, {.tokens = numbers(13)});
    step(scheduler);
    EXPECT_TRUE(scheduler.pages(2).empty());
    if (how == std::string("paused"))
      scheduler.pause(1, true);
    else
      scheduler.remove(1);
    const std::vector<Chunk> chunks = step(scheduler);
    ASSERT_EQ(1u, chunks.size()) << how;
    EXPECT_EQ(2, chunks[0].id);
    EXPECT_EQ(8, chunks[0].first) << how;
  }
}

TEST(Scheduler, FollowsOnlyWhatIsSharedAndComputesTheRest) {
  Scheduler scheduler({.num_pages = 32, .page_tokens = 4, .step_tokens = 8, .max_running = 4});
  scheduler.add(1, {.tokens = numbers(40)});
  std::vector<int32_t> tokens = numbers(6);
  tokens.insert(tokens.end(), 6, 99);
  scheduler.add(2, {.tokens = tokens});
  EXPECT_EQ(1u, step(scheduler).size());
  step(scheduler);
  EXPECT_EQ(4, scheduler.num_reused(2)) << "one page is alike, and was computed by the first step";
}

TEST(Scheduler, FollowsWhoSharesMost) {
  Scheduler scheduler({.num_pages = 32, .page_tokens = 4, .step_tokens = 8, .max_running = 4});
  scheduler.add(1, {.tokens = numbers(40), .priority = 1});
  step(scheduler);
  std::vector<int32_t> little = numbers(12);
  little.insert(little.end(), 4, 99);
  scheduler.add(2, {.tokens = little, .compute_all = true});
  scheduler.add(3, {.tokens = numbers(40)});
  for (int i = 0; i < 8; ++i) step(scheduler);
  EXPECT_EQ(36, scheduler.num_reused(3));
}

TEST(Scheduler, OthersAreAdmittedPastAFollower) {
  Scheduler scheduler(small());
  scheduler.add(1, {.tokens = numbers(6)});
  scheduler.add(2, {.tokens = numbers(6)});
  scheduler.add(3, of(2));
  const std::vector<Chunk> chunks = step(scheduler);
  ASSERT_EQ(2u, chunks.size());
  EXPECT_EQ(1, chunks[0].id);
  EXPECT_EQ(3, chunks[1].id);
}

TEST(Scheduler, AFollowerLendsItsTurnToItsLeader) {
  Scheduler scheduler({.num_pages = 32, .page_tokens = 4, .step_tokens = 8, .max_running = 4});
  scheduler.add(1, {.tokens = numbers(24, 500), .priority = 1});
  scheduler.add(2, {.tokens = numbers(20), .priority = 2});
  EXPECT_EQ(1, step(scheduler)[0].id);
  scheduler.add(3, {.tokens = numbers(20), .priority = 0});
  EXPECT_EQ(2, step(scheduler)[0].id) << "else the most urgent one waits for the least urgent";
  EXPECT_TRUE(scheduler.pages(3).empty());
}

TEST(Scheduler, NobodyFollowsAnotherSaltOrWithoutACache) {
  const auto following = [](Arrival first, Arrival second, bool cache = true) {
    Scheduler scheduler({.num_pages = 16, .page_tokens = 4, .step_tokens = 8, .max_running = 4, .prefix_cache = cache});
    scheduler.add(1, std::move(first));
    scheduler.plan();
    scheduler.add(2, std::move(second));
    scheduler.plan();
    return scheduler.pages(2).empty();
  };
  EXPECT_TRUE(following({.tokens = numbers(13)}, {.tokens = numbers(13)}));
  EXPECT_TRUE(following({.tokens = numbers(13), .tenant = "a"}, {.tokens = numbers(13), .tenant = "b"}));
  EXPECT_FALSE(following({.tokens = numbers(13), .salt = 1}, {.tokens = numbers(13), .salt = 2}));
  EXPECT_FALSE(following({.tokens = numbers(13)}, {.tokens = numbers(13), .compute_all = true}));
  EXPECT_FALSE(following({.tokens = numbers(13)}, {.tokens = numbers(13)}, false));
  EXPECT_FALSE(following({.tokens = numbers(4)}, {.tokens = numbers(4)})) << "the newest token is each one's own";
}

TEST(Scheduler, TenantsTakeTurns) {
  Scheduler scheduler({.num_pages = 8, .page_tokens = 4, .step_tokens = 8, .max_running = 1});
  SequenceId id = 0;
  for (const char* tenant : {"many", "many", "many", "few"}) {
    Arrival arrival = of(4);
    arrival.tenant = tenant;
    scheduler.add(++id, std::move(arrival));
  }
  std::vector<SequenceId> order;
  for (; scheduler.contains(1) || scheduler.contains(2) || scheduler.contains(3) || scheduler.contains(4);) {
    order.push_back(step(scheduler)[0].id);
    scheduler.remove(order.back());
  }
  EXPECT_EQ((std::vector<SequenceId>{4, 1, 2, 3}), order) << "equal counters go by name";
}

TEST(Scheduler, ATenantsPrioritiesAreItsOwn) {
  Scheduler scheduler({.num_pages = 8, .page_tokens = 4, .step_tokens = 8, .max_running = 1});
  const std::tuple<const char*, int64_t> kArrivals[] = {{"a", 0}, {"a", 5}, {"a", -1}, {"b", 9}};
  SequenceId id = 0;
  for (const auto& [tenant, priority] : kArrivals) {
    Arrival arrival = of(4);
    arrival.tenant = tenant;
    arrival.priority = priority;
    scheduler.add(++id, std::move(arrival));
  }
  std::vector<SequenceId> order;
  for (int i = 0; i < 4; ++i) scheduler.remove(order.emplace_back(step(scheduler)[0].id));
  EXPECT_EQ((std::vector<SequenceId>{3, 4, 1, 2}), order);
}

TEST(Scheduler, DraftsFillPagesThatAreHeldAnyway) {
  Scheduler scheduler(small());
  scheduler.add(1, of(5));
  step(scheduler);
  scheduler.propose(1, 4);
  const Chunk chunk = scheduler.plan()[0];
  EXPECT_EQ(1, chunk.count);
  EXPECT_EQ(2, chunk.drafts) << "tokens 6 and 7 of a page that ends with 7";
  scheduler.commit(std::span(&chunk, 1));
  scheduler.append(1, 7, true);
  scheduler.append(1, 8);
  EXPECT_EQ(7, scheduler.num_computed(1));
  EXPECT_EQ(8u, scheduler.tokens(1).size());
  EXPECT_EQ(0, scheduler.plan()[0].drafts) << "a proposal is for one plan";
}

}  // namespace
}  // namespace maru::infer
