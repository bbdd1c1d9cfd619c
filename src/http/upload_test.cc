// Bodies that go into sinks: byte for byte, in order, in little memory, at the sink's pace.
#include "http/upload.h"

#include "http/openapi.h"
#include "http/test_request.h"
#include "http/test_sink.h"
#include "http/test_tls.h"

namespace maru::http {
namespace {

using std::chrono::milliseconds;

class UploadTest : public SinkTest {
 protected:
  /// As chunks of sizes that fit nothing.
  static void send_chunks(uint64_t total, const auto& send) {
    constexpr size_t kSizes[] = {1, 7, 4097, 65'535, 262'143, 262'145, 13, 300'007, 2};
    send("PUT /up HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n");
    uint64_t at = 0;
    for (size_t i = 0; at < total; ++i) {
      const auto size = static_cast<size_t>(std::min<uint64_t>(kSizes[i % std::size(kSizes)], total - at));
      char line[32];
      std::snprintf(line, sizeof line, i % 3 == 0 ? "%zX;a=b\r\n" : "%zx\r\n", size);
      send(line + std::string(pattern().at(at, size)) + "\r\n");
      at += size;
    }
    send("0\r\nTrailer: x\r\n\r\n");
  }
};

std::string took(uint64_t size) { return "\r\n\r\ntook " + std::to_string(size) + "."; }

TEST_F(UploadTest, ArrivesByteForByteAndTheConnectionGoesOn) {
  TestClient client(port());
  constexpr uint64_t kBlock = Upload::kBlockBytes;
  for (uint64_t size : {uint64_t{64} << 20, uint64_t{0}, uint64_t{1}, kBlock - 1, kBlock, kBlock + 1, 5 * kBlock}) {
    client.send(head(size));
    EXPECT_TRUE(send_pattern(client, 0, size));
    EXPECT_TRUE(client.read_response().ends_with(took(size))) << size;
  }
  EXPECT_EQ(7, log_.finished);
  client.send("PUT /up HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  EXPECT_TRUE(client.read_response().ends_with(took(0))) << "no body is an empty one";
}

TEST_F(UploadTest, ArrivesInChunksOfAnySize) {
  TestClient client(port());
  for (uint64_t size : {uint64_t{64} << 20, uint64_t{0}, uint64_t{1}, uint64_t{Upload::kBlockBytes}}) {
    send_chunks(size, [&](std::string_view bytes) { client.send(bytes); });
    EXPECT_TRUE(client.read_response().ends_with(took(size))) << size;
  }
}

TEST_F(UploadTest, ArrivesOverTls) {
  TestIdentity files(fs::temp_directory_path() / ("maru_upload_" + std::to_string(::getpid())));
  config_.tls_certificate = (files.folder / "certificate.pem").string();
  config_.tls_key = (files.folder / "key.pem").string();
  TestClient socket(port());
  TestTlsClient client(files.ca);
  ASSERT_NE("", client.ask(socket, "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n", "quick."));
  const auto send = [&](std::string_view plain) {
    client.say(plain);
    return socket.send(client.take());
  };
  const auto answer = [&](std::string_view mark) {
    std::string text;
    const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (text.find(mark) == std::string::npos && std::chrono::steady_clock::now() < end) {
      client.hear(socket.read_some(end));
      text += client.heard();
    }
    return text;
  };
  // Records that lie across every read: the last of a body is often in the same read as the one before.
  for (uint64_t size : {uint64_t{64} << 20, uint64_t{100'000}, uint64_t{81'920}, uint64_t{1}}) {
    send(head(size));
    EXPECT_TRUE(send_pattern(0, size, send));
    EXPECT_TRUE(answer(took(size)).ends_with(took(size))) << size;
  }
  // All in one go: what is deciphered at once is more than one read was to bring, and nothing comes behind it.
  for (uint64_t size : {65'537, 65'636, 70'000}) {
    client.say(head(size));
    send(pattern().at(0, size));
    EXPECT_TRUE(answer(took(size)).ends_with(took(size))) << size;
  }
  send_chunks(uint64_t{8} << 20, send);
  EXPECT_TRUE(answer(took(8 << 20)).ends_with(took(8 << 20)));
  server_.reset();  // before its files go
}

TEST_F(UploadTest, WhatIsPipelinedBehindItWaitsItsTurn) {
  TestClient client(port());
  for (const size_t pieces : {size_t{1} << 20, size_t{1000}}) {
    std::string all = head(300'000) + std::string(pattern().at(0, 300'000)) +
                      "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n" + head(5) + std::string(pattern().at(0, 5)) +
                      "GET /quick HTTP/1.1\r\nHost: localhost\r\n\r\n";
    for (size_t at = 0; at < all.size(); at += pieces) client.send(std::string_view(all).substr(at, pieces));
    EXPECT_TRUE(client.read_response().ends_with(took(300'000)));
    EXPECT_TRUE(client.read_response().ends_with("quick."));
    EXPECT_TRUE(client.read_response().ends_with(took(5)));
    EXPECT_TRUE(client.read_response().ends_with("quick."));
  }
}

TEST_F(UploadTest, AGigabyteTakesLittleMemory) {
  TestClient client(port());
  client.send(head(1 << 20));
  send_pattern(client, 0, 1 << 20);
  client.read_response();
  const int64_t before = resident_now();
  int64_t most = before;
  constexpr uint64_t kSize = uint64_t{1} << 30;
  client.send(head(kSize));
  EXPECT_TRUE(send_pattern(0, kSize, [&](std::string_view bytes) {
    most = std::max(most, resident_now());
    return client.send(bytes);
  }));
  EXPECT_TRUE(client.read_response(60).ends_with(took(kSize)));
  EXPECT_LT(most - before, 8 << 20) << "1.25 MiB of blocks, and what the system makes of it";
}

TEST_F(UploadTest, ASlowSinkHoldsItsClientBackAndNobodyElse) {
  config_.threads = 1;
  config_.workers = 1;
  config_.read_timeout_seconds = 0.3;
  log_.held = true;
  TestClient client(port());
  std::atomic<uint64_t> sent{0};
  constexpr uint64_t kSize = uint64_t{64} << 20;
  std::thread sender([&] {
    client.send(head(kSize));
    send_pattern(0, kSize, [&](std::string_view bytes) { return client.send(bytes) && (sent += bytes.size(), true); });
  });
  EXPECT_TRUE(eventually([&] { return log_.at_once == 1; }));
  for (int i = 0; i < 30; ++i) {
    EXPECT_LT(quick(), 1);
    std::this_thread::sleep_for(milliseconds(20));
  }
  EXPECT_LT(sent, 24u << 20) << "more than the sockets hold: it runs ahead of its sink";
  EXPECT_EQ(0u, log_.written);
  log_.held = false;  // after longer than a silent client has: it is not its silence
  sender.join();
  EXPECT_TRUE(client.read_response(30).ends_with(took(kSize)));
}

TEST_F(UploadTest, TwoAtOnceLeaveTheOthersAlone) {
  config_.file_threads = 2;
  std::atomic<int> done{0};
  const int at = port();
  constexpr uint64_t kSize = uint64_t{192} << 20;
  std::vector<std::thread> uploads;
  for (int i = 0; i < 3; ++i)
    uploads.emplace_back([&] {
      TestClient client(at);
      client.send(head(kSize));
      send_pattern(client, 0, kSize);
      EXPECT_TRUE(client.read_response(60).ends_with(took(kSize)));
      ++done;
    });
  std::vector<double> seconds;
  int most = 0;
  while (done < 3) {
    seconds.push_back(quick());
    most = std::max(most, log_.at_once.load());
  }
  for (std::thread& upload : uploads) upload.join();
  std::sort(seconds.begin(), seconds.end());
  EXPECT_LT(seconds[seconds.size() / 2], 0.1);
  EXPECT_LE(most, 2) << "as many as http.file_threads";
}

// One that waits for its disk keeps its thread; those that are slower than a disk still take turns.
TEST_F(UploadTest, MoreThanThereAreThreadsTakeTurns) {
  config_.file_threads = 1;
  std::vector<std::unique_ptr<TestClient>> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(std::make_unique<TestClient>(port()));
    clients.back()->send(head(1 << 20));
    send_pattern(*clients.back(), 0, 1 << 19);  // and the rest when all have begun
  }
  for (auto& client : clients) {
    send_pattern(*client, 1 << 19, 1 << 20);
    EXPECT_TRUE(client->read_response().ends_with(took(1 << 20)));
  }
}

TEST_F(UploadTest, IsFinishedWhileTheServerDrains) {
  TestClient client(port());
  client.send(head(1 << 20));
  send_pattern(client, 0, 1000);
  EXPECT_TRUE(eventually([&] { return log_.made == 1; }));
  std::thread finish([&] {
    EXPECT_TRUE(eventually([&] { return server_->draining(); }));
    std::this_thread::sleep_for(milliseconds(50));
    send_pattern(client, 1000, 1 << 20);
  });
  EXPECT_TRUE(server_->drain(milliseconds(10'000)));
  finish.join();
  EXPECT_TRUE(client.read_all().ends_with(took(1 << 20)));
  EXPECT_TRUE(client.closed());
}

TEST_F(UploadTest, ARouteWithASinkNeedsNoConnectionInATest) {
  Request request = make(Method::kPut, "/up");
  request.body = pattern().at(0, 100);
  EXPECT_EQ("took 100.", dispatch(router_, std::move(request)).body);
  log_.fails_at = "make";
  EXPECT_EQ(429, dispatch(router_, make(Method::kPut, "/up")).status);
}

TEST_F(UploadTest, TheTableSaysWhichBodiesAreTaken) {
  router_.add({.method = Method::kPatch,
               .pattern = "/up",
               .handler = [](const Request&, const Wake&) { return Reply{}; },
               .doc = "a body in memory"});
  Request put = make(Method::kPut, "/up"), patch = make(Method::kPatch, "/up"), get = make(Method::kGet, "/quick");
  EXPECT_NE(nullptr, router_.admit(put).sink);
  const Admission in_memory = router_.admit(patch);
  EXPECT_EQ(nullptr, in_memory.sink);
  EXPECT_TRUE(in_memory.wants_body);
  EXPECT_FALSE(router_.admit(get).wants_body);
  const Json path = openapi(router_, "1").at("paths").at("/up");
  EXPECT_TRUE(path.at("put").at("requestBody").at("content").contains("*/*"));
  EXPECT_FALSE(path.at("patch").contains("requestBody"));
}

TEST(Dialect, AddsHeadersToItsErrors) {
  Dialect dialect = kPlain;
  dialect.error_headers = [](const Problem& problem) { return Headers{{"X-Error-Code", problem.word}}; };
  const Response response = to_response({.status = 503, .message = "m", .word = "EntryNotFound"}, dialect);
  EXPECT_EQ("EntryNotFound", find_header(response.headers, "x-error-code"));
  EXPECT_EQ("1", find_header(response.headers, "retry-after"));
}

}  // namespace
}  // namespace maru::http
