#include "infer/scheduler.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "base/random.h"

namespace maru::infer {
namespace {

SchedulerLimits small() { return {.num_pages = 8, .page_tokens = 4, .step_tokens = 8, .max_running = 4}; }

/// Plans, commits, and samples one token for each sequence that reached its newest one.
std::vector<Chunk> step(Scheduler& scheduler) {
  const std::vector<Chunk> chunks = scheduler.plan();
  scheduler.commit(chunks);
  for (const Chunk& chunk : chunks)
    if (chunk.last) scheduler.append(chunk.id);
  return chunks;
}

TEST(PageAllocator, GivesEachPageOnce) {
  PageAllocator pages(4);
  std::vector<PageId> a, b;
  ASSERT_TRUE(pages.allocate(3, a));
  EXPECT_FALSE(pages.allocate(2, b));
  EXPECT_TRUE(b.empty());
  ASSERT_TRUE(pages.allocate(1, b));
  EXPECT_EQ(std::set<PageId>(a.begin(), a.end()).count(b[0]), 0u);
  pages.release(a);
  EXPECT_EQ(pages.num_free(), 3);
  std::vector<PageId> twice = b;
  pages.release(b);
  EXPECT_DEATH(pages.release(twice), testing::HasSubstr("CHECK"));
}

TEST(Scheduler, PrefillsInChunksThenDecodes) {
  Scheduler scheduler(small());
  scheduler.add(1, 19);
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
  scheduler.add(1, 2);
  step(scheduler);
  scheduler.add(2, 12);
  const auto chunks = step(scheduler);
  ASSERT_EQ(chunks.size(), 2u);
  EXPECT_EQ(chunks[0].id, 1);
  EXPECT_EQ(chunks[0].count, 1);
  EXPECT_EQ(chunks[1].count, 7);
}

TEST(Scheduler, TakesPagesFromTheYoungestAndComputesItAgain) {
  Scheduler scheduler(small());
  scheduler.add(1, 15);
  scheduler.add(2, 14);
  step(scheduler);
  while (scheduler.num_running() == 2) step(scheduler);
  EXPECT_EQ(scheduler.num_preemptions(), 1);
  EXPECT_EQ(scheduler.num_computed(2), 0);
  EXPECT_TRUE(scheduler.pages(2).empty());
  scheduler.remove(1);
  EXPECT_EQ(step(scheduler)[0].first, 0);
}

TEST(Scheduler, APausedSequenceComputesNothingAndGivesWayFirst) {
  Scheduler scheduler(small());
  scheduler.add(1, 14);
  scheduler.add(2, 15);
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
  scheduler.add(1, 20);
  step(scheduler);
  scheduler.add(2, 20);  // does not fit beside the first
  scheduler.add(3, 2);   // would
  step(scheduler);
  EXPECT_EQ(scheduler.num_running(), 1);
  scheduler.remove(1);
  step(scheduler);
  EXPECT_EQ(scheduler.num_running(), 2);
}

TEST(Scheduler, ReportsDeadlines) {
  Scheduler scheduler(small());
  scheduler.add(1, 4, 10.0);
  scheduler.add(2, 4);
  EXPECT_TRUE(scheduler.expired(10.0).empty());
  EXPECT_EQ(scheduler.expired(10.5), std::vector<SequenceId>{1});
}

TEST(Scheduler, RefusesABudgetThatCouldStall) {
  EXPECT_THROW(Scheduler({.num_pages = 1, .step_tokens = 4, .max_running = 4}), Failure);
}

/// Random arrivals, cancels and pauses, with too few pages for all: checks every invariant after every step.
class Simulation {
 public:
  explicit Simulation(uint64_t seed)
      : random_(seed),
        limits_{.num_pages = 4 + static_cast<int64_t>(random_.below(20)),
                .page_tokens = 1 + static_cast<int64_t>(random_.below(8)),
                .step_tokens = 7 + static_cast<int64_t>(random_.below(30)),
                .max_running = 1 + static_cast<int64_t>(random_.below(6))},
        scheduler_(limits_) {}

  void run(int steps) {
    for (int i = 0; i < steps; ++i) {
      disturb();
      advance();
      check_pages();
    }
    for (auto& [id, s] : live_) unpause(id, s);
    int64_t left = 0;
    for (auto& [id, s] : live_) left += s.wanted + 1;
    // Alone and one after the other, each would need at most this many steps.
    for (int64_t i = 0; i < left * scheduler_.max_sequence_tokens() && !live_.empty(); ++i) advance();
    EXPECT_TRUE(live_.empty()) << "sequences that never ended";
    EXPECT_EQ(scheduler_.allocator().num_used(), 0);
    EXPECT_GT(finished_, 0);
  }

