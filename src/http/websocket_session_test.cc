#include "http/websocket_session.h"

#include <gtest/gtest.h>

#include <atomic>
#include <mutex>
#include <vector>

#include "http/server.h"
#include "http/test_client.h"
#include "http/test_websocket.h"

namespace maru::http {
namespace {

/// "parts": two events, of which the second waits for leave. "late": a Pending. "wait": a stream that never ends.
/// "no": refused by the head. "slow": a handler that works until nobody waits for it. Anything else is echoed.
struct Talk {
  std::mutex mutex;
  Wake wake;
  bool leave = false;
  std::atomic<int> running{0};
  std::atomic<bool> stopped{false};
  std::vector<std::string> seen;
};

class Parts : public EventStream {
 public:
  Parts(Talk& talk, bool endless) : talk_(talk), endless_(endless) { ++talk_.running; }
  ~Parts() override {
    std::lock_guard lock(talk_.mutex);
    talk_.wake = nullptr;
    --talk_.running;
  }
  bool take(std::string& to) override {
    std::lock_guard lock(talk_.mutex);
    if (!std::exchange(begun_, true)) to += ": a comment\n\nevent: one\ndata: {\"part\": 1}\n\n";
    if (!talk_.leave || endless_) return true;
    append_event(to, "{\"part\": 2}", "two");
    append_event(to, "[DONE]");
    return false;
  }

 private:
  Talk& talk_;
  const bool endless_;
  bool begun_ = false;
};

class Late : public Pending {
 public:
  bool ready() override { return true; }
  Response response() override { return {.body = "late"}; }
};

class WebSocketSessionTest : public ::testing::Test {
 protected:
  ServerConfig config_{.port = 0, .max_header_bytes = 2048, .max_body_bytes = 4096, .read_timeout_seconds = 0.5};
  Talk talk_;
  std::mutex mutex_;
  std::vector<Exchange> exchanges_;
  std::unique_ptr<Server> server_;

