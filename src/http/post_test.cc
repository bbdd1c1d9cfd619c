#include "http/post.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstring>
#include <thread>

namespace maru::http {
namespace {

using std::chrono::milliseconds;
using Clock = std::chrono::steady_clock;

/// Listens, says something to whoever connects, and keeps what it was told.
class Listener {
 public:
  explicit Listener(std::string answer) : answer_(std::move(answer)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 4);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    if (!answer_.empty()) thread_ = std::thread([this] { serve(); });
  }
  ~Listener() {
    if (thread_.joinable()) thread_.join();
    ::close(fd_);
  }
  Destination destination() const { return {.host = "127.0.0.1", .port = std::to_string(port_), .path = "/v1/traces"}; }
  std::string received() {
    thread_.join();
    return received_;
  }

 private:
  void serve() {
    const int client = ::accept(fd_, nullptr, nullptr);
    char bytes[4096];
    while (!received_.ends_with('}')) {
      const ssize_t n = ::recv(client, bytes, sizeof bytes, 0);
      if (n <= 0) break;
      received_.append(bytes, static_cast<size_t>(n));
    }
    ::send(client, answer_.data(), answer_.size(), MSG_NOSIGNAL);
    ::close(client);
  }
  const std::string answer_;
  const int fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::string received_;
  std::thread thread_;
};

TEST(Destination, IsAPlainUrlOfAPrivateNetwork) {
  const auto url = [](std::string_view text) {
    const Destination to = parse_destination(text, "there", "/v1/traces");
    return to.authority() + to.path;
  };
  EXPECT_EQ("127.0.0.1:4318/v1/traces", url("http://127.0.0.1:4318"));
  EXPECT_EQ("127.0.0.1:4318/v1/traces", url("http://127.0.0.1:4318/"));
  EXPECT_EQ("collector/otlp/v1/traces", url("http://collector/otlp/v1/traces"));
  EXPECT_EQ("[::1]:4318/v1/traces", url("http://[::1]:4318"));
  EXPECT_EQ("10.1.2.3/v1/traces", url("http://10.1.2.3"));
  for (const char* bad : {"", "127.0.0.1:4318", "https://127.0.0.1", "grpc://127.0.0.1", "http://", "http:///x",
                          "http://user@127.0.0.1", "http://127.0.0.1:99999", "http://127.0.0.1/a?b", "http://8.8.8.8",
                          "http://[2001:db8::1]:4318", "http://169.254.169.254", "http://172.32.0.1",
                          "http://100.128.0.1", "http://a\r\nX: y", "http://127.0.0.1/a b"})
    try {
      url(bad);
      ADD_FAILURE() << bad;
    } catch (const Failure& failure) {
      EXPECT_EQ(0u, std::string_view(failure.what()).find("there: ")) << failure.what();
    }
}

TEST(PrivateAddress, IsTheMachinesOrItsNetworks) {
  const auto v4 = [](const char* text) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    EXPECT_EQ(1, ::inet_pton(AF_INET, text, &address.sin_addr));
    return is_private(reinterpret_cast<const sockaddr&>(address));
  };
  const auto v6 = [](const char* text) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    EXPECT_EQ(1, ::inet_pton(AF_INET6, text, &address.sin6_addr));
    return is_private(reinterpret_cast<const sockaddr&>(address));
  };
  for (const char* text : {"127.0.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "100.64.0.1"})
    EXPECT_TRUE(v4(text)) << text;
  for (const char* text : {"8.8.8.8", "172.15.0.1", "172.32.0.1", "192.169.0.1", "100.63.0.1", "0.0.0.0", "11.0.0.1"})
    EXPECT_FALSE(v4(text)) << text;
  for (const char* text : {"::1", "fd00::1", "fc00::1", "::ffff:10.0.0.1"}) EXPECT_TRUE(v6(text)) << text;
  for (const char* text : {"2001:db8::1", "fe80::1", "::ffff:8.8.8.8", "::"}) EXPECT_FALSE(v6(text)) << text;
}

TEST(PostJson, SendsABodyAndTellsTheStatus) {
  Listener listener("HTTP/1.1 202 Accepted\r\nContent-Length: 0\r\n\r\n");
  const Result<int> status = post_json(listener.destination(), "{}", Clock::now() + milliseconds(5000), {});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_EQ(202, status.value());
  const std::string received = listener.received();
  EXPECT_TRUE(received.starts_with("POST /v1/traces HTTP/1.1\r\n")) << received;
  EXPECT_TRUE(received.ends_with("\r\n\r\n{}")) << received;
  EXPECT_NE(std::string::npos, received.find("Content-Length: 2\r\n"));
}

// More than a socket takes at once.
TEST(PostJson, SendsAllOfALongBody) {
  Listener listener("HTTP/1.1 200 OK\r\n\r\n");
  const std::string body = "{\"a\":\"" + std::string(8 << 20, 'x') + "\"}";
  const Result<int> status = post_json(listener.destination(), body, Clock::now() + milliseconds(9000), {});
  ASSERT_TRUE(status) << status.error().message;
  EXPECT_TRUE(listener.received().ends_with(body));
}

TEST(PostJson, SaysWhatWentWrong) {
  for (const char* nonsense : {"SSH-2.0-OpenSSH\r\n", "HTTP/1.1 abc\r\n", "HTTP/1.1 2", "\n"}) {
    Listener listener(nonsense);
    const Result<int> status = post_json(listener.destination(), "{}", Clock::now() + milliseconds(5000), {});
    ASSERT_FALSE(status) << nonsense;
    EXPECT_EQ(ErrorCode::kUnavailable, status.error().code);
  }
  Listener silent("");
  EXPECT_EQ(ErrorCode::kDeadline,
            post_json(silent.destination(), "{}", Clock::now() + milliseconds(100), {}).error().code);
  std::stop_source stop;
  stop.request_stop();
  EXPECT_EQ(ErrorCode::kCancelled,
            post_json(silent.destination(), "{}", Clock::now() + milliseconds(5000), stop.get_token()).error().code);
  EXPECT_EQ(ErrorCode::kUnavailable,
            post_json({.host = "127.0.0.1", .port = "1"}, "{}", Clock::now() + milliseconds(5000), {}).error().code);
  EXPECT_EQ(ErrorCode::kInvalidArgument,
            post_json({.host = "192.0.2.1", .port = "80"}, "{}", Clock::now() + milliseconds(5000), {}).error().code)
      << "a public address is not connected to, whatever named it";
}

Result<PostReply> ask(const std::string& answer, const QuestionLimits& limits = {}) {
  Listener listener(answer);
  return ask_json(listener.destination(), "{}", limits, Clock::now() + milliseconds(5000), {});
}

TEST(AskJson, ReadsTheAnswerWhicheverWayItSaysWhereItEnds) {
  const auto body = [](const std::string& answer) {
    const Result<PostReply> reply = ask(answer);
    return reply ? std::to_string(reply.value().status) + " " + reply.value().body : reply.error().message;
  };
  EXPECT_EQ("200 abc", body("HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabcdef"));
  EXPECT_EQ("200 abc", body("HTTP/1.1 200 OK\r\ncontent-length:3\r\nX: y\r\n\r\nabc"));
  EXPECT_EQ("503 abc", body("HTTP/1.1 503 No\r\n\r\nabc"));
  EXPECT_EQ("200 abcde", body("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"));
  EXPECT_EQ("200 ab",
            body("HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Hints\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\nab"));
  EXPECT_EQ("204 ", body("HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n"));
}

TEST(AskJson, SaysWhatWentWrongAndTakesNoMoreThanItMay) {
  const auto error = [](const std::string& answer, const QuestionLimits& limits = {}) {
    const Result<PostReply> reply = ask(answer, limits);
    return reply ? "no error" : reply.error().message;
  };
  EXPECT_EQ("the answer ends too early", error("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nabc"));
  EXPECT_EQ("the answer ends too early", error("HTTP/1.1 200 OK\r\nContent-Len"));
  EXPECT_EQ("the answer ends too early", error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"));
  EXPECT_EQ("the chunks of the answer are broken",
            error("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"));
  EXPECT_EQ("the answer says no length that is a number", error("HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabc"));
  EXPECT_EQ("the answer is not HTTP", error("SSH-2.0-OpenSSH\r\n\r\n"));
  EXPECT_EQ("the head of the answer is too long",
            error("HTTP/1.1 200 OK\r\nX: " + std::string(20000, 'x') + "\r\n\r\n"));
  std::string interim;
  for (int i = 0; i < 2000; ++i) interim += "HTTP/1.1 102 Processing\r\n\r\n";
  EXPECT_EQ("the head of the answer is too long", error(interim + "HTTP/1.1 200 OK\r\n\r\n"));
  const QuestionLimits few{.most_bytes = 10};
  const std::string much(100, 'x');
  for (const std::string& way : {std::string("Content-Length: 100\r\n\r\n") + much, "\r\n" + much,
                                 "Transfer-Encoding: chunked\r\n\r\n64\r\n" + much})
    EXPECT_EQ("the answer is longer than 10 bytes", error("HTTP/1.1 200 OK\r\n" + way, few)) << way;
  EXPECT_EQ("the answer is longer than 10 bytes", error("HTTP/1.1 200 OK\r\nContent-Length: 11\r\n\r\n", few))
      << "nothing is waited for";
}

TEST(AskJson, BringsAKeyWhereThereIsOne) {
  for (const char* bearer : {"", "sesame"}) {
    Listener listener("HTTP/1.1 200 OK\r\n\r\n");
    ASSERT_TRUE(ask_json(listener.destination(), "{}", {.bearer = bearer}, Clock::now() + milliseconds(5000), {}));
    const std::string received = listener.received();
    EXPECT_EQ(*bearer != '\0', received.find("\r\nAuthorization: Bearer sesame\r\n") != std::string::npos) << received;
  }
}

}  // namespace
}  // namespace maru::http