 private:
  struct Live {
    int64_t known, wanted;  // wanted: known tokens at which it ends
    bool paused = false;
  };
  Random random_;
  SchedulerLimits limits_;
  Scheduler scheduler_;
  std::map<SequenceId, Live> live_;
  std::set<SequenceId> running_;
  SequenceId next_ = 0;
  int64_t finished_ = 0;

  bool chance(uint64_t one_in) { return random_.below(one_in) == 0; }
  void unpause(SequenceId id, Live& s) { scheduler_.pause(id, s.paused = false); }

  void disturb() {
    if (live_.size() < 12 && chance(3)) {
      const auto most = static_cast<uint64_t>(scheduler_.max_sequence_tokens());
      const auto known = static_cast<int64_t>(1 + random_.below(most));
      const auto wanted = known + static_cast<int64_t>(random_.below(most - static_cast<uint64_t>(known) + 1));
      scheduler_.add(next_, known);
      live_[next_++] = {known, wanted};
    }
    for (auto it = live_.begin(); it != live_.end();) {
      const auto here = it++;
      if (chance(20)) scheduler_.pause(here->first, here->second.paused = !here->second.paused);
      if (chance(60)) scheduler_.remove(here->first), live_.erase(here);
    }
  }

  void advance() {
    const std::vector<Chunk> chunks = scheduler_.plan();
    check_plan(chunks);
    scheduler_.commit(chunks);
    for (const Chunk& chunk : chunks) {
      if (!chunk.last) continue;
      Live& s = live_.at(chunk.id);
      if (s.known == s.wanted) {
        scheduler_.remove(chunk.id), live_.erase(chunk.id), ++finished_;
      } else {
        scheduler_.append(chunk.id), ++s.known;
      }
    }
  }

  void check_plan(const std::vector<Chunk>& chunks) {
    int64_t total = 0;
    std::set<SequenceId> once;
    for (const Chunk& chunk : chunks) {
      const Live& s = live_.at(chunk.id);
      total += chunk.count;
      ASSERT_TRUE(once.insert(chunk.id).second);
      ASSERT_FALSE(s.paused);
      ASSERT_EQ(chunk.first, scheduler_.num_computed(chunk.id));
      ASSERT_EQ(chunk.last, chunk.first + chunk.count == s.known);
      const auto held = static_cast<int64_t>(scheduler_.pages(chunk.id).size()) * limits_.page_tokens;
      ASSERT_GE(held, chunk.first + chunk.count);
    }
    ASSERT_LE(total, limits_.step_tokens);
    check_progress(chunks);
    check_fairness();
  }

  /// Whoever wants something, somebody gets something; and the oldest of those that run is never left out.
  void check_progress(const std::vector<Chunk>& chunks) {
    for (const auto& [id, s] : live_) {
      if (s.paused) continue;
      ASSERT_FALSE(chunks.empty());
      if (scheduler_.pages(id).empty()) continue;
      ASSERT_TRUE(std::any_of(chunks.begin(), chunks.end(), [&](const Chunk& chunk) { return chunk.id == id; }));
      return;
    }
  }

  /// Nobody is admitted past an earlier one that waits.
  void check_fairness() {
    bool somebody_waits = false;
    for (const auto& [id, s] : live_) {
      const bool runs = !scheduler_.pages(id).empty();
      ASSERT_FALSE(runs && !running_.contains(id) && somebody_waits);
      somebody_waits |= !runs && !s.paused;
    }
    running_.clear();
    for (const auto& [id, s] : live_)
      if (!scheduler_.pages(id).empty()) running_.insert(id);
  }

  void check_pages() {
    std::set<PageId> all;
    int64_t held = 0, running = 0;
    for (const auto& [id, s] : live_) {
      const auto& pages = scheduler_.pages(id);
      all.insert(pages.begin(), pages.end());
      held += static_cast<int64_t>(pages.size());
      running += !pages.empty();
    }
    ASSERT_EQ(static_cast<int64_t>(all.size()), held) << "a page shared by two sequences";
    ASSERT_EQ(scheduler_.allocator().num_used(), held) << "a page leaked";
    ASSERT_LE(running, limits_.max_running);
  }
};

TEST(Scheduler, SurvivesRandomLoad) {
  for (uint64_t seed = 0; seed < 60; ++seed) {
    SCOPED_TRACE(seed);
    Simulation(seed).run(600);
    if (HasFatalFailure() || HasNonfatalFailure()) return;
  }
}

}  // namespace
}  // namespace maru::infer
