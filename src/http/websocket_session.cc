#include "http/websocket_session.h"

#include <utility>

#include "http/message.h"
#include "http/work.h"

namespace maru::http {
namespace {

constexpr size_t kReadBytes = 16 << 10;
constexpr std::string_view kData = "data: ", kDone = "[DONE]";

/// Of the opening request, what says something about those that follow.
bool is_kept(const std::string& header) {
  for (const char* own : {"connection", "upgrade", "content-type", "content-length", "expect"})
    if (header == own) return false;
  return !header.starts_with("sec-websocket-");
}

}  // namespace

WebSocketSession::WebSocketSession(Server::State& server, std::shared_ptr<ClientSocket> client,
                                   const Dialogue& dialogue, std::function<void(bool)> set_idle)
    : server_(server),
      client_(std::move(client)),
      dialogue_(dialogue),
      set_idle_(std::move(set_idle)),
      dialect_(server.service.dialect),
      reader_(static_cast<uint64_t>(server.config.max_body_bytes)),
      share_(server.body_bytes, server.config.max_bodies_bytes),
      patience_(server.config.read_timeout_seconds, client_->rate()) {}

asio::awaitable<void> WebSocketSession::run() {
  while (std::optional<std::string> message = co_await next_message()) co_await answer(std::move(*message));
  if (client_->gone()) co_return;
  set_idle_(true);
  co_await client_->linger();
}

/// None: one of the two closes, or the client is gone.
asio::awaitable<std::optional<std::string>> WebSocketSession::next_message() {
  set_idle_(true);
  patience_ = Patience(server_.config.read_timeout_seconds, client_->rate());
  bool pinged = false;
  for (;;) {
    take_frames();
    if (server_.draining && !message_) close(CloseStatus::kGoingAway, "the server ends");
    co_await flush();
    if (left()) co_return std::nullopt;
    if (message_) break;
    const bool there = co_await read(pinged);
    if (!there) co_return std::nullopt;
  }
  set_idle_(false);
  share_.release();
  co_return std::exchange(message_, std::nullopt);
}

/// Adds to what the client sent. A silent one is asked whether it is still there, once. False when it is not.
asio::awaitable<bool> WebSocketSession::read(bool& pinged) {
  const ServerConfig& config = server_.config;
  const bool in_message = reader_.in_message();
  if (in_message && !share_.grow_to(reader_.held() + kReadBytes)) {
    close(CloseStatus::kTryLater, "too many request bodies at once (http.max_bodies_bytes)");
    co_return true;
  }
  const double silence =
      pinged || config.heartbeat_seconds == 0 ? config.idle_timeout_seconds : config.heartbeat_seconds;
  const auto begin = Clock::now();
  client_->arm(in_message ? patience_.left() : silence);
  const size_t before = client_->unread().size();
  const Code code = co_await client_->read_more(kReadBytes);
  client_->disarm();
  if (in_message) patience_.spend(seconds_since(begin), client_->unread().size() - before);
  if (code && (code != asio::error::operation_aborted || client_->gone())) co_return false;
  if (code && in_message) close(CloseStatus::kRefused, "the message did not arrive in time");
  if (code && !in_message && pinged) co_return false;
  if (code && !in_message) out_ += frame_of(Frame::Kind::kPing, {});
  pinged = static_cast<bool>(code);
  co_return true;
}

/// Looks at what came, up to one whole message.
void WebSocketSession::take_frames() {
  while (!message_ && !closed_ && !client_->unread().empty()) {
    client_->consume(reader_.feed(client_->unread()));
    if (const auto& fault = reader_.fault()) return close(fault->status, fault->reason);
    if (std::optional<Frame> frame = reader_.frame()) take(std::move(*frame));
  }
}

void WebSocketSession::take(Frame frame) {
  switch (frame.kind) {
    case Frame::Kind::kText: message_ = std::move(frame.data); break;
    case Frame::Kind::kBinary: close(CloseStatus::kUnacceptable, "expected text"); break;
    case Frame::Kind::kPing: out_ += frame_of(Frame::Kind::kPong, frame.data); break;
    case Frame::Kind::kPong: break;
    case Frame::Kind::kClose: close(answer_to_close(frame.data), {}); break;
  }
}

void WebSocketSession::close(CloseStatus status, std::string_view reason) {
  if (!std::exchange(closed_, true)) out_ += close_frame(status, reason);
}

asio::awaitable<void> WebSocketSession::flush() {
  if (out_.empty()) co_return;
  client_->begin_answer();
  const std::string bytes = std::exchange(out_, {});
  co_await client_->write(bytes);
}

Request WebSocketSession::request_of(std::string message) const {
  const Request& opening = dialogue_.opening;
  Request request{.method = dialogue_.method,
                  .path = dialogue_.path,
                  .query = opening.query,
                  .headers = {{"content-type", "application/json"}},
                  .body = std::move(message),
                  .authority = opening.authority,
                  .peer = opening.peer,
                  .local_peer = opening.local_peer,
                  .secure = opening.secure,
                  .is_message = true};
  for (const auto& header : opening.headers)
    if (is_kept(header.first)) request.headers.push_back(header);
  return request;
}

asio::awaitable<void> WebSocketSession::answer(std::string message) {
  const auto begin = Clock::now();
  Exchange exchange{.method = dialogue_.method};
  Request request = request_of(std::move(message));
  Admission admission;
  if (server_.service.admit) admission = server_.service.admit(request);
  dialect_ = admission.dialect == nullptr ? server_.service.dialect : admission.dialect;
  exchange.route = admission.route;
  exchange.peer = request.peer;
  if (request.principal) exchange.key = request.principal->key;
  exchange.record = request.record;
  client_->forget_wake();
  client_->start_watch(true);
  if (admission.refusal) {
    co_await send(std::move(*admission.refusal), exchange);
  } else {
    Reply reply = co_await work_on(std::move(request), exchange);
    if (!left()) co_await send(std::move(reply), exchange);
  }
  co_await client_->stop_watch();
  exchange.seconds = seconds_since(begin);
  if (left()) exchange.status = 499;
  if (server_.service.observe) server_.service.observe(exchange);
}

/// Waits for it, and answers control frames meanwhile.
template <class F>
asio::awaitable<void> WebSocketSession::wait_until(F condition) {
  while (!condition() && !left()) {
    co_await client_->wait_for_wake();
    take_frames();
    if (client_->wants_probe()) out_ += frame_of(Frame::Kind::kPing, {});
    co_await flush();
  }
}

asio::awaitable<Reply> WebSocketSession::work_on(Request request, Exchange& exchange) {
  const auto work = std::make_shared<Work>(server_, client_->wake());
  request.stop = work->request.stop;
  request.waits = server_.workers.get();
  work->request = std::move(request);
  Reply refusal;
  if (!server_.workers->try_push(work)) {
    refusal.answer = in_words(no_worker(server_.config));
    co_return refusal;
  }
  co_await wait_until([&] { return work->finished.load(); });
  if (left()) {
    work->stop.request_stop();
    server_.workers->remove(work.get());
    co_return refusal;
  }
  if (!work->reply.route.empty()) exchange.route = work->reply.route;
  co_return std::move(work->reply);
}

asio::awaitable<void> WebSocketSession::send(Reply reply, Exchange& exchange) {
  exchange.request_id = request_id_of(reply.headers);
  if (auto* pending = std::get_if<std::unique_ptr<Pending>>(&reply.answer)) {
    co_await send(std::move(*pending), exchange);
  } else if (auto* events = std::get_if<std::unique_ptr<EventStream>>(&reply.answer)) {
    exchange.status = 200;
    co_await send(**events);
  } else {
    const Response* whole = std::get_if<Response>(&reply.answer);
    const Response none = in_words({.status = 501, .message = "no message can answer this", .word = "unsupported"});
    const Response& response = whole == nullptr ? none : *whole;
    exchange.status = response.status;
    out_ += frame_of(Frame::Kind::kText, dialogue_.message_of(response));
    co_await flush();
  }
}

asio::awaitable<void> WebSocketSession::send(std::unique_ptr<Pending> pending, Exchange& exchange) {
  co_await wait_until([&] { return pending->ready(); });
  if (left()) co_return;
  const auto encoding = std::make_shared<Encoding>(std::move(pending), *dialect_, client_->wake());
  server_.workers->push(encoding);
  co_await wait_until([&] { return encoding->finished.load(); });
  if (left()) {
    server_.workers->remove(encoding.get());
    co_return;
  }
  exchange.status = encoding->response.status;
  out_ += frame_of(Frame::Kind::kText, dialogue_.message_of(encoding->response));
  co_await flush();
}

/// A silent stream is kept open by pings.
asio::awaitable<void> WebSocketSession::send(EventStream& events) {
  const double seconds = server_.config.heartbeat_seconds;
  const auto silence = std::chrono::duration_cast<Clock::duration>(Seconds(seconds > 0 ? seconds : 1e9));
  auto heartbeat = Clock::now() + silence;
  events_.clear();
  std::string data;
  for (bool open = true; open && !left();) {
    data.clear();
    client_->forget_wake();
    open = events.take(data);
    take_frames();
    add_events(data);
    if (out_.empty() && open && (client_->wants_probe() || Clock::now() >= heartbeat))
      out_ += frame_of(Frame::Kind::kPing, {});
    const bool wrote = !out_.empty();
    if (wrote) heartbeat = Clock::now() + silence;
    co_await flush();
    if (open && !wrote) co_await client_->wait_for_wake(heartbeat);
  }
}

/// The data of each whole event is a message; comments, and the word that ends a stream of OpenAI's, are none.
void WebSocketSession::add_events(std::string_view bytes) {
  events_ += bytes;
  std::string_view rest = events_;
  for (size_t end; (end = rest.find("\n\n")) != std::string_view::npos; rest.remove_prefix(end + 2)) {
    std::string_view event = rest.substr(0, end);
    while (!event.empty()) {
      const std::string_view line = event.substr(0, event.find('\n'));
      if (!closed_ && line.starts_with(kData) && line.substr(kData.size()) != kDone)
        out_ += frame_of(Frame::Kind::kText, line.substr(kData.size()));
      event.remove_prefix(std::min(line.size() + 1, event.size()));
    }
  }
  events_.erase(0, events_.size() - rest.size());
}

}  // namespace maru::http
