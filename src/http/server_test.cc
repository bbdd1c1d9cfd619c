#include "http/server.h"

#include <gtest/gtest.h>

#include <mutex>

#include "http/test_client.h"

namespace maru::http {
namespace {

using std::chrono::milliseconds;

/// What the test does to an answer from outside.
struct Control {
  std::mutex mutex;
  std::string ready;  // events to hand out
  bool end = false, destroyed = false;
  int64_t taken = 0;
  Wake wake;
  void give(std::string text, bool last = false) {
    std::lock_guard lock(mutex);
    ready += text;
    end |= last;
    if (wake) wake();
  }
  bool is_destroyed() {
    std::lock_guard lock(mutex);
    return destroyed;
  }
};

class ControlledStream : public EventStream {
 public:
  explicit ControlledStream(Control& control) : control_(control) {}
  ~ControlledStream() override {
    std::lock_guard lock(control_.mutex);
    control_.destroyed = true;
    control_.wake = nullptr;
  }
  bool take(std::string& to) override {
    std::lock_guard lock(control_.mutex);
    control_.taken += static_cast<int64_t>(control_.ready.size());
    to += std::exchange(control_.ready, {});
    return !control_.end;
  }

 private:
  Control& control_;
};

class ControlledPending : public Pending {
 public:
  explicit ControlledPending(Control& control) : stream_(control) {}
  bool ready() override { return !stream_.take(body_); }
  Response response() override { return {.body = body_}; }

 private:
  ControlledStream stream_;
  std::string body_;
};

/// Events without end, as fast as the client takes them.
class Flood : public EventStream {
 public:
  explicit Flood(Control& control) : stream_(control), control_(control) {}
  bool take(std::string& to) override {
    control_.give(std::string(1 << 16, 'x'));
    return stream_.take(to);
  }

 private:
  ControlledStream stream_;
  Control& control_;
};

class HttpServerTest : public ::testing::Test {
 protected:
  ServerConfig config_{.port = 0,
                       .max_connections = 4,
                       .max_header_bytes = 2048,
                       .max_body_bytes = 4096,
                       .idle_timeout_seconds = 5,
                       .read_timeout_seconds = 5,
                       .write_timeout_seconds = 5};
  Control control_;
  std::mutex mutex_;
  std::vector<Exchange> exchanges_;
  std::unique_ptr<Server> server_;

