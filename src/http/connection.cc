#include "http/connection.h"

#include <boost/asio/post.hpp>

#include "http/chunks.h"
#include "http/download.h"
#include "http/websocket_session.h"
#include "http/work.h"

namespace maru::http {
namespace {

constexpr uint64_t kUnwantedBodyBytes = 16 << 10;  // of requests that need none
constexpr size_t kReadBytes = 16 << 10;
constexpr std::string_view kContinue = "HTTP/1.1 100 Continue\r\n\r\n";

Problem too_long_head(std::string_view what) {
  return {.status = 431, .message = "request head: " + std::string(what), .word = "head_too_large"};
}

Problem too_long_body(uint64_t limit) {
  return {.status = 413,
          .message = "request body is longer than " + std::to_string(limit) + " bytes (http.max_body_bytes)",
          .word = "body_too_large"};
}

Problem plain_http() {
  return {.status = 400, .message = "this port speaks TLS: ask for https://", .word = "tls_required"};
}

Problem malformed_error(const Error& error) {
  return {.status = 400, .message = error.message, .word = "malformed_request"};
}

}  // namespace

Connection::Connection(Server::State& server, std::shared_ptr<ClientSocket> client, std::string peer, bool local_peer,
                       bool reserved)
    : server_(server),
      client_(std::move(client)),
      peer_(std::move(peer)),
      local_peer_(local_peer),
      reserved_(reserved),
      dialect_(server.service.dialect),
      idle_since_(Clock::now().time_since_epoch().count()) {}

Connection::~Connection() { server_.forget(*this); }

asio::awaitable<void> Connection::run() {
  const auto self = shared_from_this();
  const ClientSocket::Greeting greeting = co_await client_->greet();
  if (greeting == ClientSocket::Greeting::kPlainHttp) co_await refuse(plain_http());
  if (greeting == ClientSocket::Greeting::kReady)
    while (co_await serve_one()) continue;
  if (dialogue_ && !client_->gone()) {
    WebSocketSession session(server_, client_, *dialogue_, [this](bool idle) {
      idle_since_ = idle ? Clock::now().time_since_epoch().count() : kBusy;
    });
    co_await session.run();
  }
  client_->close();
}

void Connection::post_close(bool idle_only) {
  asio::post(client_->executor(), [self = weak_from_this(), idle_only] {
    if (const auto connection = self.lock()) connection->close(idle_only);
  });
}

void Connection::close(bool idle_only) {
  if (idle_only && !idle()) return server_.keep(*this);
  if (dialogue_ && idle()) client_->probe(close_frame(CloseStatus::kGoingAway, "the server needs the place"));
  client_->close();
}

asio::awaitable<bool> Connection::serve_one() {
  Head head;
  dialect_ = server_.service.dialect;
  std::optional<Problem> error = co_await read_head(head);
  if (vanished_) co_return false;
  if (error) co_return co_await refuse(std::move(*error));
  const auto begin = Clock::now();
  client_->begin_answer();
  const bool last = ++requests_ >= server_.config.max_requests_per_connection;
  const Framing framing{.keep_alive = head.keep_alive && !last && !server_.draining,
                        .chunked_allowed = head.http11,
                        .head_only = head.request.method == Method::kHead};
  Exchange exchange{.method = head.request.method};
  const bool go_on = co_await serve(std::move(head), framing, exchange);
  exchange.seconds = seconds_since(begin);
  if (client_->gone()) exchange.status = 499;
  if (server_.service.observe && exchange.status != 0) server_.service.observe(exchange);
  co_return go_on;
}

asio::awaitable<Code> Connection::wait_for_request() {
  Code code;
  idle_since_ = Clock::now().time_since_epoch().count();
  if (!client_->unread().empty()) co_return code;
  if (server_.draining) co_return asio::error::eof;
  const ServerConfig& config = server_.config;
  client_->arm(requests_ == 0 ? std::min(config.head_timeout_seconds, config.idle_timeout_seconds)
                              : config.idle_timeout_seconds);
  code = co_await client_->wait_readable();
  client_->disarm();
  co_return code;
}

/// What a failed read means: an answer, or nothing where there is nobody to read it.
std::optional<Problem> Connection::arrival_error(const Code& code, std::string_view what) {
  if (code == asio::error::operation_aborted && !client_->gone())
    return Problem{.status = 408, .message = std::string(what) + " did not arrive in time", .word = "request_timeout"};
  vanished_ = true;
  return std::nullopt;
}

asio::awaitable<std::optional<Problem>> Connection::read_head(Head& head) {
  if (co_await wait_for_request()) {
    vanished_ = true;
    co_return std::nullopt;
  }
  HeadScanner scanner(server_.config.max_header_fields);
  client_->arm(server_.config.head_timeout_seconds);
  const auto limit = static_cast<size_t>(server_.config.max_header_bytes);
  size_t size = 0;
  while (size == 0) {
    const Result<size_t> scanned = scanner.scan(client_->unread().substr(0, limit));
    if (!scanned && scanned.error().code == ErrorCode::kExhausted) co_return too_long_head(scanned.error().message);
    if (!scanned) co_return malformed_error(scanned.error());
    size = scanned.value();
    if (size > 0) break;
    if (client_->unread().size() >= limit)
      co_return too_long_head("longer than " + std::to_string(limit) + " bytes (http.max_header_bytes)");
    if (const Code code = co_await client_->read_more(kReadBytes)) co_return arrival_error(code, "the request head");
  }
  client_->disarm();
  idle_since_ = kBusy;
  Result<Head> parsed = parse_head(client_->unread().substr(0, size));
  client_->consume(size);
  if (!parsed) co_return malformed_error(parsed.error());
  head = std::move(*parsed);
  co_return std::nullopt;
}

Admission Connection::admit(Head& head) {
  head.request.peer = peer_;
  head.request.local_peer = local_peer_;
  head.request.secure = client_->is_secure();
  Admission admission;
  if (server_.service.admit) admission = server_.service.admit(head.request);
  if (admission.dialect != nullptr) dialect_ = admission.dialect;
  if (admission.refusal) return admission;
  if (reserved_ && server_.has_room()) reserved_ = false;
  if (reserved_ && !admission.open) {
    admission.refusal.emplace();
    admission.refusal->answer = in_words(overloaded("all " + std::to_string(server_.config.max_connections) +
                                                    " connections are in use (http.max_connections)"));
  } else if (!head.request.header("expect").empty() && head.http11 && !head.expects_continue) {
    admission.refusal.emplace();
    admission.refusal->answer = in_words(
        {.status = 417, .message = "Expect: this server knows only 100-continue", .word = "expectation_failed"});
  }
  return admission;
}

asio::awaitable<bool> Connection::serve(Head head, Framing framing, Exchange& exchange) {
  Admission admission = admit(head);
  exchange.route = admission.route;
  exchange.peer = peer_;
  if (head.request.principal) exchange.key = head.request.principal->key;
  exchange.record = head.request.record;
  const uint64_t limit =
      admission.wants_body ? static_cast<uint64_t>(server_.config.max_body_bytes) : kUnwantedBodyBytes;
  if (!admission.refusal && admission.sink == nullptr && head.length > limit) {
    admission.refusal.emplace();
    admission.refusal->answer = in_words(too_long_body(limit));
  }
  if (admission.refusal && head.has_body()) co_return co_await refuse(std::move(*admission.refusal), framing, exchange);
  if (admission.refusal) co_return co_await send(std::move(*admission.refusal), framing, exchange);
  const auto work = std::make_shared<Work>(server_, client_->wake());
  head.request.stop = work->request.stop;
  work->request = std::move(head.request);
  if (admission.sink != nullptr) co_return co_await serve_upload(head, work, *admission.sink, framing, exchange);
  if (head.has_body()) {
    std::optional<Problem> error = co_await read_body(head, limit, *work);
    if (vanished_) exchange.status = 499;
    if (vanished_) co_return false;
    if (error) {
      Reply reply;
      reply.answer = in_words(*error);
      co_return co_await refuse(std::move(reply), framing, exchange);
    }
  }
  co_return co_await answer(work, admission.quick, framing, exchange);
}

/// Asks for the body where the client waits to be asked; false when it is gone.
asio::awaitable<bool> Connection::say_continue(const Head& head) {
  if (!head.expects_continue || !client_->unread().empty()) co_return true;
  const bool written = co_await client_->write(kContinue);
  vanished_ = !written;
  co_return written;
}

asio::awaitable<std::optional<Problem>> Connection::read_body(const Head& head, uint64_t limit, Work& work) {
  const bool asked = co_await say_continue(head);
  if (!asked) co_return std::nullopt;
  if (head.chunked) co_return co_await read_chunks(limit, work);
  co_return co_await read_sized(head.length, work);
}

asio::awaitable<std::optional<Problem>> Connection::read_sized(uint64_t length, Work& work) {
  std::string& body = work.request.body;
  Patience patience(server_.config.read_timeout_seconds, client_->rate());
  while (body.size() < length) {
    const size_t size = body.size(), step = std::min<uint64_t>(length - size, 4 * kReadBytes);
    if (!work.share.grow_to(size + step))
      co_return overloaded("too many request bodies at once (http.max_bodies_bytes)");
    const auto begin = Clock::now();
    client_->arm(patience.left());
    const Code code = co_await client_->read_into(body, step);
    client_->disarm();
    patience.spend(seconds_since(begin), body.size() - size);
    if (code) co_return arrival_error(code, "the request body");
  }
  co_return std::nullopt;
}

asio::awaitable<std::optional<Problem>> Connection::read_chunks(uint64_t limit, Work& work) {
  std::string& body = work.request.body;
  ChunkDecoder decoder(limit, static_cast<uint64_t>(server_.config.max_header_bytes));
  Patience patience(server_.config.read_timeout_seconds, client_->rate());
  for (;;) {
    const Result<size_t> taken = decoder.feed(client_->unread(), body);
    if (!taken && taken.error().code == ErrorCode::kExhausted) co_return too_long_body(limit);
    if (!taken) co_return malformed_error(taken.error());
    client_->consume(taken.value());
    if (decoder.done()) co_return std::nullopt;
    if (!work.share.grow_to(body.size() + kReadBytes))
      co_return overloaded("too many request bodies at once (http.max_bodies_bytes)");
    const Code code = co_await client_->read_more(kReadBytes, patience);
    if (code) co_return arrival_error(code, "the request body");
  }
}

/// After bytes that are not HTTP the connection cannot go on.
asio::awaitable<bool> Connection::refuse(Problem error) {
  client_->begin_answer();
  Exchange exchange;
  Reply reply;
  reply.answer = in_words(error);
  co_await refuse(std::move(reply), {}, exchange);
  if (server_.service.observe) server_.service.observe(exchange);
  co_return false;
}

/// Answers without reading what else the client sends.
asio::awaitable<bool> Connection::refuse(Reply reply, Framing framing, Exchange& exchange) {
  framing.keep_alive = false;
  co_await send(std::move(reply), framing, exchange);
  idle_since_ = Clock::now().time_since_epoch().count();  // whoever needs the place may have it
  co_await client_->linger();
  co_return false;
}

asio::awaitable<bool> Connection::answer(std::shared_ptr<Work> work, bool quick, Framing framing, Exchange& exchange) {
  client_->forget_wake();
  if (quick) {
    work->run();
    co_return co_await send(std::move(work->reply), framing, exchange);
  }
  work->request.waits = server_.workers.get();
  if (work->request.sink != nullptr) {  // it was let in long ago
    server_.workers->push(work);
  } else if (!server_.workers->try_push(work)) {
    Reply reply;
    reply.answer = in_words(no_worker(server_.config));
    co_return co_await send(std::move(reply), framing, exchange);
  }
  client_->start_watch();
  const bool go_on = co_await answer_watched(work, framing, exchange);
  co_await client_->stop_watch();
  co_return go_on;
}

/// Ends with the answer destroyed: cancelled if it has not ended.
asio::awaitable<bool> Connection::answer_watched(std::shared_ptr<Work> work, Framing framing, Exchange& exchange) {
  while (!work->finished && !client_->gone()) co_await wait_before_head(framing);
  if (client_->gone()) {
    work->stop.request_stop();
    if (server_.workers->remove(work.get()) && work->request.sink != nullptr)
      server_.files->push(std::make_shared<Disposal>(std::move(work->request.sink)));
    exchange.status = 499;
    co_return false;
  }
  Reply reply = std::move(work->reply);
  co_return co_await send(std::move(reply), framing, exchange);
}

asio::awaitable<bool> Connection::send(Reply reply, Framing framing, Exchange& exchange) {
  if (!reply.route.empty()) exchange.route = reply.route;
  exchange.request_id = request_id_of(reply.headers);
  if (const Response* response = std::get_if<Response>(&reply.answer)) {
    exchange.status = response->status;
    const std::string message = message_of(*response, reply.headers, framing);
    const bool written = co_await client_->write(message);
    co_return written&& framing.keep_alive;
  }
  if (auto* pending = std::get_if<std::unique_ptr<Pending>>(&reply.answer)) {
    const auto encoding = std::make_shared<Encoding>(std::move(*pending), *dialect_, client_->wake());
    co_return co_await send_when_ready(encoding, reply.headers, framing, exchange);
  }
  if (auto* dialogue = std::get_if<Dialogue>(&reply.answer))
    co_return co_await open(std::move(*dialogue), reply.headers, framing, exchange);
  if (auto* file = std::get_if<FileAnswer>(&reply.answer))
    co_return co_await send_file(std::move(*file), reply.headers, framing, exchange);
  exchange.status = 200;
  EventStream& events = *std::get<std::unique_ptr<EventStream>>(reply.answer);
  co_return co_await stream(events, reply.headers, framing);
}

/// Switches to WebSocket; what follows is no request of HTTP any more, so none is served after it.
asio::awaitable<bool> Connection::open(Dialogue dialogue, const Headers& more, Framing framing, Exchange& exchange) {
  std::optional<Problem> problem = upgrade_problem(dialogue.opening);
  if (!problem && !framing.chunked_allowed) problem = upgrade_problem({});  // HTTP/1.0 has no upgrade
  if (problem) {
    Reply refusal{in_words(*problem), more};
    if (problem->status == 426)
      refusal.headers.insert(refusal.headers.end(), {{"Upgrade", "websocket"}, {"Sec-WebSocket-Version", "13"}});
    co_return co_await send(std::move(refusal), framing, exchange);
  }
  exchange.status = 101;
  const std::string head = upgrade_head(dialogue.opening, more);
  if (co_await client_->write(head)) dialogue_ = std::move(dialogue);
  co_return false;
}

asio::awaitable<bool> Connection::send_when_ready(std::shared_ptr<Encoding> encoding, const Headers& more,
                                                  Framing framing, Exchange& exchange) {
  while (!client_->gone() && !encoding->pending->ready()) co_await wait_before_head(framing);
  if (client_->gone()) co_return false;
  server_.workers->push(encoding);
  while (!client_->gone() && !encoding->finished) co_await wait_before_head(framing);
  if (client_->gone()) {
    server_.workers->remove(encoding.get());
    co_return false;
  }
  exchange.status = encoding->response.status;
  const std::string message = message_of(encoding->response, more, framing);
  const bool written = co_await client_->write(message);
  co_return written&& framing.keep_alive&& framing.chunked_allowed;
}

/// Waits for news while nothing of the answer is sent yet.
asio::awaitable<void> Connection::wait_before_head(Framing framing) {
  co_await client_->wait_for_wake();
  // Any number of interim responses may come before the answer (RFC 9110 §15.2); HTTP/1.0 knows none.
  if (client_->wants_probe() && framing.chunked_allowed) client_->probe(kContinue);
}

asio::awaitable<bool> Connection::stream(EventStream& events, const Headers& more, Framing framing) {
  framing.keep_alive &= framing.chunked_allowed;
  const StreamForm form = events.form();
  std::string bytes = stream_head(form.content_type, more, framing);
  std::string data;
  const double seconds = server_.config.heartbeat_seconds;
  const auto silence = std::chrono::duration_cast<Clock::duration>(Seconds(seconds > 0 ? seconds : 1e9));
  auto heartbeat = Clock::now() + silence;  // when something must be sent for the client to know that we are there
  for (bool open = true; open && !client_->gone();) {
    data.clear();
    client_->forget_wake();
    open = events.take(data);
    const bool due = client_->wants_probe() || Clock::now() >= heartbeat;
    if (data.empty() && open && due) data = form.idle;
    if (!data.empty()) heartbeat = Clock::now() + silence;
    bytes += chunk_of(data, framing);
    if (!open) bytes += last_chunk(framing);
    co_await client_->write(bytes);
    bytes.clear();
    if (open && data.empty()) co_await client_->wait_for_wake(heartbeat);
  }
  co_return !client_->gone() && framing.keep_alive;
}

asio::awaitable<void> refuse_connection(Server::State& server, std::shared_ptr<ClientSocket> client, Problem error) {
  constexpr int64_t kMostLingering = 64;
  const bool listens = ++server.lingering <= kMostLingering;
  if (listens && co_await client->greet() != ClientSocket::Greeting::kGone) {
    const std::string message = message_of(to_response(error, *server.service.dialect), {}, {.keep_alive = false});
    co_await client->write(message);
    co_await client->linger();
  }
  --server.lingering;
  client->close();
}

}  // namespace maru::http
