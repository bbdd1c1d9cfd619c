// One client's requests, one after the other: head, admission, body, work, answer.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "http/dialect.h"
#include "http/head.h"
#include "http/message.h"
#include "http/state.h"

namespace maru::http {

class Download;
class Encoding;
class Upload;
class Work;

/// Everything but the constructor, the destructor and what says otherwise runs on the connection's strand.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(Server::State& server, std::shared_ptr<ClientSocket> client, std::string peer, bool local_peer,
             bool reserved);
  ~Connection();
  asio::awaitable<void> run();
  /// Called from any thread. `idle_only`: a connection that is in the middle of a request stays.
  void post_close(bool idle_only);
  /// Since when it has waited for a request; none while it is busy. Read from any thread.
  Clock::time_point idle_since() const { return Clock::time_point(Clock::duration(idle_since_.load())); }
  bool idle() const { return idle_since_ != kBusy; }
  const std::string& peer() const { return peer_; }

  bool leaving = false;  // was told to go; guarded by the server's mutex

 private:
  static constexpr Clock::rep kBusy = Clock::duration::max().count();

  void close(bool idle_only);
  asio::awaitable<bool> serve_one();
  asio::awaitable<Code> wait_for_request();
  asio::awaitable<std::optional<Problem>> read_head(Head& head);
  asio::awaitable<std::optional<Problem>> read_body(const Head& head, uint64_t limit, Work& work);
  asio::awaitable<std::optional<Problem>> read_sized(uint64_t length, Work& work);
  asio::awaitable<std::optional<Problem>> read_chunks(uint64_t limit, Work& work);
  asio::awaitable<bool> say_continue(const Head& head);
  Admission admit(Head& head);
  Response in_words(const Problem& problem) const { return to_response(problem, *dialect_); }
  asio::awaitable<bool> serve(Head head, Framing framing, Exchange& exchange);
  asio::awaitable<bool> serve_upload(const Head& head, std::shared_ptr<Work> work, const MakeSink& make,
                                     Framing framing, Exchange& exchange);
  asio::awaitable<std::optional<Response>> receive(const Head& head, Upload& upload, Work& work, bool& whole);
  asio::awaitable<std::optional<Problem>> receive_sized(uint64_t length, Upload& upload, Work& work, bool& whole);
  asio::awaitable<std::optional<Problem>> receive_chunks(Upload& upload, Work& work, bool& whole);
  asio::awaitable<std::optional<Problem>> make_room(size_t bytes, Upload& upload, Work& work);
  asio::awaitable<bool> refuse(Reply reply, Framing framing, Exchange& exchange);
  asio::awaitable<bool> refuse(Problem error);
  asio::awaitable<bool> answer(std::shared_ptr<Work> work, bool quick, Framing framing, Exchange& exchange);
  asio::awaitable<bool> answer_watched(std::shared_ptr<Work> work, Framing framing, Exchange& exchange);
  asio::awaitable<bool> open(Dialogue dialogue, const Headers& more, Framing framing, Exchange& exchange);
  asio::awaitable<bool> send(Reply reply, Framing framing, Exchange& exchange);
  asio::awaitable<bool> send_when_ready(std::shared_ptr<Encoding> encoding, const Headers& more, Framing framing,
                                        Exchange& exchange);
  asio::awaitable<bool> stream(EventStream& events, const Headers& more, Framing framing);
  asio::awaitable<bool> send_file(FileAnswer file, const Headers& more, Framing framing, Exchange& exchange);
  asio::awaitable<bool> send_blocks(std::shared_ptr<Download> download, std::string head, const Headers& more,
                                    Framing framing, Exchange& exchange);
  asio::awaitable<void> wait_before_head(Framing framing);
  std::optional<Problem> arrival_error(const Code& code, std::string_view what);

  Server::State& server_;
  const std::shared_ptr<ClientSocket> client_;
  const std::string peer_;
  const bool local_peer_;
  bool reserved_, vanished_ = false;
  const Dialect* dialect_;  // of errors, now
  int64_t requests_ = 0;
  std::optional<Dialogue> dialogue_;  // what the connection has become
  std::atomic<Clock::rep> idle_since_;
};

/// A whole answer for a client that is not served at all; it may still read it.
asio::awaitable<void> refuse_connection(Server::State& server, std::shared_ptr<ClientSocket> client, Problem error);

}  // namespace maru::http
