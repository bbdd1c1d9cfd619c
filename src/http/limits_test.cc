// What a stranger may take from the HTTP layer: places, memory, threads and time.
#include <gtest/gtest.h>

#include <fstream>
#include <mutex>

#include "http/server.h"
#include "http/test_client.h"

namespace maru::http {
namespace {

using std::chrono::milliseconds;

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

/// Resident memory of this process, bytes.
int64_t resident_bytes() {
  std::ifstream file("/proc/self/statm");
  int64_t pages = 0;
  file >> pages >> pages;
  return pages * ::sysconf(_SC_PAGESIZE);
}

/// Ends when the test says so.
class Held : public EventStream {
 public:
  explicit Held(const std::atomic<bool>& released, std::atomic<int>& alive) : released_(released), alive_(alive) {
    ++alive_;
  }
  ~Held() override { --alive_; }
  bool take(std::string& to) override {
    to += std::exchange(begun_, true) ? "" : "data: begun\n\n";
    return !released_;
  }

 private:
  const std::atomic<bool>& released_;
  std::atomic<int>& alive_;
  bool begun_ = false;
};

class HeldPending : public Pending {
 public:
  HeldPending(const std::atomic<bool>& released, std::atomic<int>& alive) : held_(released, alive) {}
  bool ready() override {
    std::string ignored;
    return !held_.take(ignored);
  }
  Response response() override { return {.content_type = "text/plain", .body = "late"}; }

 private:
  Held held_;
};

/// "/quick" and "/open" answer on network threads; "/secret" is refused by its head; "/work" keeps a worker busy;
/// "/held" and "/late" stream and answer when released.
class HttpLimitsTest : public ::testing::Test {
 protected:
  ServerConfig config_{.port = 0,
                       .workers = 1,
                       .max_queued = 2,
                       .max_connections = 4,
                       .reserved_connections = 2,
                       .max_header_bytes = 4096,
                       .max_body_bytes = 1 << 20};
  std::atomic<bool> released_{false}, stop_seen_{false};
  std::atomic<int> alive_{0}, working_{0}, worked_{0};
  std::mutex mutex_;
  Wake wake_;
  std::unique_ptr<Server> server_;

