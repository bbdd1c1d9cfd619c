// For tests: a server with a route whose bodies go into sinks that check what they get, and bodies of any length.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <fstream>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "http/auth.h"
#include "http/router.h"
#include "http/server.h"
#include "http/test_client.h"

namespace maru::http {

/// Resident memory of this process, bytes.
inline int64_t resident_now() {
  std::ifstream file("/proc/self/statm");
  int64_t pages = 0;
  file >> pages >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// Bytes without end that are nowhere the same: a random block of a prime length, again and again.
class Pattern {
 public:
  Pattern() : block_(1'000'003, '\0') {
    std::mt19937_64 random(7);
    for (char& c : block_) c = static_cast<char>(random());
    block_ += block_.substr(0, kMost);
  }
  static constexpr size_t kMost = 512 << 10;
  /// `size` bytes from `position` on; at most kMost.
  std::string_view at(uint64_t position, size_t size) const {
    return std::string_view(block_).substr(static_cast<size_t>(position % 1'000'003), size);
  }
  bool is_at(uint64_t position, std::string_view bytes) const {
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kMost))) {
      const std::string_view part = bytes.substr(0, kMost);
      if (part != at(position, part.size())) return false;
      position += part.size();
    }
    return true;
  }

 private:
  std::string block_;
};

inline const Pattern& pattern() {
  static const Pattern kPattern;
  return kPattern;
}

/// What the sinks of a test do, and what was done to them.
struct SinkLog {
  std::atomic<int> made{0}, finished{0}, undone{0}, at_once{0}, handled{0};
  std::atomic<bool> held{false}, wrong{false}, overlapped{false};
  std::atomic<uint64_t> written{0}, limit{~uint64_t{0}};
  std::string fails_at;  // "make", "write", "middle", "finish", "handler"
};

/// Takes the bytes of the pattern alone.
class CheckingSink : public BodySink {
 public:
  explicit CheckingSink(SinkLog& log) : log_(log) { ++log_.made; }
  ~CheckingSink() override {
    if (!finished_) ++log_.undone;
  }
  uint64_t limit() const override { return log_.limit; }
  void write(std::string_view bytes) override {
    const Inside inside(*this);
    while (log_.held) std::this_thread::sleep_for(std::chrono::milliseconds(1));
    if (!pattern().is_at(position, bytes)) log_.wrong = true;
    if (log_.fails_at == "write" || (log_.fails_at == "middle" && position > (2 << 20)))
      throw Failure(ErrorCode::kUnavailable, "the disk says no");
    position += bytes.size();
    log_.written += bytes.size();
  }
  void finish() override {
    const Inside inside(*this);
    if (log_.fails_at == "finish") throw Failure(ErrorCode::kDataLoss, "another hash");
    finished_ = true;
    ++log_.finished;
  }
  uint64_t position = 0;

 private:
  struct Inside {
    explicit Inside(CheckingSink& sink) : sink(sink) {
      if (sink.inside_++ != 0) sink.log_.overlapped = true;
      ++sink.log_.at_once;
    }
    ~Inside() {
      --sink.inside_;
      --sink.log_.at_once;
    }
    CheckingSink& sink;
  };
  SinkLog& log_;
  std::atomic<int> inside_{0};
  bool finished_ = false;
};

/// PUT "/up" answers with the length that arrived; GET "/quick" answers on a network thread.
class SinkTest : public ::testing::Test {
 protected:
  SinkTest() {
    router_.add({.method = Method::kPut,
                 .pattern = "/up",
                 .handler =
                     [this](const Request& request, const Wake&) {
                       ++log_.handled;
                       if (log_.fails_at == "handler") throw Failure(ErrorCode::kExists, "there is one already");
                       const auto& sink = static_cast<const CheckingSink&>(*request.sink);
                       return Reply{Response{.body = "took " + std::to_string(sink.position) + "."}};
                     },
                 .doc = "takes",
                 .sink = [this](const Request&) -> std::unique_ptr<BodySink> {
                   if (log_.fails_at == "make") throw Failure(ErrorCode::kExhausted, "no room for you");
                   return std::make_unique<CheckingSink>(log_);
                 }});
    router_.add({.pattern = "/quick",
                 .handler = [](const Request&, const Wake&) { return Reply{Response{.body = "quick."}}; },
                 .cost = Cost::kQuick,
                 .doc = "is quick"});
  }
  void TearDown() override {
    log_.held = false;
    server_.reset();
    EXPECT_FALSE(log_.wrong) << "other bytes than were sent";
    EXPECT_FALSE(log_.overlapped) << "two threads in one sink";
    EXPECT_EQ(log_.made, log_.finished + log_.undone) << "a sink was forgotten";
  }
  int start() {
    server_ = std::make_unique<Server>(
        config_, Service{.admit = [this](Request& request) { return router_.admit(request); },
                         .answer = [this](Request& request, const Wake& wake) { return router_.answer(request, wake); },
                         .observe =
                             [this](const Exchange& exchange) {
                               std::lock_guard lock(mutex_);
                               statuses_.push_back(exchange.status);
                             }});
    return server_->port();
  }
  int port() { return server_ ? server_->port() : start(); }
  int last_status() {
    std::lock_guard lock(mutex_);
    return statuses_.empty() ? 0 : statuses_.back();
  }
  /// Seconds that a quick answer takes, on a connection of its own.
  double quick() {
    const auto begin = std::chrono::steady_clock::now();
    TestClient client(port());
    client.get("/quick");
    EXPECT_TRUE(client.read_response().ends_with("quick."));
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  }
  static std::string head(uint64_t length, std::string_view more = "") {
    return "PUT /up HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + std::to_string(length) + "\r\n" +
           std::string(more) + "\r\n";
  }
  /// The pattern's bytes [begin, end) to whatever takes them.
  template <class Send>
  static bool send_pattern(uint64_t begin, uint64_t end, const Send& send) {
    for (uint64_t at = begin; at < end;) {
      const auto size = static_cast<size_t>(std::min<uint64_t>(Pattern::kMost, end - at));
      if (!send(pattern().at(at, size))) return false;
      at += size;
    }
    return true;
  }
  static bool send_pattern(TestClient& client, uint64_t begin, uint64_t end) {
    return send_pattern(begin, end, [&](std::string_view bytes) { return client.send(bytes); });
  }

  SinkLog log_;
  ServerConfig config_{.port = 0, .max_body_bytes = 4096, .read_timeout_seconds = 5, .write_timeout_seconds = 5};
  Router router_{std::make_unique<ApiKeys>()};
  std::mutex mutex_;
  std::vector<int> statuses_;
  std::unique_ptr<Server> server_;
};

}  // namespace maru::http
