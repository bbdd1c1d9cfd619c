// Attacks on bodies that go into sinks: whoever leaves, lies, smuggles, trickles or sends too much leaves nothing
// behind.
#include "http/test_sink.h"
#include "http/upload.h"

namespace maru::http {
namespace {

using std::chrono::milliseconds;

class UploadLimitsTest : public SinkTest {};

TEST_F(UploadLimitsTest, WhoLeavesInTheMiddleLeavesNothing) {
  for (uint64_t size : {uint64_t{0}, uint64_t{1}, uint64_t{3} << 20}) {
    TestClient client(port());
    client.send(head(4 << 20));
    send_pattern(client, 0, size);
    const int made = log_.made;
    EXPECT_TRUE(eventually([&] { return log_.made == log_.finished + log_.undone + 1 || log_.made > made; }));
    client.close();
    EXPECT_TRUE(eventually([&] { return log_.undone == log_.made && log_.made > 0; })) << size;
    EXPECT_TRUE(eventually([&] { return last_status() == 499; }));
  }
  TestClient half(port());  // says that it sends no more, but has not sent all
  half.send(head(1000));
  send_pattern(half, 0, 999);
  half.shut_down();
  EXPECT_TRUE(half.closed());
  TestClient chunks(port());
  chunks.send("PUT /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
  send_pattern(chunks, 0, 5);
  chunks.shut_down();
  EXPECT_TRUE(chunks.closed());
  EXPECT_TRUE(eventually([&] { return log_.undone == 5; }));
  EXPECT_EQ(0, log_.finished);
  EXPECT_EQ(0, log_.handled);
}

TEST_F(UploadLimitsTest, WhoLeavesWhileTheSinkIsBusyLeavesNothing) {
  log_.held = true;
  {
    TestClient client(port());
    client.send(head(8 << 20));
    send_pattern(client, 0, 2 << 20);
    EXPECT_TRUE(eventually([&] { return log_.at_once == 1; }));
  }
  std::this_thread::sleep_for(milliseconds(50));
  EXPECT_EQ(0, log_.undone) << "not under the hands of who writes";
  log_.held = false;
  EXPECT_TRUE(eventually([&] { return log_.undone == 1; }));
  EXPECT_EQ(0, log_.finished);
}

TEST_F(UploadLimitsTest, WhatTheSinkThrowsIsTheAnswer) {
  struct Case {
    const char *at, *status, *message;
    bool goes_on;
  };
  const Case cases[] = {{"make", "429", "no room for you", false},
                        {"write", "503", "the disk says no", false},
                        {"middle", "503", "the disk says no", false},
                        {"finish", "500", "another hash", true},
                        {"handler", "409", "there is one already", true}};
  for (const Case& c : cases) {
    log_.fails_at = c.at;
    TestClient client(port());
    client.send(head(8 << 20));
    send_pattern(client, 0, 8 << 20);
    const std::string answer = client.read_response();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 " + std::string(c.status))) << c.at << answer;
    EXPECT_NE(std::string::npos, answer.find(c.message)) << answer;
    EXPECT_EQ(c.goes_on, answer.find("Connection: keep-alive") != std::string::npos) << c.at;
    if (c.goes_on) {
      client.get("/quick");
      EXPECT_TRUE(client.read_response().ends_with("quick."));
    } else {
      EXPECT_TRUE(client.closed());
    }
  }
  EXPECT_TRUE(eventually([&] { return log_.undone == 3; }));
  EXPECT_EQ(1, log_.handled) << "a handler sees finished sinks alone";
}

TEST_F(UploadLimitsTest, ARefusalOfAnEmptyBodyKeepsTheConnection) {
  log_.fails_at = "make";
  TestClient client(port());
  client.send(head(0));
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 429 "));
  client.get("/quick");
  EXPECT_TRUE(client.read_response().ends_with("quick."));
}

TEST_F(UploadLimitsTest, ABodyIsAskedForOnceThereIsASink) {
  constexpr std::string_view kExpect = "Expect: 100-continue\r\n";
  for (const char* why : {"make", "limit"}) {
    log_.fails_at = why;
    log_.limit = 999;
    TestClient client(port());
    client.send(head(1000, kExpect));
    const std::string answer = client.read_all(3);
    EXPECT_TRUE(answer.starts_with(std::string(why) == "make" ? "HTTP/1.1 429 " : "HTTP/1.1 413 ")) << answer;
    EXPECT_NE(std::string::npos, answer.find("Connection: close"));
  }
  log_.limit = 1000;
  TestClient client(port());
  client.send(head(1000, kExpect));
  EXPECT_EQ("HTTP/1.1 100 Continue\r\n\r\n", client.read_until("\r\n\r\n"));
  send_pattern(client, 0, 1000);
  EXPECT_TRUE(client.read_response().ends_with("took 1000."));
  TestClient empty(port());
  empty.send(head(0, kExpect));
  EXPECT_TRUE(empty.read_response().starts_with("HTTP/1.1 200 ")) << "there is nothing to ask for";
}

TEST_F(UploadLimitsTest, TheSinkSaysHowMuchItTakes) {
  log_.limit = 1 << 20;
  TestClient sized(port());
  sized.send(head((1 << 20) + 1));
  const std::string refusal = sized.read_all(3);
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 413 ")) << refusal;
  EXPECT_NE(std::string::npos, refusal.find("1048576 bytes"));
  for (const char* length : {"18446744073709551615", "9223372036854775808"}) {
    TestClient huge(port());
    huge.send("PUT /up HTTP/1.1\r\nHost: x\r\nContent-Length: " + std::string(length) + "\r\n\r\n");
    EXPECT_TRUE(huge.read_all(3).starts_with("HTTP/1.1 413 ")) << length;
  }
  // A chunk's size says it before its bytes come; several small ones add up.
  for (const char* first : {"100001\r\n", "ffffffffffffffff\r\n", "100000\r\n"}) {
    TestClient chunks(port());
    chunks.send("PUT /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n" + std::string(first));
    if (std::string_view(first) == "100000\r\n") {
      send_pattern(chunks, 0, 1 << 20);
      chunks.send("\r\n1\r\n");
    }
    EXPECT_TRUE(chunks.read_all(3).starts_with("HTTP/1.1 413 ")) << first;
  }
  EXPECT_TRUE(eventually([&] { return log_.undone == 6; }));
  TestClient just(port());
  just.send(head(1 << 20));
  send_pattern(just, 0, 1 << 20);
  EXPECT_TRUE(just.read_response().ends_with("took 1048576."));
}

TEST_F(UploadLimitsTest, TwoWaysToSayWhereItEndsAreNone) {
  for (const char* framing :
       {"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
        "Content-Length: 5\r\nContent-Length: 5\r\n", "Content-Length: 5, 5\r\n", "Content-Length: +5\r\n",
        "Content-Length: 0x5\r\n", "Content-Length: 18446744073709551616\r\n", "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding:\x0b"
        "chunked\r\n"}) {
    TestClient client(port());
    client.send("PUT /up HTTP/1.1\r\nHost: x\r\n" + std::string(framing) +
                "\r\n0\r\n\r\nGET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
    const std::string all = client.read_all(3);
    EXPECT_TRUE(all.starts_with("HTTP/1.1 400 ")) << framing << all;
    EXPECT_EQ(std::string::npos, all.find("quick.")) << framing;
  }
  EXPECT_EQ(0, log_.made);
  // What the length leaves over is the next request, and none.
  TestClient lies(port());
  lies.send(head(5));
  send_pattern(lies, 0, 5);
  lies.send("more than was said\r\n\r\n");
  EXPECT_TRUE(lies.read_response().ends_with("took 5."));
  EXPECT_TRUE(lies.read_all(3).starts_with("HTTP/1.1 400 "));
  // Broken chunks, after some that were whole.
  for (const char* bad : {"zz\r\n", "-1\r\n", "5\n", "\r\n", "00000000000000005\r\n", "5;\x01\r\n"}) {
    TestClient chunks(port());
    chunks.send("PUT /up HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n");
    send_pattern(chunks, 0, 5);
    chunks.send("\r\n" + std::string(bad));
    EXPECT_TRUE(chunks.read_all(3).starts_with("HTTP/1.1 400 ")) << bad;
  }
  EXPECT_TRUE(eventually([&] { return log_.undone == 6; }));
}

TEST_F(UploadLimitsTest, TrickleIsCutOff) {
  config_.read_timeout_seconds = 0.3;
  config_.min_bytes_per_second = 100'000;
  TestClient client(port());
  client.send(head(1 << 20));
  std::string got;
  uint64_t at = 0;
  for (int i = 0; i < 100 && got.empty(); ++i) {
    send_pattern(client, at, at + 10);
    at += 10;
    got = client.read_until("\r\n\r\n", 0.03);
  }
  EXPECT_TRUE(got.starts_with("HTTP/1.1 408 ")) << got;
  EXPECT_TRUE(eventually([&] { return log_.undone == 1; }));
}

TEST_F(UploadLimitsTest, BlocksCountAmongTheBodiesOfAll) {
  config_.max_bodies_bytes = 200 << 10;
  log_.held = true;
  TestClient first(port()), second(port());
  first.send(head(150'000));
  send_pattern(first, 0, 150'000);
  EXPECT_TRUE(eventually([&] { return log_.at_once == 1; }));
  second.send(head(150'000));
  send_pattern(second, 0, 150'000);
  const std::string refusal = second.read_all(3);
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(std::string::npos, refusal.find("http.max_bodies_bytes"));
  log_.held = false;
  EXPECT_TRUE(first.read_response().ends_with("took 150000."));
  TestClient third(port());
  third.send(head(150'000));
  send_pattern(third, 0, 150'000);
  EXPECT_TRUE(third.read_response().ends_with("took 150000.")) << "what is done with gives its share back";
}

TEST_F(UploadLimitsTest, TheServerEndsUnderAnUpload) {
  log_.held = true;
  TestClient writing(port()), waiting(port());
  for (TestClient* client : {&writing, &waiting}) client->send(head(8 << 20));
  send_pattern(writing, 0, 2 << 20);
  EXPECT_TRUE(eventually([&] { return log_.at_once == 1 && log_.made == 2; }));
  std::thread release([&] {
    std::this_thread::sleep_for(milliseconds(100));
    log_.held = false;
  });
  server_.reset();
  release.join();
  EXPECT_EQ(2, log_.undone);
}

TEST_F(UploadLimitsTest, WhoLeavesBeforeItsHandlerRanLeavesNothing) {
  config_.workers = 1;
  config_.max_queued = 1;
  std::atomic<bool> busy{true}, begun{false};
  router_.add({.pattern = "/busy",
               .handler =
                   [&](const Request&, const Wake&) {
                     begun = true;
                     while (busy) std::this_thread::sleep_for(milliseconds(1));
                     return Reply{Response{.body = "was busy."}};
                   },
               .doc = "keeps the worker"});
  TestClient keeps(port()), queued(port()), stays(port());
  keeps.get("/busy");
  EXPECT_TRUE(eventually([&] { return begun.load(); }));
  queued.get("/busy");
  EXPECT_TRUE(eventually([&] { return server_->queued() == 1; }));
  {
    TestClient leaves(port());
    leaves.send(head(5));
    send_pattern(leaves, 0, 5);
    EXPECT_TRUE(eventually([&] { return server_->queued() == 2; })) << "it was let in, and is not refused any more";
  }
  EXPECT_TRUE(eventually([&] { return server_->queued() == 1; }));
  stays.send(head(5));
  send_pattern(stays, 0, 5);
  EXPECT_TRUE(eventually([&] { return server_->queued() == 2; }));
  busy = false;
  EXPECT_TRUE(stays.read_response().ends_with("took 5."));
  EXPECT_EQ(1, log_.handled);
}

TEST_F(UploadLimitsTest, NoMessageHasASink) {
  router_.add({.pattern = "/ws",
               .handler =
                   [](const Request& request, const Wake&) {
                     return Reply{Dialogue{.opening = request,
                                           .method = Method::kPut,
                                           .path = "/up",
                                           .message_of = [](const Response& r) { return std::to_string(r.status); }}};
                   },
               .doc = "messages as uploads"});
  TestClient client(port());
  client.send(
      "GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: "
      "13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n");
  EXPECT_TRUE(client.read_until("\r\n\r\n").starts_with("HTTP/1.1 101 "));
  client.send(std::string("\x81\x81\x00\x00\x00\x00x", 7));
  EXPECT_EQ("501", client.read_until("501", 3).substr(2));
}

}  // namespace
}  // namespace maru::http
