#include "api/end_of_process.h"

#include <gtest/gtest.h>

#include <atomic>
#include <cstdio>
#include <functional>
#include <thread>

#include "http/test_client.h"
#include "http/worker_pool.h"

namespace maru::api {
namespace {

class Call : public http::WorkerPool::Job {
 public:
  explicit Call(std::function<void()> call) : call_(std::move(call)) {}
  void run() override { call_(); }

 private:
  std::function<void()> call_;
};

// A handler that never comes back: the process ends all the same, and says so.
TEST(EndOfProcessDeathTest, EndsWhateverHangs) {
  ::testing::FLAGS_gtest_death_test_style = "threadsafe";
  const auto hang = [] {
    EndOfProcess end(std::chrono::milliseconds(200), [] { std::fputs("cut off", stderr); });
    http::WorkerPool pool(1, 1);
    std::atomic<bool> begun{false};
    pool.try_push(std::make_shared<Call>([&] {
      begun = true;
      std::this_thread::sleep_for(std::chrono::hours(1));
    }));
    EXPECT_TRUE(http::eventually([&] { return begun.load(); }));
    // The pool's end waits for the handler.
  };
  EXPECT_EXIT(hang(), ::testing::ExitedWithCode(7), "cut off");
}

TEST(EndOfProcess, IsCalledOffInTime) {
  std::atomic<bool> said{false};
  {
    EndOfProcess end(std::chrono::hours(1), [&] { said = true; });
  }
  EXPECT_FALSE(said);
}

}  // namespace
}  // namespace maru::api
