#include "api/tracer.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/json.h"

namespace maru::api {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// A collector: an HTTP server that keeps what it is sent.
class TracerTest : public testing::Test {
 protected:
  void start(int status = 200) {
    server_ = std::make_unique<http::Server>(
        http::ServerConfig{.port = 0},
        http::Service{.admit = [](http::Request&) { return http::Admission{.wants_body = true}; },
                      .answer =
                          [this, status](http::Request& request, const http::Wake&) {
                            std::lock_guard lock(mutex_);
                            bodies_.push_back(parse_json(request.body, "body").value());
                            return http::Reply{http::Response{.status = bodies_.size() == 1 ? first_ : status}};
                          },
                      .observe = {}});
    to_.port = std::to_string(server_->port());
  }
  std::unique_ptr<Tracer> tracer(TracerOptions options = {}) {
    options.interval = options.pause = milliseconds(10);
    return std::make_unique<Tracer>(
        to_, "1.2",
        [this](const std::string& warning) {
          std::lock_guard lock(mutex_);
          warnings_.push_back(warning);
        },
        options);
  }
  static http::Exchange exchange() {
    return {.method = http::Method::kPost,
            .route = "/v1/completions",
            .status = 200,
            .record = std::make_shared<RequestRecord>("")};
  }
  static Clock::time_point in(int ms) { return Clock::now() + milliseconds(ms); }

  http::Destination to_{.host = "127.0.0.1", .port = "1", .path = "/v1/traces"};
  int first_ = 200;
  std::mutex mutex_;
  std::vector<Json> bodies_;
  std::vector<std::string> warnings_;
  std::unique_ptr<http::Server> server_;
};

TEST_F(TracerTest, SendsBatches) {
  start();
  const auto traces = tracer();
  for (int i = 0; i < 5; ++i) traces->add(exchange());
  EXPECT_TRUE(traces->finish(in(5000)));
  EXPECT_EQ(5, traces->num_sent());
  EXPECT_EQ(0, traces->num_dropped());
  size_t spans = 0;
  for (const Json& body : bodies_) spans += body["resourceSpans"][0]["scopeSpans"][0]["spans"].size();
  EXPECT_EQ(5u, spans);
  EXPECT_TRUE(warnings_.empty());
  traces->add(exchange());
  EXPECT_EQ(1, traces->num_dropped()) << "it is over";
}

TEST_F(TracerTest, TriesAgainWhatMayPass) {
  first_ = 503;
  start();
  const auto traces = tracer();
  traces->add(exchange());
  for (int i = 0; i < 500 && traces->num_sent() == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(1, traces->num_sent());
  EXPECT_EQ(2u, bodies_.size());
  EXPECT_EQ(1u, warnings_.size());
}

TEST_F(TracerTest, DropsWhatIsRefused) {
  first_ = 400;
  start(400);
  const auto traces = tracer();
  traces->add(exchange());
  for (int i = 0; i < 500 && traces->num_dropped() == 0; ++i) std::this_thread::sleep_for(milliseconds(10));
  EXPECT_EQ(1, traces->num_dropped());
  EXPECT_EQ(1u, bodies_.size()) << "once: it will be refused again";
}

TEST_F(TracerTest, DropsWhatDoesNotFitAndNeverWaits) {
  TracerOptions options{.most_spans = 3, .batch_spans = 100};
  options.timeout = milliseconds(100);
  const auto traces = tracer(options);  // nobody listens there
  const auto begin = Clock::now();
  for (int i = 0; i < 1000; ++i) traces->add(exchange());
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(1));
  EXPECT_FALSE(traces->finish(in(2000)));
  EXPECT_EQ(1000, traces->num_dropped());
  EXPECT_EQ(1u, warnings_.size()) << "one warning, not one per batch";
}

TEST_F(TracerTest, EndsAtItsDeadlineThoughNobodyAnswers) {
  const int silent = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof address;
  ASSERT_EQ(0, ::bind(silent, reinterpret_cast<sockaddr*>(&address), size));
  ::listen(silent, 4);
  ::getsockname(silent, reinterpret_cast<sockaddr*>(&address), &size);
  to_.port = std::to_string(ntohs(address.sin_port));
  const auto begin = Clock::now();
  {
    const auto traces = tracer();
    traces->add(exchange());
    EXPECT_FALSE(traces->finish(in(200)));
  }
  EXPECT_LT(Clock::now() - begin, std::chrono::seconds(3));
  ::close(silent);
}

}  // namespace
}  // namespace maru::api
