// An HTTP/1.1 server: keep-alive and pipelining, limits on everything, server-sent events with back-pressure, and a
// graceful drain. What a request means is not its business: it hands each one to a `Dispatch`.
//
// Requests of one connection are answered in order. Handlers run on the network threads and must not block for long;
// what takes time returns a Pending or an EventStream.
#pragma once
#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "base/fields.h"
#include "server/http.h"

namespace maru::server {

struct HttpConfig {
  std::string address = "127.0.0.1";
  int64_t port = 8000;
  int64_t threads = 2;
  int64_t max_connections = 256;
  int64_t max_header_bytes = 16 << 10;
  int64_t max_body_bytes = 8 << 20;
  double idle_timeout_seconds = 75;
  double read_timeout_seconds = 30;
  double write_timeout_seconds = 30;

  static constexpr auto fields() {
    using C = HttpConfig;
    return std::tuple{
        field("address", &C::address, "where to listen; anything but loopback needs an API key"),
        field("port", &C::port, "0: any free one").range(0, 65535),
        field("threads", &C::threads, "network threads").range(1, 64),
        field("max_connections", &C::max_connections, "more are answered 503").range(1, 1 << 20),
        field("max_header_bytes", &C::max_header_bytes, "longer request heads are answered 431").range(256, 1 << 20),
        field("max_body_bytes", &C::max_body_bytes, "longer request bodies are answered 413").range(1024, 1 << 30),
        field("idle_timeout_seconds", &C::idle_timeout_seconds, "a silent connection is closed").range(0.01, 86400),
        field("read_timeout_seconds", &C::read_timeout_seconds, "for one whole request").range(0.01, 86400),
        field("write_timeout_seconds", &C::write_timeout_seconds, "a client that takes nothing is gone")
            .range(0.01, 86400)};
  }
};

/// One finished exchange, for metrics and logs.
struct Exchange {
  Method method = Method::kOther;
  std::string_view route;  // empty when none matched
  int status = 0;          // 499: the client went away first
  double seconds = 0;
};

/// Called on network threads; must not throw.
using Dispatch = std::function<Reply(Request&, const Wake&)>;
using Observer = std::function<void(const Exchange&)>;

class HttpServer {
 public:
  /// Listens at once. Throws kExists when the port is in use, kInvalidArgument on an address that cannot be listened
  /// on.
  HttpServer(const HttpConfig& config, Dispatch dispatch, Observer observer = {});
  /// Closes every connection; running answers are destroyed, that is cancelled.
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  int port() const;
  /// Stops accepting, closes idle connections, and lets running exchanges finish. False when the deadline passed first.
  bool drain(std::chrono::milliseconds deadline);
  bool draining() const;
  int64_t connections() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace maru::server
