// The only file that sees Boost.Asio and Beast (Beast parses requests; heads and chunks of responses are written here).
//
// Each connection is one coroutine on its own strand. While an answer is pending, a second coroutine reads the socket:
// it keeps pipelined bytes for later and notices at once when the client goes away.
#include "server/http_server.h"  // brings <utility>, which awaitable.hpp needs and does not include

#ifdef __SANITIZE_THREAD__
#define BOOST_ASIO_DISABLE_FENCED_BLOCK  // the sanitizer does not know fences; the queues are under mutexes anyway
#endif
#include <boost/asio/awaitable.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/asio/write.hpp>
#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/http.hpp>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <unordered_set>

#include "server/api_error.h"
#include "server/http_message.h"

namespace maru::server {
namespace {

namespace asio = boost::asio;
namespace beast = boost::beast;
namespace http = boost::beast::http;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Seconds = std::chrono::duration<double>;
using Clock = std::chrono::steady_clock;
using Parser = http::request_parser<http::string_body>;

auto into(Code& code) { return asio::redirect_error(asio::use_awaitable, code); }

Method method_of(http::verb verb) {
  switch (verb) {
    case http::verb::get: return Method::kGet;
    case http::verb::head: return Method::kHead;
    case http::verb::post: return Method::kPost;
    case http::verb::put: return Method::kPut;
    case http::verb::patch: return Method::kPatch;
    case http::verb::delete_: return Method::kDelete;
    case http::verb::options: return Method::kOptions;
    default: return Method::kOther;
  }
}

std::string to_string(beast::string_view text) { return {text.data(), text.size()}; }

Headers headers_of(const http::fields& fields) {
  Headers headers;
  for (const auto& field : fields) {
    std::string name = to_string(field.name_string());
    for (char& c : name) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c;
    headers.emplace_back(std::move(name), to_string(field.value()));
  }
  return headers;
}

Result<Request> to_request(http::request<http::string_body>&& message) {
  Request request;
  request.method = method_of(message.method());
  const std::string target = to_string(message.target());
  if (Outcome parsed = parse_target(target, request); !parsed) return parsed.error();
  request.headers = headers_of(message.base());
  request.body = std::move(message.body());
  return request;
}

ApiError read_error(const Code& code) {
  if (code == http::error::body_limit)
    return {.status = 413, .message = "request body is larger than this server accepts", .code = "body_too_large"};
  if (code == http::error::header_limit || code == http::error::buffer_overflow)
    return {.status = 431, .message = "request head is larger than this server accepts", .code = "head_too_large"};
  if (code == asio::error::operation_aborted)
    return {.status = 408, .message = "the request did not arrive in time", .code = "request_timeout"};
  return {.status = 400, .message = "malformed HTTP request: " + code.message(), .code = "malformed_request"};
}

}  // namespace

class Connection;

struct HttpServer::State {
  State(const HttpConfig& c, Dispatch d, Observer o) : config(c), dispatch(std::move(d)), observer(std::move(o)) {}
  void listen();
  asio::awaitable<void> accept_loop();
  void start(tcp::socket socket);
  void forget(Connection* connection);
  void close_connections(bool idle_only);

  const HttpConfig config;
  const Dispatch dispatch;
  const Observer observer;
  std::atomic<bool> draining{false};
  int port = 0;
  std::mutex mutex;  // guards connections
  std::condition_variable all_gone;
  std::unordered_set<Connection*> connections;
  asio::io_context io;  // after what connections touch when they die with it
  tcp::acceptor acceptor{asio::make_strand(io)};
  std::vector<std::thread> threads;
};

/// One client. Everything but the constructor runs on the connection's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(HttpServer::State& server, tcp::socket socket)
      : server_(server),
        socket_(std::move(socket)),
        deadline_(socket_.get_executor()),
        signal_(socket_.get_executor()) {}
  ~Connection() { server_.forget(this); }

  asio::awaitable<void> run() {
    const auto self = shared_from_this();
    Code ignored;
    socket_.set_option(tcp::no_delay(true), ignored);
    socket_.non_blocking(true, ignored);
    while (co_await serve_one()) continue;
    socket_.shutdown(tcp::socket::shutdown_send, ignored);
  }

