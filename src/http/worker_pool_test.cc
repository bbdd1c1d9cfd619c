#include "http/worker_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <functional>
#include <iterator>
#include <mutex>

#include "base/file.h"
#include "http/test_client.h"

namespace maru::http {
namespace {

class Call : public WorkerPool::Job {
 public:
  explicit Call(std::function<void()> f) : f_(std::move(f)) {}
  void run() override { f_(); }

 private:
  std::function<void()> f_;
};

/// A pool of one worker that is busy until it is released.
struct BusyPool {
  explicit BusyPool(int64_t max_waiting) : pool(1, max_waiting) {
    EXPECT_TRUE(pool.try_push(std::make_shared<Call>([this] {
      begun = true;
      while (!released) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    })));
    EXPECT_TRUE(eventually([&] { return begun.load(); }));
  }
  std::atomic<bool> begun{false}, released{false};
  WorkerPool pool;
};

TEST(WorkerPool, RefusesWhatIsTooMuchAtOnce) {
  BusyPool busy(2);
  std::atomic<int> ran{0};
  const auto count = [&] { return std::make_shared<Call>([&] { ++ran; }); };
  EXPECT_TRUE(busy.pool.try_push(count()));
  EXPECT_TRUE(busy.pool.try_push(count()));
  EXPECT_FALSE(busy.pool.try_push(count()));
  busy.pool.push(count());  // the rest of something admitted
  EXPECT_EQ(busy.pool.waiting(), 3);
  busy.released = true;
  EXPECT_TRUE(eventually([&] { return ran == 3; }));
}

TEST(WorkerPool, FinishesBeforeItBegins) {
  BusyPool busy(2);
  std::mutex mutex;
  std::string order;
  const auto note = [&](char c) {
    return std::make_shared<Call>([&, c] {
      std::lock_guard lock(mutex);
      order += c;
    });
  };
  busy.pool.try_push(note('b'));
  busy.pool.try_push(note('c'));
  busy.pool.push(note('a'));
  busy.released = true;
  EXPECT_TRUE(eventually([&] {
    std::lock_guard lock(mutex);
    return order == "abc";
  }));
}

TEST(WorkerPool, ForgetsWhatNobodyWaitsFor) {
  BusyPool busy(1);
  std::atomic<int> ran{0};
  const auto job = std::make_shared<Call>([&] { ++ran; });
  EXPECT_TRUE(busy.pool.try_push(job));
  busy.pool.remove(job.get());
  EXPECT_TRUE(busy.pool.try_push(std::make_shared<Call>([&] { ran += 10; }))) << "its place is free again";
  busy.released = true;
  EXPECT_TRUE(eventually([&] { return ran == 10; }));
}

TEST(WorkerPool, DropsWhatWaitsWhenItEnds) {
  std::atomic<int> ran{0};
  std::thread release;
  {
    BusyPool busy(4);
    for (int i = 0; i < 4; ++i) busy.pool.try_push(std::make_shared<Call>([&] { ++ran; }));
    release = std::thread([&] {
      EXPECT_TRUE(eventually([&] { return busy.pool.waiting() == 0; }));
      busy.released = true;
    });
    // The pool ends: it waits for what runs alone.
  }
  release.join();
  EXPECT_EQ(ran, 0);
}

TEST(WorkerPool, AnotherWorksInPlaceOfOneThatWaitsForLong) {
  std::atomic<bool> waits{false}, stop{false};
  std::atomic<int> ran{0}, at_once{0}, most{0};
  WorkerPool pool(1, 100);
  const auto wait = [&] {
    const LongWait here(&pool);
    waits = true;
    while (!stop) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  };
  const auto work = [&] {
    const int now = ++at_once;
    most = std::max(most.load(), now);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
    --at_once;
    ++ran;
  };
  for (int i = 0; i < 5; ++i) pool.try_push(std::make_shared<Call>(wait));
  for (int i = 0; i < 20; ++i) pool.try_push(std::make_shared<Call>(work));
  EXPECT_TRUE(eventually([&] { return ran == 20; })) << "five wait, and the rest is done";
  EXPECT_TRUE(waits);
  stop = true;
  for (int i = 0; i < 20; ++i) pool.try_push(std::make_shared<Call>(work));
  EXPECT_TRUE(eventually([&] { return ran == 40; }));
  EXPECT_EQ(1, most) << "no more at once than without them";
  { const LongWait of_no_pool(nullptr); }
}

TEST(WorkerPool, WhoStoodInGoesWhenThereIsNothingToDo) {
  const auto threads = [] {
    return std::distance(fs::directory_iterator("/proc/self/task"), fs::directory_iterator());
  };
  std::atomic<int> rounds_over{0}, waiting{0}, done{0}, met{0};
  WorkerPool pool(2, 100);
  const auto before = threads();
  for (int round = 1; round <= 3; ++round) {
    for (int i = 0; i < 6; ++i)
      pool.try_push(std::make_shared<Call>([&, round] {
        {
          const LongWait here(&pool);
          ++waiting;
          while (rounds_over < round) std::this_thread::sleep_for(std::chrono::milliseconds(1));
        }
        ++done;
      }));
    EXPECT_TRUE(eventually([&] { return waiting == 6 * round; }));
    EXPECT_GE(threads(), before + 4);
    rounds_over = round;
    EXPECT_TRUE(eventually([&] { return done == 6 * round && threads() == before; })) << threads() - before << " more";
  }
  for (int i = 0; i < 2; ++i)  // and two still work at once
    pool.try_push(std::make_shared<Call>([&] {
      ++met;
      EXPECT_TRUE(eventually([&] { return met >= 2; }));
      ++done;
    }));
  EXPECT_TRUE(eventually([&] { return done == 20; }));
}

}  // namespace
}  // namespace maru::http
