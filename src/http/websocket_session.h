// A client that has switched to WebSocket: its messages as requests, the events of their answers as messages.
//
// Runs on the connection's strand. While a message is answered only control frames are looked at, and one message more;
// what else the client sends waits in its socket.
#pragma once
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "http/state.h"
#include "http/websocket.h"

namespace maru::http {

class Work;

class WebSocketSession {
 public:
  /// `set_idle` is told when the client is waited for and when it is answered. All references must outlive it.
  WebSocketSession(Server::State& server, std::shared_ptr<ClientSocket> client, const Dialogue& dialogue,
                   std::function<void(bool)> set_idle);
  /// Until one of the two closes.
  asio::awaitable<void> run();

 private:
  asio::awaitable<std::optional<std::string>> next_message();
  asio::awaitable<bool> read(bool& pinged);
  void take_frames();
  void take(Frame frame);
  void close(CloseStatus status, std::string_view reason);
  asio::awaitable<void> flush();
  bool left() const { return closed_ || client_->gone(); }

  Request request_of(std::string message) const;
  asio::awaitable<void> answer(std::string message);
  asio::awaitable<Reply> work_on(Request request, Exchange& exchange);
  asio::awaitable<void> send(Reply reply, Exchange& exchange);
  asio::awaitable<void> send(std::unique_ptr<Pending> pending, Exchange& exchange);
  asio::awaitable<void> send(EventStream& events);
  void add_events(std::string_view bytes);
  Response in_words(const Problem& problem) const { return to_response(problem, *dialect_); }
  template <class F>
  asio::awaitable<void> wait_until(F condition);

  Server::State& server_;
  const std::shared_ptr<ClientSocket> client_;
  const Dialogue& dialogue_;
  const std::function<void(bool)> set_idle_;
  const Dialect* dialect_;
  FrameReader reader_;
  BodyShare share_;  // of the message at hand
  Patience patience_;
  std::optional<std::string> message_;  // that came and is not answered yet
  std::string out_;                     // frames to be written
  std::string events_;                  // the beginning of an event
  bool closed_ = false;                 // a closing frame is on its way or was sent
};

}  // namespace maru::http
