// Attacks on a port that speaks TLS, and its certificate replaced under it.
#include <gtest/gtest.h>

#include "http/auth.h"
#include "http/router.h"
#include "http/server.h"
#include "http/test_tls.h"

namespace maru::http {
namespace {

constexpr std::string_view kGet = "GET /hi HTTP/1.1\r\nHost: localhost\r\n\r\n", kEnd = "secure\n";

class CountDown : public EventStream {
 public:
  bool take(std::string& to) override {
    append_event(to, std::string(1000, 'x'));
    return --left_ > 0;
  }

 private:
  int left_ = 500;
};

class TlsServerTest : public testing::Test {
 protected:
  void SetUp() override {
    config_.port = 0;
    config_.head_timeout_seconds = 3;
    config_.tls_certificate = (files_.folder / "certificate.pem").string();
    config_.tls_key = (files_.folder / "key.pem").string();
    router_.add(
        {.pattern = "/hi",
         .handler = [](const Request& request,
                       const Wake&) { return Reply{Response{.body = request.secure ? "secure\n" : "plain\n"}}; },
         .doc = "says how it was asked"});
    router_.add(
        {.method = Method::kPost,
         .pattern = "/echo",
         .handler = [](const Request& request, const Wake&) { return Reply{Response{.body = request.body + "|end"}}; },
         .doc = "says it again"});
    router_.add({.pattern = "/events",
                 .handler = [](const Request&, const Wake&) { return Reply{std::make_unique<CountDown>()}; },
                 .doc = "many"});
  }
  int start() {
    server_ = std::make_unique<Server>(
        config_, Service{.admit = [this](Request& request) { return router_.admit(request); },
                         .answer = [this](Request& request, const Wake& wake) { return router_.answer(request, wake); },
                         .warn =
                             [this](const std::string& message) {
                               std::lock_guard lock(mutex_);
                               warning_ = message;
                             }});
    return server_->port();
  }
  int port() { return server_ ? server_->port() : start(); }
  std::string ask(std::string_view request, std::string_view mark, const TestCertificate* own = nullptr) {
    TestClient socket(port());
    TestTlsClient client(files_.ca, own);
    return client.ask(socket, request, mark);
  }
  std::string warning() {
    std::lock_guard lock(mutex_);
    return warning_;
  }
  TestIdentity files_{fs::temp_directory_path() / ("maru_tls_server_" + std::to_string(::getpid()))};
  ServerConfig config_;
  Router router_{std::make_unique<ApiKeys>()};
  std::mutex mutex_;
  std::string warning_;
  std::unique_ptr<Server> server_;
};

TEST_F(TlsServerTest, AnswersAsWithoutIt) {
  EXPECT_TRUE(ask(kGet, kEnd).starts_with("HTTP/1.1 200 OK"));
  const std::string body(300'000, 'b');
  const std::string echo =
      ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 300000\r\n\r\n" + body, "|end");
  EXPECT_NE(std::string::npos, echo.find("\r\n\r\n" + body + "|end"));
  const std::string both = ask(std::string(kGet) + "GET /hi HTTP/1.1\r\nHost: x.localhost\r\nConnection: close\r\n\r\n",
                               "secure\nHTTP/1.1 200");
  EXPECT_NE(std::string::npos, both.find("secure\nHTTP/1.1 200 OK")) << both;
  const std::string events = ask("GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", "\r\n0\r\n\r\n");
  EXPECT_TRUE(events.ends_with("\r\n0\r\n\r\n"));
  EXPECT_GT(events.size(), 500'000u);
}

// What is deciphered at once may be more than a read was to bring, and then nothing comes behind it.
TEST_F(TlsServerTest, ABodyOfAnyLengthArrivesWhole) {
  for (const size_t size : {65'537, 65'636, 70'000, 81'920, 131'073, 150'001}) {
    const std::string body(size, 'b'), length = std::to_string(size);
    const std::string echo =
        ask("POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\n" + body, "|end");
    EXPECT_NE(std::string::npos, echo.find("\r\n\r\n" + body + "|end")) << size;
  }
}

TEST_F(TlsServerTest, PlainHttpIsToldSo) {
  TestClient plain(port());
  plain.get("/hi");
  const std::string answer = plain.read_all(2);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 400 ")) << answer;
  EXPECT_NE(std::string::npos, answer.find("https://")) << answer;
  EXPECT_EQ(std::string::npos, answer.find("secure\n"));
}

// Nobody who is slow, silent or speaks another language keeps the others waiting, or a place for long.
TEST_F(TlsServerTest, StrangersAreCutOffAndHoldNobodyUp) {
  config_.threads = 1;
  TestTlsClient half(files_.ca);
  half.hear("");
  const std::string hello = half.take();
  std::vector<std::unique_ptr<TestClient>> strangers;
  for (int i = 0; i < 30; ++i) {
    strangers.push_back(std::make_unique<TestClient>(port()));
    if (i % 3 == 0) strangers.back()->send(hello.substr(0, hello.size() / 2));
    if (i % 3 == 1) strangers.back()->send(std::string("\x16\x03\x01\x40\x00", 5));
  }
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_NE("", ask(kGet, kEnd));
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 2.5);
  for (const auto& stranger : strangers) EXPECT_TRUE(stranger->closed(10));
  TestClient garbage(port());
  garbage.send(std::string(4000, '\x01'));
  EXPECT_TRUE(garbage.closed(5));
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

// A byte now and then does not count as progress: the handshake has one deadline.
TEST_F(TlsServerTest, AHandshakeCannotBeTrickled) {
  config_.head_timeout_seconds = 0.5;
  TestTlsClient slow(files_.ca);
  slow.hear("");
  const std::string hello = slow.take();
  TestClient socket(port());
  const auto begin = std::chrono::steady_clock::now();
  for (char byte : hello) {
    if (!socket.send({&byte, 1}) || socket.closed(0.02)) break;
  }
  EXPECT_LT(std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(), 4) << "of some ten";
}

TEST_F(TlsServerTest, WithoutACertificateNobodyIsHeard) {
  config_.tls_client_ca = (files_.folder / "ca.pem").string();
  const TestCertificate known("client", &files_.ca), stranger_ca("stranger"), stranger("client", &stranger_ca);
  EXPECT_NE("", ask(kGet, kEnd, &known));
  EXPECT_EQ("", ask(kGet, kEnd));
  EXPECT_EQ("", ask(kGet, kEnd, &stranger));
}

TEST_F(TlsServerTest, TheCertificateIsReplacedUnderIt) {
  TestClient socket(port());
  TestTlsClient before(files_.ca);
  EXPECT_NE("", before.ask(socket, kGet, kEnd));
  write_file(files_.folder / "key.pem", TestCertificate("other").key_pem());
  EXPECT_TRUE(eventually([&] { return warning().find("is not the key of the certificate") != std::string::npos; }));
  EXPECT_NE(std::string::npos, warning().find("the certificate read before stays in use"));
  EXPECT_NE("", ask(kGet, kEnd)) << "the old one stays";
  const TestCertificate next_ca("next authority"), next("server", &next_ca);
  files_.install(next);
  EXPECT_TRUE(eventually([&] {
    TestClient now(port());
    TestTlsClient client(next_ca);
    return !client.ask(now, kGet, kEnd, 2).empty();
  }));
  EXPECT_EQ("", ask(kGet, kEnd)) << "new connections get the new one";
  EXPECT_NE("", before.ask(socket, kGet, kEnd)) << "open ones go on";
}

TEST_F(TlsServerTest, WhoGoesAwayIsNoticed) {
  {
    TestClient socket(port());
    TestTlsClient client(files_.ca);
    client.ask(socket, "GET /events HTTP/1.1\r\nHost: localhost\r\n\r\n", "data: ");
    SSL_shutdown(client.ssl());
    socket.send(client.take());
  }
  EXPECT_TRUE(eventually([&] { return server_->connections() == 0; }));
}

TEST_F(TlsServerTest, AFullServerSaysSoInTls) {
  config_.max_connections = 1;
  config_.reserved_connections = 0;
  TestClient first(port());
  TestTlsClient client(files_.ca);
  client.ask(first, "POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Length: 10\r\n\r\nx", "never", 0.3);
  EXPECT_TRUE(ask(kGet, "max_connections)").starts_with("HTTP/1.1 503 "));
}

TEST_F(TlsServerTest, BothFilesAreNeeded) {
  config_.tls_key.clear();
  EXPECT_THROW(start(), Failure);
  config_.tls_key = "/nowhere";
  EXPECT_THROW(start(), Failure);
}

}  // namespace
}  // namespace maru::http
