// An HTTP/1.1 server: keep-alive and pipelining, limits on everything, server-sent events with back-pressure, and a
// graceful drain. What a request means is not its business: `Service` says so.
//
// Requests of one connection are answered in order. A request is judged as soon as its head is there; its body is read
// only when it is admitted. Handlers that parse, render or encode run on workers, so that the network threads are
// always free for everybody else; what takes longer still returns a Pending or an EventStream.
#pragma once
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "base/fields.h"
#include "base/request_record.h"
#include "http/dialect.h"

namespace maru::http {

struct ServerConfig {
  std::string address = "127.0.0.1";
  int64_t port = 8000;
  int64_t threads = 2;
  int64_t workers = 2;
  int64_t max_queued = 64;
  int64_t file_threads = 4;
  int64_t max_connections = 256;
  int64_t reserved_connections = 8;
  int64_t max_connections_per_peer = 0;
  int64_t max_requests_per_connection = 10'000;
  int64_t max_header_bytes = 16 << 10;
  int64_t max_header_fields = 100;
  int64_t max_body_bytes = 8 << 20;
  int64_t max_bodies_bytes = 128 << 20;
  std::string tls_certificate, tls_key, tls_client_ca;
  double idle_timeout_seconds = 75;
  double head_timeout_seconds = 10;
  double read_timeout_seconds = 30;
  double write_timeout_seconds = 30;
  int64_t min_bytes_per_second = 1024;
  double heartbeat_seconds = 15;

  static constexpr auto fields() {
    using C = ServerConfig;
    return std::tuple{
        field("address", &C::address, "where to listen; anything but loopback needs an API key"),
        field("port", &C::port, "0: any free one").range(0, 65535),
        field("threads", &C::threads, "network threads").range(1, 64),
        field("workers", &C::workers, "threads that read bodies and write answers").range(1, 256),
        field("max_queued", &C::max_queued, "requests that may wait for a worker; more are answered 503")
            .range(1, 1 << 20),
        field("file_threads", &C::file_threads, "threads that write large bodies to the disk and read files to be sent")
            .range(1, 256),
        field("max_connections", &C::max_connections,
              "when all are open the longest idle one is closed; where none is "
              "idle, more are answered 503")
            .range(1, 1 << 20),
        field("reserved_connections", &C::reserved_connections, "beyond these, for health checks and pages only")
            .range(0, 1024),
        field("max_connections_per_peer", &C::max_connections_per_peer,
              "of one address (IPv6: one /64 network); 0: half of all, from this machine all")
            .range(0, 1 << 20),
        field("max_requests_per_connection", &C::max_requests_per_connection, "then it is closed").range(1, 1 << 30),
        field("max_header_bytes", &C::max_header_bytes, "longer request heads are answered 431").range(256, 1 << 20),
        field("max_header_fields", &C::max_header_fields, "more header lines are answered 431").range(8, 1 << 16),
        field("max_body_bytes", &C::max_body_bytes, "longer request bodies are answered 413").range(1024, 1 << 30),
        field("max_bodies_bytes", &C::max_bodies_bytes,
              "of the request bodies in memory, all together; more are "
              "answered 503")
            .range(1024, int64_t{1} << 40),
        field(
            "tls_certificate", &C::tls_certificate,
            "PEM, with those that signed it behind it; with it the listener speaks TLS (1.2 and 1.3) and nothing else"),
        field("tls_key", &C::tls_key, "its private key, PEM without a passphrase"),
        field("tls_client_ca", &C::tls_client_ca,
              "PEM; with it clients must bring a certificate that one of these signed"),
        field("idle_timeout_seconds", &C::idle_timeout_seconds, "a silent connection is closed").range(0.01, 86400),
        field("head_timeout_seconds", &C::head_timeout_seconds,
              "for a connection's first byte, for its TLS handshake, and for one whole "
              "request head")
            .range(0.01, 86400),
        field("read_timeout_seconds", &C::read_timeout_seconds, "a client that sends nothing of its body is gone")
            .range(0.01, 86400),
        field("write_timeout_seconds", &C::write_timeout_seconds, "a client that takes nothing is gone")
            .range(0.01, 86400),
        field("min_bytes_per_second", &C::min_bytes_per_second,
              "a client that on the whole sends or takes less is gone")
            .range(1, 1 << 30),
        field("heartbeat_seconds", &C::heartbeat_seconds,
              "a stream with nothing to say for so long sends a comment, for proxies to keep it open; 0: it does not")
            .range(0, 86400)};
  }
};

/// One finished exchange, for metrics and logs.
struct Exchange {
  Method method = Method::kOther;
  std::string_view route;  // empty when none matched
  int status = 0;          // 499: the client went away first
  double seconds = 0;
  std::string request_id;                            // as the answer says it; empty: it does not
  std::string key;                                   // the name of the key it brought
  std::string peer;                                  // the client's address
  std::shared_ptr<const RequestRecord> record = {};  // what was noted of it; null: nothing
};

/// What a request's head earns it.
struct Admission {
  std::optional<Reply> refusal;      // answered at once; the body is not read
  std::string_view route;            // as in Reply
  bool quick = false;                // the handler answers from memory: it runs on the network thread
  bool wants_body = true;            // else only a short one is read
  bool open = false;                 // served on reserved connections too
  const MakeSink* sink = nullptr;    // where its body goes; null: into Request::body. Outlives the server
  const Dialect* dialect = nullptr;  // of errors on the way; null: the service's
};

/// What a server does with requests. Must not throw.
struct Service {
  /// Of errors before a request is admitted.
  const Dialect* dialect = &kPlain;
  /// On a network thread, when the head is there; must be short.
  std::function<Admission(Request&)> admit;
  /// On a worker, when the body is there, or on a network thread where it was admitted as quick.
  std::function<Reply(Request&, const Wake&)> answer;
  /// On a network thread, when all is over.
  std::function<void(const Exchange&)> observe;
  /// Told what an operator should know, on any thread.
  std::function<void(const std::string&)> warn = {};
};

class Server {
 public:
  /// Listens at once. TLS files are read again when they change; what cannot be read changes nothing.
  ///
  /// Throws   kExists when the port is in use; kInvalidArgument on an address that cannot be listened on; what
  ///          TlsIdentity throws.
  Server(const ServerConfig& config, Service service);
  /// Closes every connection; running answers are destroyed, that is cancelled. Waits for handlers that run.
  ~Server();
  Server(const Server&) = delete;
  int port() const;
  /// Stops accepting, closes idle connections, and lets running exchanges finish. False when the deadline passed first.
  bool drain(std::chrono::milliseconds deadline);
  bool draining() const;
  int64_t connections() const;
  /// Requests that wait for a worker.
  int64_t queued() const;

  struct State;

 private:
  std::unique_ptr<State> state_;
};

}  // namespace maru::http