  /// Called from any thread.
  void post_close(bool idle_only) {
    asio::post(socket_.get_executor(), [self = weak_from_this(), idle_only] {
      if (const auto connection = self.lock()) connection->close(idle_only);
    });
  }

 private:
  HttpServer::State& server_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer signal_;  // cancelled to wake the coroutine that awaits an answer
  beast::flat_buffer buffer_;
  bool idle_ = false, gone_ = false, awake_ = false, closed_ = false;
  bool watch_wanted_ = false, watch_runs_ = false;

  void close(bool idle_only) {
    if (idle_only && !idle_) return;
    gone_ = closed_ = true;
    Code ignored;
    socket_.close(ignored);
    signal_.cancel();
  }

  /// Aborts whatever the socket waits for when the time is up. Replaces the deadline before it.
  void arm(double seconds) {
    deadline_.expires_after(std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
    deadline_.async_wait([self = weak_from_this()](const Code& code) {
      const auto connection = self.lock();
      Code ignored;
      if (!code && connection && connection->deadline_.expiry() <= Clock::now()) connection->socket_.cancel(ignored);
    });
  }
  void disarm() { deadline_.expires_at(Clock::time_point::max()); }

  asio::awaitable<bool> write(std::string_view bytes) {
    Code code;
    while (!bytes.empty() && !gone_) {
      arm(server_.config.write_timeout_seconds);  // for each part, so that a slow client that reads is not cut off
      bytes.remove_prefix(co_await socket_.async_write_some(asio::buffer(bytes), into(code)));
      if (code) gone_ = true;
    }
    disarm();
    co_return !gone_;
  }

  asio::awaitable<Code> wait_for_request() {
    Code code;
    if (buffer_.size() > 0) co_return code;
    if (server_.draining) co_return asio::error::eof;
    idle_ = true;
    arm(server_.config.idle_timeout_seconds);
    co_await socket_.async_wait(tcp::socket::wait_read, into(code));
    idle_ = false;
    co_return code;
  }

  asio::awaitable<Code> read_request(Parser& parser) {
    Code code = co_await wait_for_request();
    if (code) co_return asio::error::eof;  // idle too long, or closed
    arm(server_.config.read_timeout_seconds);
    co_await http::async_read_header(socket_, buffer_, parser, into(code));
    if (!code && beast::iequals(parser.get()[http::field::expect], "100-continue"))
      co_await asio::async_write(socket_, asio::buffer("HTTP/1.1 100 Continue\r\n\r\n", 25), into(code));
    if (!code) co_await http::async_read(socket_, buffer_, parser, into(code));
    disarm();
    co_return code;
  }

  /// Reads and answers one request; false when the connection ends here.
  asio::awaitable<bool> serve_one() {
    Parser parser;
    parser.header_limit(static_cast<uint32_t>(server_.config.max_header_bytes));
    parser.body_limit(static_cast<uint64_t>(server_.config.max_body_bytes));
    const Code code = co_await read_request(parser);
    const bool vanished = closed_ || code == asio::error::eof || code == asio::error::connection_reset ||
                          code == http::error::end_of_stream || code == http::error::partial_message;
    if (vanished) co_return false;
    if (code) co_return co_await refuse_request(read_error(code));
    const auto begin = Clock::now();
    const Framing framing{.keep_alive = parser.get().keep_alive() && !server_.draining,
                          .chunked_allowed = parser.get().version() >= 11,
                          .head_only = parser.get().method() == http::verb::head};
    Result<Request> request = to_request(parser.release());
    if (!request) co_return co_await refuse_request(to_api_error(request.error()));
    Exchange exchange{.method = request->method};
    const bool go_on = co_await answer(*request, framing, exchange);
    exchange.seconds = Seconds(Clock::now() - begin).count();
    if (gone_) exchange.status = 499;
    if (server_.observer) server_.observer(exchange);
    co_return go_on;
  }

  /// After bytes that are not HTTP the connection cannot go on.
  asio::awaitable<bool> refuse_request(ApiError error) {
    if (server_.observer) server_.observer({.status = error.status});
    const std::string message = message_of(to_response(error), {}, {.keep_alive = false});
    co_await write(message);
    co_await drain_input();
    co_return false;
  }

  /// Closing with unread bytes would reset the connection before the client has read the answer.
  asio::awaitable<void> drain_input() {
    Code code;
    socket_.shutdown(tcp::socket::shutdown_send, code);
    arm(1);
    char bytes[4096];
    for (size_t total = 0; !code && total < (1 << 20);)
      total += co_await socket_.async_read_some(asio::buffer(bytes), into(code));
    disarm();
  }

  asio::awaitable<bool> answer(Request& request, const Framing& framing, Exchange& exchange) {
    awake_ = false;
    Reply reply = server_.dispatch(request, wake());
    exchange.route = reply.route;
    if (const Response* response = std::get_if<Response>(&reply.answer)) {
      exchange.status = response->status;
      const std::string message = message_of(*response, reply.headers, framing);
      const bool written = co_await write(message);
      co_return written&& framing.keep_alive;
    }
    start_watch();
    const bool written = co_await answer_later(reply, framing, exchange);
    reply.answer = Response{};  // destroys the answer: cancels it if it has not ended
    co_await stop_watch();
    co_return written&& framing.keep_alive&& framing.chunked_allowed;
  }

  asio::awaitable<bool> answer_later(Reply& reply, const Framing& framing, Exchange& exchange) {
    if (auto* pending = std::get_if<std::unique_ptr<Pending>>(&reply.answer)) {
      std::optional<Response> response = (*pending)->poll();
      for (; !response && !gone_; response = (*pending)->poll()) co_await wait_for_wake();
      if (gone_) co_return false;
      exchange.status = response->status;
      const std::string message = message_of(*response, reply.headers, framing);
      co_return co_await write(message);
    }
    exchange.status = 200;
    EventStream& events = *std::get<std::unique_ptr<EventStream>>(reply.answer);
    co_return co_await stream(events, reply.headers, framing);
  }

  asio::awaitable<bool> stream(EventStream& events, const Headers& more, Framing framing) {
    framing.keep_alive &= framing.chunked_allowed;
    std::string bytes = stream_head(more, framing);
    std::string data;
    for (bool open = true; open && !gone_;) {
      data.clear();
      awake_ = false;
      open = events.take(data);
      bytes += chunk_of(data, framing);
      if (!open) bytes += last_chunk(framing);
      co_await write(bytes);
      bytes.clear();
      if (open && data.empty()) co_await wait_for_wake();
    }
    co_return !gone_;
  }

  /// Holds nothing of the server, so it may outlive it.
  Wake wake() {
    return [self = weak_from_this()] {
      const auto connection = self.lock();
      if (!connection) return;
      asio::post(connection->socket_.get_executor(), [connection] {
        connection->awake_ = true;
        connection->signal_.cancel();
      });
    };
  }

  asio::awaitable<void> wait_for_wake() {
    Code code;
    if (!awake_ && !gone_) {
      signal_.expires_at(Clock::time_point::max());
      co_await signal_.async_wait(into(code));
    }
    awake_ = false;
  }

  void start_watch() {
    watch_wanted_ = watch_runs_ = true;
    asio::co_spawn(
        socket_.get_executor(), [self = shared_from_this()] { return self->watch(); }, asio::detached);
  }

  /// Notices that the client goes away. Stops looking when a client pipelines more than a request head's worth.
  asio::awaitable<void> watch() {
    const auto self = shared_from_this();
    Code code;
    while (!code && watch_wanted_ && buffer_.size() < static_cast<size_t>(server_.config.max_header_bytes)) {
      co_await socket_.async_wait(tcp::socket::wait_read, into(code));
      if (!code && watch_wanted_) code = read_ahead();
    }
    watch_runs_ = false;
    signal_.cancel();
    Code ignored;
    if (gone_) socket_.cancel(ignored);  // a write that the client will never read
  }

  Code read_ahead() {
    Code code;
    buffer_.commit(socket_.read_some(buffer_.prepare(4096), code));
    if (code == asio::error::would_block) code.clear();
    if (code) gone_ = true;
    return code;
  }

  asio::awaitable<void> stop_watch() {
    watch_wanted_ = false;
    Code ignored;
    socket_.cancel(ignored);
    while (watch_runs_) {
      signal_.expires_at(Clock::time_point::max());
      co_await signal_.async_wait(into(ignored));
    }
  }
};

namespace {

asio::awaitable<void> refuse(tcp::socket socket) {
  Code code;
  const std::string text = message_of(
      to_response({.status = 503, .message = "too many connections", .type = "server_error", .code = "overloaded"}), {},
      {.keep_alive = false});
  co_await asio::async_write(socket, asio::buffer(text), into(code));
}

[[noreturn]] void cannot_listen(const HttpConfig& config, const Code& code) {
  const std::string where = config.address + ":" + std::to_string(config.port);
  if (code == asio::error::address_in_use)
    throw Failure(ErrorCode::kExists,
                  "cannot listen on " + where + ": the port is in use; stop the other server or choose another port");
  throw Failure(ErrorCode::kInvalidArgument, "cannot listen on " + where + ": " + code.message());
}

}  // namespace

void HttpServer::State::listen() {
  Code code;
  const std::string numeric = config.address == "localhost" ? "127.0.0.1" : config.address;
  const auto address = asio::ip::make_address(numeric, code);
  if (code) cannot_listen(config, code);
  const tcp::endpoint endpoint(address, static_cast<uint16_t>(config.port));
  acceptor.open(endpoint.protocol(), code);
  if (!code) acceptor.set_option(tcp::acceptor::reuse_address(true), code);
  if (!code) acceptor.bind(endpoint, code);
  if (!code) acceptor.listen(tcp::socket::max_listen_connections, code);
  if (code) cannot_listen(config, code);
  port = acceptor.local_endpoint().port();
}

asio::awaitable<void> HttpServer::State::accept_loop() {
  while (acceptor.is_open()) {
    Code code;
    tcp::socket socket = co_await acceptor.async_accept(asio::make_strand(io), into(code));
    if (!code) {
      start(std::move(socket));
    } else if (acceptor.is_open()) {  // out of file descriptors: let connections end first
      asio::steady_timer pause(acceptor.get_executor(), std::chrono::milliseconds(50));
      co_await pause.async_wait(into(code));
    }
  }
}

void HttpServer::State::start(tcp::socket socket) {
  const auto executor = socket.get_executor();
  std::shared_ptr<Connection> connection;
  {
    std::lock_guard lock(mutex);
    if (static_cast<int64_t>(connections.size()) < config.max_connections) {
      connection = std::make_shared<Connection>(*this, std::move(socket));
      connections.insert(connection.get());
    }
  }
  if (connection)
    asio::co_spawn(
        executor, [connection] { return connection->run(); }, asio::detached);
  else
    asio::co_spawn(executor, refuse(std::move(socket)), asio::detached);
}

void HttpServer::State::forget(Connection* connection) {
  std::lock_guard lock(mutex);
  connections.erase(connection);
  all_gone.notify_all();
}

void HttpServer::State::close_connections(bool idle_only) {
  std::lock_guard lock(mutex);
  for (Connection* connection : connections) connection->post_close(idle_only);
}

HttpServer::HttpServer(const HttpConfig& config, Dispatch dispatch, Observer observer)
    : state_(std::make_unique<State>(config, std::move(dispatch), std::move(observer))) {
  state_->listen();
  asio::co_spawn(state_->acceptor.get_executor(), state_->accept_loop(), asio::detached);
  for (int64_t i = 0; i < config.threads; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->io.run(); });
}

HttpServer::~HttpServer() {
  drain(std::chrono::milliseconds(0));
  state_->io.stop();
  for (std::thread& thread : state_->threads) thread.join();
}

int HttpServer::port() const { return state_->port; }

bool HttpServer::drain(std::chrono::milliseconds deadline) {
  state_->draining = true;
  asio::post(state_->acceptor.get_executor(), [state = state_.get()] {
    Code ignored;
    state->acceptor.close(ignored);
  });
  state_->close_connections(true);
  std::unique_lock lock(state_->mutex);
  const bool finished = state_->all_gone.wait_for(lock, deadline, [&] { return state_->connections.empty(); });
  lock.unlock();
  if (!finished) state_->close_connections(false);
  return finished;
}

bool HttpServer::draining() const { return state_->draining; }

int64_t HttpServer::connections() const {
  std::lock_guard lock(state_->mutex);
  return static_cast<int64_t>(state_->connections.size());
}

}  // namespace maru::server