  void TearDown() override { release(); }
  int start() {
    server_ = std::make_unique<Server>(
        config_, Service{.admit = [](Request& request) { return admit(request); },
                         .answer = [this](Request& request, const Wake& wake) { return answer(request, wake); },
                         .observe = {}});
    return server_->port();
  }
  void release() {
    released_ = true;
    std::lock_guard lock(mutex_);
    if (wake_) wake_();
  }
  static Admission admit(Request& request) {
    Admission admission{.refusal = {}, .wants_body = request.method == Method::kPost};
    admission.quick = request.path == "/quick" || request.path == "/open";
    admission.open = request.path == "/open";
    if (request.path == "/secret") {
      admission.refusal.emplace();
      admission.refusal->answer = Response{.status = 401, .content_type = "text/plain", .body = "no key"};
    }
    return admission;
  }
  Reply answer(Request& request, const Wake& wake) {
    Reply reply;
    if (request.path == "/held" || request.path == "/late") {
      std::lock_guard lock(mutex_);
      wake_ = wake;
    }
    if (request.path == "/held") {
      reply.answer = std::make_unique<Held>(released_, alive_);
    } else if (request.path == "/late") {
      reply.answer = std::make_unique<HeldPending>(released_, alive_);
    } else {
      if (request.path == "/work") work(request);
      reply.answer = Response{.content_type = "text/plain", .body = "size " + std::to_string(request.body.size())};
    }
    return reply;
  }
  void work(const Request& request) {
    ++working_;
    while (!released_ && !request.stop.stop_requested()) std::this_thread::sleep_for(milliseconds(1));
    stop_seen_ = request.stop.stop_requested();
    --working_;
    ++worked_;
  }
  std::unique_ptr<TestClient> connect(std::string_view path = "") {
    auto client = std::make_unique<TestClient>(server_->port());
    if (!path.empty()) client->get(path);
    return client;
  }
  /// Status of a quick request on a connection of its own.
  std::string quick(std::string_view path = "/quick") { return connect(path)->read_response().substr(9, 3); }
};

TEST_F(HttpLimitsTest, SilentConnectionsGiveWay) {
  start();
  std::vector<std::unique_ptr<TestClient>> silent;
  for (int i = 0; i < 20; ++i) {
    silent.push_back(connect());
    if (i % 3 == 1) silent.back()->send("GET /quick HTT");  // half a head is silence too
    if (i % 3 == 2) silent.back()->get("/quick");           // and so is what stays open behind an answer
    if (i % 3 == 2) {
      EXPECT_TRUE(silent.back()->read_response().starts_with("HTTP/1.1 200 "));
    }
    EXPECT_EQ(quick(), "200") << i;
  }
  EXPECT_TRUE(silent.front()->closed(2)) << "the longest idle one goes first";
  EXPECT_LE(server_->connections(), 8);
}

TEST_F(HttpLimitsTest, HealthIsAnsweredWhenEveryPlaceIsBusy) {
  start();
  std::vector<std::unique_ptr<TestClient>> busy;
  for (int i = 0; i < 4; ++i) {
    busy.push_back(connect("/held"));
    busy.back()->read_until("begun");
  }
  EXPECT_EQ(quick("/open"), "200");
  EXPECT_EQ(quick("/open"), "200");
  auto other = connect("/quick");
  const std::string refusal = other->read_response();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(refusal.find("http.max_connections"), std::string::npos);
  // Silent ones cannot hold the reserve either.
  std::vector<std::unique_ptr<TestClient>> silent;
  for (int i = 0; i < 5; ++i) silent.push_back(connect());
  EXPECT_EQ(quick("/open"), "200");
  busy.pop_back();
  EXPECT_TRUE(eventually([&] { return quick() == "200"; }));
}

TEST_F(HttpLimitsTest, OneAddressHasItsShare) {
  config_.max_connections = 8;
  config_.max_connections_per_peer = 2;
  start();
  const auto first = connect("/held"), second = connect("/held");
  first->read_until("begun");
  second->read_until("begun");
  auto third = connect("/open");
  const std::string refusal = third->read_all();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(refusal.find("http.max_connections_per_peer"), std::string::npos) << refusal;
  EXPECT_TRUE(third->closed());
}

TEST_F(HttpLimitsTest, ThisMachineHasNoShareUnlessAskedFor) {
  config_.max_connections = 8;
  start();
  std::vector<std::unique_ptr<TestClient>> busy;
  for (int i = 0; i < 8; ++i) {
    busy.push_back(connect("/held"));
    EXPECT_TRUE(busy.back()->read_until("begun").ends_with("begun")) << i;
  }
}

TEST_F(HttpLimitsTest, ABusyWorkerHoldsUpNobody) {
  start();
  const auto busy = connect("/work");
  ASSERT_TRUE(eventually([&] { return working_ == 1; }));
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) EXPECT_EQ(quick(), "200");
  EXPECT_LT(seconds_since(begin), 2);
}

TEST_F(HttpLimitsTest, AFullQueueIsSaidAtOnceAndTheClientMayTryAgain) {
  start();
  std::vector<std::unique_ptr<TestClient>> clients;
  clients.push_back(connect("/work"));
  ASSERT_TRUE(eventually([&] { return working_ == 1; }));
  for (int i = 1; i <= 2; ++i) {
    clients.push_back(connect("/work"));
    ASSERT_TRUE(eventually([&] { return server_->queued() == i; }));
  }
  auto more = connect("/work");
  const std::string refusal = more->read_response();
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(refusal.find("Retry-After: "), std::string::npos);
  EXPECT_NE(refusal.find("http.max_queued"), std::string::npos);
  release();
  for (auto& client : clients) EXPECT_TRUE(client->read_response().ends_with("size 0"));
  more->get("/work");
  EXPECT_TRUE(more->read_response().ends_with("size 0"));
}

TEST_F(HttpLimitsTest, WorkOfAClientThatLeftIsGivenUp) {
  start();
  auto running = connect("/work");
  ASSERT_TRUE(eventually([&] { return working_ == 1; }));
  auto queued = connect("/work");
  ASSERT_TRUE(eventually([&] { return server_->queued() == 1; }));
  queued->close();
  EXPECT_TRUE(eventually([&] { return server_->queued() == 0; })) << "what nobody waits for leaves the queue";
  EXPECT_EQ(worked_, 0);
  running->close();
  EXPECT_TRUE(eventually([&] { return worked_ == 1; }));
  EXPECT_TRUE(stop_seen_) << "a handler that runs is asked to stop";
}

TEST_F(HttpLimitsTest, RefusesByTheHeadAndIsHeard) {
  start();
  // Bodies that nobody waits for; the client sends all of it before it reads.
  for (const std::string length : {"100000", "900000"}) {
    TestClient client(server_->port());
    EXPECT_TRUE(client.send("POST /secret HTTP/1.1\r\nHost: localhost\r\nContent-Length: " + length + "\r\n\r\n" +
                            std::string(std::stoul(length), 'x')))
        << "a client that is cut off while it sends never looks for an answer";
    const std::string all = client.read_all();
    EXPECT_TRUE(all.starts_with("HTTP/1.1 401 ")) << length << all;
    EXPECT_TRUE(all.ends_with("no key"));
    EXPECT_NE(all.find("Connection: close"), std::string::npos);
  }
  // The body need not even begin.
  for (const char* more : {"Content-Length: 1000000000000\r\n", "Content-Length: 9\r\nExpect: 100-continue\r\n",
                           "Transfer-Encoding: chunked\r\n"}) {
    TestClient client(server_->port());
    client.send("POST /secret HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n");
    EXPECT_TRUE(client.read_all(3).starts_with("HTTP/1.1 401 ")) << more;
  }
  TestClient large(server_->port());
  large.send("POST /work HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1048577\r\nExpect: 100-continue\r\n\r\n");
  EXPECT_TRUE(large.read_all(3).starts_with("HTTP/1.1 413 "));
  TestClient expects(server_->port());
  expects.send("POST /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\nExpect: miracle\r\n\r\n");
  EXPECT_TRUE(expects.read_all(3).starts_with("HTTP/1.1 417 "));
  TestClient unwanted(server_->port());
  unwanted.send("GET /quick HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n");
  EXPECT_TRUE(unwanted.read_all(3).starts_with("HTTP/1.1 413 ")) << "a GET needs no body";
}

#ifdef __SANITIZE_ADDRESS__
constexpr int64_t kLittleMemory = 7 << 20;  // what is freed stays for a while, so that its use is found
#else
constexpr int64_t kLittleMemory = 4 << 20;
#endif

TEST_F(HttpLimitsTest, OneUnauthenticatedConnectionTakesLittleMemory) {
  config_.max_body_bytes = 8 << 20;
  start();
  EXPECT_EQ(quick(), "200");
  const std::string junk(1 << 20, 'x');
  const std::pair<const char*, std::string> attacks[] = {
      {"an extension without end", "POST /work HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n1;"},
      {"a trailer without end", "POST /work HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nA: "},
      {"a header without end", "GET / HTTP/1.1\r\nHost: x\r\nA: "},
      {"a target without end", "GET /"},
      {"a body without a key", "POST /secret HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000000\r\n\r\n"},
      {"chunks without a key", "POST /secret HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n40000000\r\n"},
  };
  for (const auto& [name, begin] : attacks) {
    const int64_t before = resident_bytes();
    int64_t most = before;
    TestClient client(server_->port());
    client.send(begin);
    for (int i = 0; i < 64; ++i) {
      client.send(junk);
      most = std::max(most, resident_bytes());
    }
    EXPECT_LT(most - before, kLittleMemory) << name;
    const std::string status = client.read_all(3).substr(0, 12);
    EXPECT_TRUE(status.starts_with("HTTP/1.1 4") || status.empty()) << name << status;
  }
  // Fields and trailers of many lines, too.
  TestClient fields(server_->port());
  fields.send("GET / HTTP/1.1\r\nHost: x\r\n");
  for (int i = 0; i < 200; ++i) fields.send("A: b\r\n");
  EXPECT_TRUE(fields.read_all(3).starts_with("HTTP/1.1 431 "));
  EXPECT_EQ(quick(), "200");
}

TEST_F(HttpLimitsTest, AllBodiesTogetherHaveABudget) {
  config_.max_bodies_bytes = 1'500'000;
  start();
  const std::string megabyte(1'000'000, 'x');
  TestClient first(server_->port()), second(server_->port());
  first.send("POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 1000001\r\n\r\n" + megabyte);
  std::this_thread::sleep_for(milliseconds(100));
  second.post("/quick", megabyte);
  const std::string refusal = second.read_all(5);
  EXPECT_TRUE(refusal.starts_with("HTTP/1.1 503 ")) << refusal;
  EXPECT_NE(refusal.find("http.max_bodies_bytes"), std::string::npos);
  first.send("x");
  EXPECT_TRUE(first.read_response().ends_with("size 1000001"));
  TestClient third(server_->port());
  third.post("/quick", megabyte);
  EXPECT_TRUE(third.read_response().ends_with("size 1000000")) << "what is done with gives its share back";
}

TEST_F(HttpLimitsTest, TrickleIsCutOff) {
  config_.head_timeout_seconds = 0.4;
  config_.read_timeout_seconds = 0.4;
  config_.min_bytes_per_second = 1000;
  start();
  for (const char* begin :
       {"GET / HTTP/1.1\r\nHost: x\r\nA: ", "POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 100000\r\n\r\n"}) {
    TestClient client(server_->port());
    client.send(begin);
    const auto start = std::chrono::steady_clock::now();
    std::string got;
    while (got.empty() && seconds_since(start) < 5) {
      client.send("x");
      got = client.read_until("\r\n\r\n", 0.05);
    }
    EXPECT_TRUE(got.starts_with("HTTP/1.1 408 ")) << begin << got;
    EXPECT_LT(seconds_since(start), 3) << begin;
  }
  // A slow one that keeps the rate is served, however long it takes.
  TestClient slow(server_->port());
  slow.send("POST /quick HTTP/1.1\r\nHost: x\r\nContent-Length: 8000\r\n\r\n");
  for (int i = 0; i < 8; ++i) {
    std::this_thread::sleep_for(milliseconds(100));
    slow.send(std::string(1000, 'x'));
  }
  EXPECT_TRUE(slow.read_response().ends_with("size 8000"));
}

TEST_F(HttpLimitsTest, AConnectionServesSoManyRequests) {
  config_.max_requests_per_connection = 3;
  start();
  const auto client = connect();
  for (int i = 0; i < 3; ++i) {
    client->get("/quick");
    const std::string response = client->read_response();
    EXPECT_EQ(response.find("Connection: close") != std::string::npos, i == 2) << response;
  }
  EXPECT_TRUE(client->closed(2));
}

TEST_F(HttpLimitsTest, AHalfClosedClientIsAnswered) {
  start();
  for (const char* path : {"/quick", "/work", "/late", "/held"}) {
    released_ = false;
    TestClient client(server_->port());
    client.get(path);
    client.shut_down();
    std::this_thread::sleep_for(milliseconds(200));  // longer than it takes to notice that a client is gone
    EXPECT_FALSE(stop_seen_);
    release();
    const std::string all = client.read_all();
    EXPECT_NE(all.find("HTTP/1.1 200 OK"), std::string::npos) << path << all;
    const std::string_view end = std::string_view(path) == "/held"   ? "0\r\n\r\n"
                                 : std::string_view(path) == "/late" ? "late"
                                                                     : "size 0";
    EXPECT_TRUE(all.ends_with(end)) << path << all;
    EXPECT_TRUE(client.closed());
  }
  TestClient old(server_->port());
  released_ = false;
  old.send("GET /late HTTP/1.0\r\n\r\n");
  old.shut_down();
  std::this_thread::sleep_for(milliseconds(100));
  release();
  EXPECT_TRUE(old.read_all().starts_with("HTTP/1.1 200 OK")) << "HTTP/1.0 knows no interim responses";
}

TEST_F(HttpLimitsTest, PipelinedRequestsBeforeAHalfCloseAreAnswered) {
  start();
  TestClient client(server_->port());
  client.send("GET /late HTTP/1.1\r\nHost: x\r\n\r\nGET /quick HTTP/1.1\r\nHost: x\r\n\r\n");
  client.shut_down();
  std::this_thread::sleep_for(milliseconds(100));
  release();
  const std::string all = client.read_all();
  EXPECT_NE(all.find("late"), std::string::npos);
  EXPECT_TRUE(all.ends_with("size 0")) << all;
}

TEST_F(HttpLimitsTest, AClientThatLeavesIsNotTakenForHalfClosed) {
  start();
  for (const char* path : {"/late", "/held"}) {
    auto client = connect(path);
    ASSERT_TRUE(eventually([&] { return alive_ == 1; }));
    client->read_until("begun", 0.1);
    client->close();
    EXPECT_TRUE(eventually([&] { return alive_ == 0; })) << path;
  }
}

}  // namespace
}  // namespace maru::http