  int start() {
    server_ = std::make_unique<Server>(
        config_, Service{.admit = {},
                         .answer = [this](Request& request, const Wake& wake) { return answer(request, wake); },
                         .observe =
                             [this](const Exchange& exchange) {
                               std::lock_guard lock(mutex_);
                               exchanges_.push_back(exchange);
                             }});
    return server_->port();
  }
  Reply answer(Request& request, const Wake& wake) {
    {
      std::lock_guard lock(control_.mutex);
      control_.wake = wake;
    }
    if (request.path == "/stream") return {std::make_unique<ControlledStream>(control_)};
    if (request.path == "/pending") return {std::make_unique<ControlledPending>(control_)};
    if (request.path == "/flood") return {std::make_unique<Flood>(control_)};
    return {Response{.content_type = "text/plain", .body = request.path + "|" + request.body}};
  }
  int last_status() {
    std::lock_guard lock(mutex_);
    return exchanges_.empty() ? 0 : exchanges_.back().status;
  }
};

TEST_F(HttpServerTest, AnswersAndKeepsTheConnection) {
  TestClient client(start());
  for (int i = 0; i < 3; ++i) {
    client.post("/echo", "body" + std::to_string(i));
    const std::string response = client.read_response();
    EXPECT_TRUE(response.starts_with("HTTP/1.1 200 OK\r\n"));
    EXPECT_TRUE(response.ends_with("/echo|body" + std::to_string(i))) << response;
  }
}

TEST_F(HttpServerTest, AnswersPipelinedRequestsInOrder) {
  TestClient client(start());
  client.send(
      "GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\nHost: x\r\n\r\nGET /c HTTP/1.1\r\nHost: x\r\n"
      "Connection: close\r\n\r\n");
  const std::string all = client.read_all();
  EXPECT_LT(all.find("/a|"), all.find("/b|"));
  EXPECT_LT(all.find("/b|"), all.find("/c|"));
  EXPECT_TRUE(all.ends_with("/c|"));
}

TEST_F(HttpServerTest, KeepsWhatIsPipelinedBehindAStream) {
  TestClient client(start());
  client.get("/stream");
  client.read_until("\r\n\r\n");
  client.get("/after");  // arrives while the stream waits
  std::this_thread::sleep_for(milliseconds(50));
  control_.give("data: 1\n\n", true);
  EXPECT_TRUE(client.read_until("/after|").ends_with("/after|"));
}

TEST_F(HttpServerTest, RefusesMalformedRequests) {
  const int port = start();
  for (const char* bytes :
       {"nonsense\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /%zz HTTP/1.1\r\nHost: x\r\n\r\n",
        "GET / HTTP/1.1\r\nBad Header: x\r\n\r\n", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: -4\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\nabc",
        "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    TestClient client(port);
    client.send(bytes);
    const std::string all = client.read_all();
    EXPECT_TRUE(client.closed());
    EXPECT_TRUE(all.starts_with("HTTP/1.1 400 ")) << bytes << "\n" << all;
    EXPECT_NE(all.find("malformed_request"), std::string::npos);
  }
}

TEST_F(HttpServerTest, ReadsChunkedBodiesAndSaysContinue) {
  TestClient client(start());
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nTransfer-Encoding: chunked\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_TRUE(client.read_response().ends_with("/e|abcde"));
}

TEST_F(HttpServerTest, LimitsBodyAndHead) {
  const int port = start();
  TestClient body(port);
  body.send("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 4097\r\n\r\n" + std::string(4097, 'x'));
  EXPECT_TRUE(body.read_all().starts_with("HTTP/1.1 413 "));
  TestClient chunked(port);
  chunked.send("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1100\r\n" + std::string(0x1100, 'x'));
  EXPECT_TRUE(chunked.read_all().starts_with("HTTP/1.1 413 "));
  TestClient head(port);
  head.send("GET / HTTP/1.1\r\nHost: x\r\nX: " + std::string(4000, 'x') + "\r\n\r\n");
  EXPECT_TRUE(head.read_all().starts_with("HTTP/1.1 431 "));
}

TEST_F(HttpServerTest, ClosesIdleAndUnfinishedRequests) {
  config_.idle_timeout_seconds = config_.head_timeout_seconds = 0.1;
  const int port = start();
  TestClient idle(port), slow(port);
  slow.send("GET / HT");
  EXPECT_TRUE(slow.read_all(3).starts_with("HTTP/1.1 408 "));
  EXPECT_EQ(idle.read_all(3), "");
  EXPECT_TRUE(idle.closed(3));
}

TEST_F(HttpServerTest, StreamsEvents) {
  TestClient client(start());
  client.get("/stream");
  EXPECT_NE(client.read_until("\r\n\r\n").find("text/event-stream"), std::string::npos);
  control_.give("data: one\n\n");
  EXPECT_EQ(client.read_until("one\n\n\r\n"), "b\r\ndata: one\n\n\r\n");
  control_.give("data: two\n\n", true);
  EXPECT_EQ(client.read_until("0\r\n\r\n"), "b\r\ndata: two\n\n\r\n0\r\n\r\n");
  EXPECT_TRUE(eventually([&] { return control_.is_destroyed(); }));
  client.get("/again");
  EXPECT_TRUE(client.read_response().ends_with("/again|"));
}

TEST_F(HttpServerTest, StreamsToHttp10WithoutChunks) {
  TestClient client(start());
  client.send("GET /stream HTTP/1.0\r\n\r\n");
  control_.give("data: one\n\n", true);
  EXPECT_TRUE(client.read_all().ends_with("\r\n\r\ndata: one\n\n"));
}

TEST_F(HttpServerTest, NoticesThatTheClientLeftWhileNothingIsWritten) {
  const int port = start();
  for (const char* path : {"/stream", "/pending"}) {
    TestClient client(port);
    client.get(path);
    ASSERT_TRUE(eventually([&] {
      std::lock_guard lock(control_.mutex);
      return control_.wake != nullptr;
    }));
    EXPECT_FALSE(control_.is_destroyed());
    client.close();
    EXPECT_TRUE(eventually([&] { return control_.is_destroyed(); })) << path;
    EXPECT_TRUE(eventually([&] { return last_status() == 499; }));
    std::lock_guard lock(control_.mutex);
    control_.destroyed = false;
  }
}

TEST_F(HttpServerTest, PendingAnswersWhenWoken) {
  TestClient client(start());
  client.get("/pending");
  std::this_thread::sleep_for(milliseconds(20));
  control_.give("done", true);
  EXPECT_TRUE(client.read_response().ends_with("done"));
  EXPECT_TRUE(eventually([&] { return last_status() == 200; }));
}

TEST_F(HttpServerTest, ASlowReaderHoldsBackItsStreamAndIsCutOff) {
  config_.write_timeout_seconds = 0.3;
  TestClient client(start(), 4096);
  client.get("/flood");
  std::this_thread::sleep_for(milliseconds(200));
  {
    std::lock_guard lock(control_.mutex);
    EXPECT_GT(control_.taken, 0);
    EXPECT_LT(control_.taken, 16 << 20);  // what the socket buffers hold, not without end
  }
  EXPECT_TRUE(eventually([&] { return control_.is_destroyed(); }));
  EXPECT_TRUE(eventually([&] { return last_status() == 499; }));
}

TEST_F(HttpServerTest, DrainFinishesRunningAnswers) {
  const int port = start();
  TestClient idle(port), busy(port);
  idle.get("/x");
  idle.read_response();
  busy.get("/stream");
  busy.read_until("\r\n\r\n");
  std::thread finish([&] {
    EXPECT_TRUE(idle.closed());
    EXPECT_TRUE(eventually([&] { return !TestClient(port).connected(); }));
    control_.give("data: last\n\n", true);
  });
  EXPECT_TRUE(server_->drain(milliseconds(10'000)));
  finish.join();
  EXPECT_TRUE(busy.read_all().ends_with("data: last\n\n\r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, DrainGivesUpAtItsDeadline) {
  TestClient client(start());
  client.get("/stream");
  client.read_until("\r\n\r\n");
  EXPECT_FALSE(server_->drain(milliseconds(50)));
  EXPECT_TRUE(eventually([&] { return control_.is_destroyed(); }));
  EXPECT_TRUE(client.closed());
}

TEST_F(HttpServerTest, DestructionCancelsRunningAnswers) {
  TestClient client(start());
  client.get("/stream");
  client.read_until("\r\n\r\n");
  server_.reset();
  EXPECT_TRUE(control_.is_destroyed());
}

TEST_F(HttpServerTest, SaysThatThePortIsInUse) {
  config_.port = start();
  try {
    Server second(config_, {});
    FAIL() << "two servers on one port";
  } catch (const Failure& failure) {
    EXPECT_EQ(failure.code(), ErrorCode::kExists);
    EXPECT_NE(std::string(failure.what()).find("the port is in use"), std::string::npos);
  }
  config_.address = "not an address";
  EXPECT_THROW(Server(config_, {}), Failure);
}

TEST_F(HttpServerTest, AStreamWithNothingToSayShowsThatItIsThere) {
  config_.heartbeat_seconds = 0.05;
  TestClient client(start());
  client.get("/stream");
  EXPECT_TRUE(client.read_until("3\r\n:\n\n\r\n3\r\n:\n\n\r\n").ends_with(":\n\n\r\n")) << "again and again";
  control_.give("data: 1\n\n", true);
  EXPECT_TRUE(client.read_until("0\r\n\r\n").ends_with("data: 1\n\n\r\n0\r\n\r\n"));
}

TEST_F(HttpServerTest, AStreamIsSilentWhereItIsToldTo) {
  config_.heartbeat_seconds = 0;
  TestClient client(start());
  client.get("/stream");
  client.read_until("\r\n\r\n");
  std::this_thread::sleep_for(milliseconds(120));
  control_.give("data: 1\n\n", true);
  EXPECT_TRUE(client.read_until("0\r\n\r\n").starts_with("9\r\ndata: 1\n\n"));
}

}  // namespace
}  // namespace maru::http
