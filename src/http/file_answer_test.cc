// Answers that are files: whole ones and ranges, as they were when they were opened, never more than the disk has.
#include "http/download.h"
#include "http/test_sink.h"
#include "http/test_tls.h"

namespace maru::http {
namespace {

using std::chrono::milliseconds;

/// GET "/file" sends what is at path_ when it is asked for.
class FileAnswerTest : public SinkTest {
 protected:
  FileAnswerTest() {
    router_.add({.pattern = "/file",
                 .handler =
                     [this](const Request&, const Wake&) {
                       FileAnswer answer{.file = std::make_shared<OpenFile>(path_)};
                       answer.etag = "v1";
                       return Reply{std::move(answer)};
                     },
                 .doc = "sends a file"});
    router_.add({.pattern = "/part",
                 .handler =
                     [this](const Request&, const Wake&) {
                       return Reply{FileAnswer{.file = std::make_shared<OpenFile>(path_),
                                               .offset = 1000,
                                               .length = 500,
                                               .content_type = "text/plain"}};
                     },
                 .doc = "sends a part"});
    router_.add({.pattern = "/rest",
                 .handler =
                     [this](const Request&, const Wake&) {
                       return Reply{FileAnswer{.file = std::make_shared<OpenFile>(path_), .offset = 1000}};
                     },
                 .doc = "sends all but the beginning"});
    router_.add({.pattern = "/long",
                 .handler =
                     [this](const Request&, const Wake&) {
                       return Reply{FileAnswer{.file = std::make_shared<OpenFile>(path_), .length = 1 << 21}};
                     },
                 .doc = "says more than there is"});
    router_.add({.pattern = "/behind",
                 .handler =
                     [this](const Request&, const Wake&) {
                       return Reply{
                           FileAnswer{.file = std::make_shared<OpenFile>(path_), .offset = 1 << 20, .length = 1}};
                     },
                 .doc = "begins behind the end"});
  }
  void TearDown() override {
    SinkTest::TearDown();
    fs::remove(path_);
  }
  /// The pattern's first bytes.
  void write(uint64_t size) {
    fs::remove(path_);
    std::ofstream out(path_, std::ios::binary);
    send_pattern(0, size, [&](std::string_view bytes) { return out.write(bytes.data(), std::ssize(bytes)).good(); });
  }
  /// Reads a body and compares it with the pattern from `position` on; how much of it came.
  static uint64_t read_pattern(TestClient& client, uint64_t position, uint64_t size, double seconds = 20) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    uint64_t got = 0;
    while (got < size) {
      const std::string bytes = client.read_some(end);
      if (bytes.empty()) break;
      EXPECT_TRUE(pattern().is_at(position + got, bytes)) << "other bytes at " << got;
      got += bytes.size();
    }
    return got;
  }
  const fs::path path_ = fs::temp_directory_path() / ("maru_file_answer_" + std::to_string(::getpid()));
};

TEST_F(FileAnswerTest, ComesByteForByteAndTheConnectionGoesOn) {
  TestClient client(port());
  constexpr uint64_t kBlock = Download::kBlockBytes;
  for (uint64_t size : {uint64_t{64} << 20, kBlock - 1, kBlock, kBlock + 1, uint64_t{1}, uint64_t{0}}) {
    write(size);
    client.get("/file");
    const std::string head = client.read_until("\r\n\r\n");
    EXPECT_TRUE(head.starts_with("HTTP/1.1 200 OK\r\n")) << head;
    EXPECT_NE(std::string::npos, head.find("Content-Length: " + std::to_string(size) + "\r\n")) << head;
    EXPECT_NE(std::string::npos, head.find("Content-Type: application/octet-stream\r\n"));
    EXPECT_NE(std::string::npos, head.find("ETag: \"v1\"\r\n"));
    EXPECT_NE(std::string::npos, head.find("X-Content-Type-Options: nosniff\r\n"));
    EXPECT_EQ(size, read_pattern(client, 0, size));
  }
}

TEST_F(FileAnswerTest, RangesHeadsAndWhatIsKnown) {
  write(3 << 20);
  TestClient client(port());
  client.get("/file", "Range: bytes=300000-2500000\r\n");
  const std::string range = client.read_until("\r\n\r\n");
  EXPECT_TRUE(range.starts_with("HTTP/1.1 206 Partial Content\r\n")) << range;
  EXPECT_NE(std::string::npos, range.find("Content-Range: bytes 300000-2500000/3145728\r\n"));
  EXPECT_NE(std::string::npos, range.find("Content-Length: 2200001\r\n"));
  EXPECT_EQ(2'200'001u, read_pattern(client, 300'000, 2'200'001));
  client.send("HEAD /file HTTP/1.1\r\nHost: localhost\r\n\r\n");
  EXPECT_NE(std::string::npos, client.read_until("\r\n\r\n").find("Content-Length: 3145728\r\n"));
  client.get("/file", "If-None-Match: \"v1\"\r\n");
  const std::string known = client.read_until("\r\n\r\n");
  EXPECT_TRUE(known.starts_with("HTTP/1.1 304 Not Modified\r\n")) << known;
  EXPECT_EQ(std::string::npos, known.find("Content-Length"));
  client.get("/file", "Range: bytes=3145728-\r\n");
  const std::string beyond = client.read_response();
  EXPECT_TRUE(beyond.starts_with("HTTP/1.1 416 Range Not Satisfiable\r\n")) << beyond;
  EXPECT_NE(std::string::npos, beyond.find("Content-Range: bytes */3145728\r\n"));
  client.get("/part", "Range: bytes=-100\r\n");
  EXPECT_NE(std::string::npos, client.read_until("\r\n\r\n").find("Content-Range: bytes 400-499/500\r\n"));
  EXPECT_EQ(100u, read_pattern(client, 1400, 100));
  client.get("/part");
  EXPECT_NE(std::string::npos, client.read_until("\r\n\r\n").find("Content-Type: text/plain\r\n"));
  EXPECT_EQ(500u, read_pattern(client, 1000, 500));
  client.get("/rest");
  EXPECT_NE(std::string::npos, client.read_until("\r\n\r\n").find("Content-Length: 3144728\r\n"));
  EXPECT_EQ(3'144'728u, read_pattern(client, 1000, 3'144'728));
  client.send("GET /part HTTP/1.0\r\n\r\n");
  client.read_until("\r\n\r\n");
  EXPECT_EQ(500u, read_pattern(client, 1000, 600)) << "and HTTP/1.0 is closed behind it";
}

TEST_F(FileAnswerTest, IsSentAsItWasWhoeverReplacesIt) {
  write(16 << 20);
  TestClient client(port(), 4096);
  client.get("/file");
  client.read_until("\r\n\r\n");
  write(5);  // another file of its name
  fs::remove(path_);
  EXPECT_EQ(16u << 20, read_pattern(client, 0, 16 << 20));
}

TEST_F(FileAnswerTest, OneThatIsCutEndsTheConnection) {
  write(64 << 20);
  {
    TestClient client(port(), 4096);
    client.get("/file");
    EXPECT_NE(std::string::npos, client.read_until("\r\n\r\n").find("Content-Length: 67108864\r\n"));
    fs::resize_file(path_, 1 << 20);
    const uint64_t got = read_pattern(client, 0, 64 << 20);
    EXPECT_LT(got, 64u << 20);
    EXPECT_TRUE(client.closed()) << "so that nobody takes it for all of it";
  }
  EXPECT_TRUE(eventually([&] { return last_status() == 500; }));
  // Known before the head is sent, it is an error like any other.
  write(1 << 20);
  TestClient client(port());
  client.get("/behind");
  EXPECT_TRUE(client.read_response().starts_with("HTTP/1.1 500 "));
  client.get("/long");
  client.read_until("\r\n\r\n");
  EXPECT_EQ(1u << 20, read_pattern(client, 0, 1 << 21)) << "nothing is made up";
  EXPECT_TRUE(client.closed());
}

TEST_F(FileAnswerTest, ASlowReaderCostsTwoBlocksAndIsCutOff) {
  write(128 << 20);
  config_.write_timeout_seconds = 0.5;
  const int at = port();
  quick();
  const int64_t before = resident_now();
  TestClient slow(at, 4096);
  slow.get("/file");
  slow.read_until("\r\n\r\n");
  int64_t most = before;
  for (int i = 0; i < 20; ++i) {
    most = std::max(most, resident_now());
    EXPECT_LT(quick(), 1);
    std::this_thread::sleep_for(milliseconds(10));
  }
  EXPECT_LT(most - before, 8 << 20);
  EXPECT_TRUE(eventually([&] { return last_status() == 499; }));
}

TEST_F(FileAnswerTest, ComesOverTls) {
  TestIdentity files(fs::temp_directory_path() / ("maru_download_" + std::to_string(::getpid())));
  config_.tls_certificate = (files.folder / "certificate.pem").string();
  config_.tls_key = (files.folder / "key.pem").string();
  write(2 << 20);
  TestClient socket(port());
  TestTlsClient client(files.ca);
  const std::string all =
      client.ask(socket, "GET /file HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", "\x01no");
  const size_t body = all.find("\r\n\r\n") + 4;
  EXPECT_EQ(2u << 20, all.size() - body);
  EXPECT_TRUE(pattern().is_at(0, std::string_view(all).substr(body)));
  server_.reset();  // before its files go
}

TEST_F(FileAnswerTest, WhoLeavesInTheMiddleIsNoticedAndADrainWaitsForTheRest) {
  write(64 << 20);
  {
    TestClient leaves(port(), 4096);
    leaves.get("/file");
    leaves.read_until("\r\n\r\n");
  }
  EXPECT_TRUE(eventually([&] { return last_status() == 499; }));
  TestClient stays(port(), 4096);
  stays.get("/file");
  stays.read_until("\r\n\r\n");
  std::thread reader([&] { EXPECT_EQ(64u << 20, read_pattern(stays, 0, 64 << 20)); });
  EXPECT_TRUE(server_->drain(milliseconds(20'000)));
  reader.join();
}

TEST_F(FileAnswerTest, AHalfClosedClientGetsAllOfIt) {
  write(8 << 20);
  TestClient client(port(), 4096);
  client.get("/file");
  client.shut_down();
  std::string head = client.read_until("HTTP/1.1 200 OK");
  head = client.read_until("\r\n\r\n");
  EXPECT_EQ(8u << 20, read_pattern(client, 0, 8 << 20));
}

}  // namespace
}  // namespace maru::http
