#include "api/openai/responses/events.h"

#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/json.h"

namespace maru::api::openai {
namespace {

std::string event(int number, const std::string& text) {
  return "event: a\ndata: {\"type\":\"a\",\"sequence_number\":" + std::to_string(number) + ",\"delta\":\"" + text +
         "\"}\n\n";
}

class EventLogTest : public ::testing::Test {
 protected:
  std::shared_ptr<EventLog> log_ = std::make_shared<EventLog>();
  std::atomic<int> woken_ = 0;
  std::unique_ptr<http::EventStream> from(int64_t begin) {
    return events_from(log_, begin, [this] { ++woken_; });
  }
  void say(const std::string& text) { log_->append("a", {{"delta", text}}); }
};

TEST_F(EventLogTest, IsReadFromAnywhereByAnyNumber) {
  say("0");
  say("1");
  const auto all = from(0), rest = from(1), none = from(2);
  std::string to;
  EXPECT_TRUE(all->take(to));
  EXPECT_EQ(event(0, "0") + event(1, "1"), to);
  EXPECT_TRUE(rest->take(to = ""));
  EXPECT_EQ(event(1, "1"), to);
  EXPECT_TRUE(none->take(to = ""));
  EXPECT_EQ("", to);
  say("2");
  EXPECT_EQ(3, woken_) << "each is told";
  EXPECT_TRUE(none->take(to = ""));
  EXPECT_EQ(event(2, "2"), to);
  log_->close();
  EXPECT_EQ(6, woken_);
  EXPECT_FALSE(none->take(to = ""));
  EXPECT_EQ("", to);
  EXPECT_FALSE(all->take(to = ""));
  EXPECT_EQ(event(2, "2"), to);
  EXPECT_FALSE(from(3)->take(to = "")) << "nothing is left";
  EXPECT_EQ(3, log_->size());
  EXPECT_GE(log_->bytes(), static_cast<int64_t>(3 * event(0, "0").size()));
}

TEST_F(EventLogTest, WhoWentAwayIsNotTold) {
  from(0);
  { const auto reader = from(0); }
  say("0");
  log_->close();
  EXPECT_EQ(0, woken_);
}

TEST_F(EventLogTest, MuchIsTakenInParts) {
  const std::string much(http::EventStream::kTakeBytes, 'x');
  say(much);
  say(much);
  log_->close();
  const auto reader = from(0);
  std::string to;
  EXPECT_TRUE(reader->take(to));
  EXPECT_EQ(event(0, much), to);
  EXPECT_FALSE(reader->take(to = ""));
  EXPECT_EQ(event(1, much), to);
}

TEST_F(EventLogTest, OneWritesWhileOthersComeAndGo) {
  constexpr int kEvents = 2000;
  std::vector<std::thread> readers;
  for (int r = 0; r < 3; ++r)
    readers.emplace_back([this] {
      for (bool open = true; open;) {
        const auto reader = from(0);
        std::string all;
        for (int i = 0; open && i < 50; ++i) {
          std::string piece;
          open = reader->take(piece);
          all += piece;
        }
        if (open) continue;  // else all has come, in order
        size_t at = 0;
        for (int i = 0; i < kEvents; ++i) {
          const std::string want = event(i, std::to_string(i));
          ASSERT_EQ(want, all.substr(at, want.size()));
          at += want.size();
        }
        EXPECT_EQ(all.size(), at);
      }
    });
  for (int i = 0; i < kEvents; ++i) say(std::to_string(i));
  log_->close();
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace maru::api::openai