  int start() {
    server_ =
        std::make_unique<Server>(config_, Service{.admit = [this](Request& r) { return admit(r); },
                                                  .answer = [this](Request& r, const Wake& w) { return answer(r, w); },
                                                  .observe =
                                                      [this](const Exchange& exchange) {
                                                        std::lock_guard lock(mutex_);
                                                        exchanges_.push_back(exchange);
                                                      }});
    return server_->port();
  }
  Admission admit(Request& request) {
    Admission admission{.route = request.is_message ? "/message" : "/open"};
    if (request.body == "no") admission.refusal = Reply{Response{.status = 429, .body = "refused"}};
    return admission;
  }
  Reply answer(Request& request, const Wake& wake) {
    if (!request.is_message && request.path == "/ws")
      return {Dialogue{.opening = request, .path = "/said", .message_of = [](const Response& r) {
                         return std::to_string(r.status) + "|" + r.body;
                       }}};
    {
      std::lock_guard lock(talk_.mutex);
      talk_.seen.push_back(request.path + " " + std::string(request.header("authorization")) + " " +
                           std::string(request.header("upgrade")));
      talk_.wake = wake;
    }
    if (request.body == "parts" || request.body == "wait")
      return {std::make_unique<Parts>(talk_, request.body == "wait"), {{"x-request-id", "id-1"}}};
    if (request.body == "slow") {
      ++talk_.running;
      eventually([&] { return request.stop.stop_requested(); });
      --talk_.running;
      talk_.stopped = request.stop.stop_requested();
    }
    if (request.body == "late") return {std::make_unique<Late>()};
    return {Response{.body = request.body}};
  }
  void give_leave() {
    std::lock_guard lock(talk_.mutex);
    talk_.leave = true;
    if (talk_.wake) talk_.wake();
  }
  std::vector<Exchange> exchanges() {
    std::lock_guard lock(mutex_);
    return exchanges_;
  }
};

struct Client : TestWebSocket {
  explicit Client(int port) : TestWebSocket(port, "/ws", "Authorization: Bearer k\r\n") {}
};

TEST_F(WebSocketSessionTest, EveryMessageIsARequest) {
  Client client(start());
  EXPECT_TRUE(client.head.starts_with("HTTP/1.1 101 ")) << client.head;
  client.say("one");
  client.say("late");
  client.say("no");
  EXPECT_EQ(client.next(), "200|one");
  EXPECT_EQ(client.next(), "200|late");
  EXPECT_EQ(client.next(), "429|refused");
  client.send(masked(0x88, "\x03\xe8"));
  EXPECT_EQ(client.next(), "close 1000");
  EXPECT_TRUE(client.closed());
  const auto seen = exchanges();
  ASSERT_EQ(seen.size(), 4u);
  EXPECT_EQ(seen[0].status, 101);
  EXPECT_EQ(seen[0].route, "/open");
  EXPECT_EQ(seen[1].status, 200);
  EXPECT_EQ(seen[1].route, "/message");
  EXPECT_EQ(seen[1].method, Method::kPost);
  EXPECT_EQ(seen[3].status, 429);
  EXPECT_EQ(talk_.seen, (std::vector<std::string>{"/said Bearer k ", "/said Bearer k "}));
}

TEST_F(WebSocketSessionTest, EventsAreMessages) {
  Client client(start());
  client.say("parts");
  EXPECT_EQ(client.next(), "{\"part\": 1}");
  client.send(masked(0x89, "there?"));
  EXPECT_EQ(client.next(), "pong there?") << "while an answer is under way";
  client.say("next");
  give_leave();
  EXPECT_EQ(client.next(), "{\"part\": 2}");
  EXPECT_EQ(client.next(), "200|next") << "said meanwhile, answered after";
  EXPECT_EQ(exchanges()[1].request_id, "id-1");
}

TEST_F(WebSocketSessionTest, WhoClosesOrVanishesCancels) {
  const int port = start();
  for (const bool politely : {true, false}) {
    Client client(port);
    client.say("wait");
    EXPECT_EQ(client.next(), "{\"part\": 1}");
    EXPECT_EQ(talk_.running, 1);
    if (politely) {
      client.send(masked(0x88, ""));
      EXPECT_EQ(client.next(), "close 1000");
    } else {
      client.close();
    }
    EXPECT_TRUE(eventually([&] { return talk_.running == 0; })) << politely;
    EXPECT_TRUE(eventually([&] { return exchanges().back().status == 499; }));
  }
}

TEST_F(WebSocketSessionTest, AHandlerIsToldThatNobodyWaits) {
  Client client(start());
  client.say("slow");
  EXPECT_TRUE(eventually([&] { return talk_.running == 1; }));
  client.send(masked(0x88, ""));
  EXPECT_TRUE(eventually([&] { return talk_.running == 0; }));
  EXPECT_TRUE(talk_.stopped);
}

TEST_F(WebSocketSessionTest, MessagesCountAmongTheBodiesInMemory) {
  config_.max_body_bytes = 1 << 20;
  config_.max_bodies_bytes = 64 << 10;
  Client client(start());
  client.say(std::string(20 << 10, 'x'));
  EXPECT_EQ(client.next().size(), (20u << 10) + 4);
  client.say(std::string(100 << 10, 'x'));
  EXPECT_EQ(client.next(), "close 1013");
}

TEST_F(WebSocketSessionTest, AnswersWrongFramesByName) {
  const int port = start();
  const auto answer = [&](std::string_view bytes) {
    Client client(port);
    client.send(bytes);
    std::string said = client.next();
    EXPECT_TRUE(client.closed()) << said;
    return said;
  };
  EXPECT_EQ(answer("\x81\x05Hello"), "close 1002");
  EXPECT_EQ(answer(masked(0x82, "binary")), "close 1003");
  EXPECT_EQ(answer(masked(0x81, "\xff")), "close 1007");
  EXPECT_EQ(answer(masked(0x81, std::string(5000, 'x'))), "close 1009");
  EXPECT_EQ(answer(masked(0x01, "half a message")), "close 1008") << "the rest did not come in time";
}

TEST_F(WebSocketSessionTest, TakesLongMessagesAndManyAtOnce) {
  Client client(start());
  std::string all;
  for (int i = 0; i < 50; ++i) all += masked(0x81, std::string(1000, static_cast<char>('a' + i % 26)));
  client.send(all);
  for (int i = 0; i < 50; ++i)
    ASSERT_EQ(client.next(), "200|" + std::string(1000, static_cast<char>('a' + i % 26))) << i;
  client.say(std::string(4096, 'z'));
  EXPECT_EQ(client.next(), "200|" + std::string(4096, 'z'));
}

TEST_F(WebSocketSessionTest, SilentClientsArePingedAndLeft) {
  config_.heartbeat_seconds = 0.1;
  config_.idle_timeout_seconds = 0.3;
  Client client(start());
  EXPECT_EQ(client.next(), "ping");
  client.send(masked(0x8a, ""));
  EXPECT_EQ(client.next(), "ping") << "who answers stays";
  EXPECT_EQ(client.next(2), "");
  EXPECT_TRUE(client.closed(2));
}

TEST_F(WebSocketSessionTest, ASilentAnswerIsKeptOpenByPings) {
  config_.heartbeat_seconds = 0.1;
  Client client(start());
  client.say("wait");
  EXPECT_EQ(client.next(), "{\"part\": 1}");
  EXPECT_EQ(client.next(), "ping");
  EXPECT_EQ(client.next(), "ping");
}

TEST_F(WebSocketSessionTest, ADrainSaysGoodbye) {
  Client idle(start()), busy(server_->port());
  busy.say("parts");
  EXPECT_EQ(busy.next(), "{\"part\": 1}");
  std::thread drain([&] { EXPECT_TRUE(server_->drain(std::chrono::seconds(5))); });
  EXPECT_EQ(idle.next(), "close 1001");
  give_leave();
  EXPECT_EQ(busy.next(), "{\"part\": 2}") << "what is under way ends";
  EXPECT_EQ(busy.next(), "close 1001");
  busy.close();
  drain.join();
}

TEST_F(WebSocketSessionTest, OtherwiseItIsRefused) {
  TestClient client(start());
  client.get("/ws");
  const std::string response = client.read_response();
  EXPECT_TRUE(response.starts_with("HTTP/1.1 426 ")) << response;
  EXPECT_NE(response.find("Upgrade: websocket\r\n"), std::string::npos);
  client.get("/after");
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 200 ")) << "the connection goes on";
  TestClient old(server_->port());
  old.send("GET /ws HTTP/1.0\r\nHost: x\r\n" + std::string(TestWebSocket::kUpgrade) + "\r\n");
  EXPECT_TRUE(old.read_response().starts_with("HTTP/1.1 426 "));
}

}  // namespace
}  // namespace maru::http
