// The socket of one client: what came and is not read yet, writes that a slow client cannot hold up for ever, and
// whether the client is still there.
//
// A client that closes its half of the connection after its request (shutdown, `nc -N`) looks at first like one that is
// gone: both send a FIN. Only bytes sent to it tell them apart, for a client that is gone answers with a reset. So its
// end of file is taken as "asks no more", the connection sends something harmless (an interim response, a comment in a
// stream), and here is watched whether a reset comes back.
//
// Everything but the constructor and wake() runs on the connection's strand.
#pragma once
#include <utility>  // awaitable.hpp needs it and does not include it
//
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>

#include "http/server.h"
#include "http/tls.h"

namespace maru::http {

namespace asio = boost::asio;
using asio::ip::tcp;
using Code = boost::system::error_code;
using Clock = std::chrono::steady_clock;
using Seconds = std::chrono::duration<double>;

inline double seconds_since(Clock::time_point begin) { return Seconds(Clock::now() - begin).count(); }

inline auto into(Code& code) { return asio::redirect_error(asio::use_awaitable, code); }

/// How long a client may keep us waiting: `seconds` at a stretch, and on the whole no longer than its bytes are worth.
class Patience {
 public:
  Patience(double seconds, double bytes_per_second) : most_(seconds), left_(seconds), rate_(bytes_per_second) {}
  double left() const { return std::max(left_, 0.0); }
  void spend(double seconds, size_t bytes) {
    left_ = std::min(most_, left_ - seconds + static_cast<double>(bytes) / rate_);
  }

 private:
  double most_, left_, rate_;
};

class ClientSocket : public std::enable_shared_from_this<ClientSocket> {
 public:
  /// `identity`: what TLS is spoken with; null: none is.
  ClientSocket(tcp::socket socket, const ServerConfig& config, std::shared_ptr<const TlsIdentity> identity);
  asio::any_io_executor executor() { return socket_.get_executor(); }

  enum class Greeting : uint8_t { kReady, kPlainHttp, kGone };
  /// The handshake, where TLS is spoken; within the time for a request head. A client that speaks plain HTTP instead is
  /// from now on answered so.
  asio::awaitable<Greeting> greet();
  bool is_secure() const { return tls_ != nullptr; }

  std::string_view unread() const { return std::string_view(buffer_).substr(begin_); }
  void consume(size_t bytes) { begin_ += bytes; }
  /// Waits until there is something to read.
  asio::awaitable<Code> wait_readable();
  /// Adds up to `most` bytes to unread().
  asio::awaitable<Code> read_more(size_t most);
  /// The same for as long as `patience` lasts, which pays for it.
  asio::awaitable<Code> read_more(size_t most, Patience& patience);
  /// Moves up to `most` bytes to the end of `body`: of unread() where there are any, else as they come.
  asio::awaitable<Code> read_into(std::string& body, size_t most);
  /// False when the client does not take it; it is gone then.
  asio::awaitable<bool> write(std::string_view bytes);
  /// Begins anew what a client may keep writes waiting for; once per answer.
  void begin_answer() { patience_ = Patience(config_.write_timeout_seconds, rate()); }
  /// Takes no more and sends no more, but lets the client read what was sent: closing with unread bytes would reset the
  /// connection and take the answer away from it.
  asio::awaitable<void> linger();
  void close();

  /// Aborts whatever the socket waits for when the time is up. Replaces the deadline before it.
  void arm(double seconds);
  void disarm() { deadline_.expires_at(Clock::time_point::max()); }
  double rate() const { return static_cast<double>(config_.min_bytes_per_second); }

  /// Between the two, unread() grows by what comes and a client that goes away is noticed. `tells_news`: whoever waits
  /// for a wake is woken by what comes, too.
  void start_watch(bool tells_news = false);
  asio::awaitable<void> stop_watch();
  /// The client is not there any more, or was told to go.
  bool gone() const { return gone_; }
  /// True once after the client's end of file, and from then on now and again: time to send something harmless.
  bool wants_probe() { return std::exchange(probe_wanted_, false); }
  /// Sends a few bytes at once or not at all.
  void probe(std::string_view bytes);

  /// Makes wait_for_wake() return, from any thread. Keeps nothing alive, so it may be called whenever.
  Wake wake();
  void forget_wake() { awake_ = false; }
  /// Until wake() was called since forget_wake() or the last wait, a probe is wanted, or the client is gone; no longer
  /// than this.
  asio::awaitable<void> wait_for_wake(Clock::time_point latest = Clock::time_point::max());

 private:
  asio::awaitable<void> watch();
  asio::awaitable<void> watch_half_closed();
  asio::awaitable<Code> read_wire(std::string& wire, size_t most);
  asio::awaitable<void> write_wire(std::string_view wire);
  Code unwrap(std::string_view wire);
  void say_goodbye();
  Code read_ahead();
  bool was_reset();

  const ServerConfig& config_;
  tcp::socket socket_;
  asio::steady_timer deadline_;
  asio::steady_timer signal_;  // cancelled to wake the coroutine that waits
  asio::steady_timer pause_;   // of the watch after the client's end of file
  Patience patience_;
  std::unique_ptr<TlsSession> tls_;
  std::string sealed_;  // what TLS has to send besides answers, with the next of them
  std::string buffer_;
  size_t begin_ = 0;  // of unread() in buffer_
  bool gone_ = false, awake_ = false, half_closed_ = false, probe_wanted_ = false;
  bool watch_wanted_ = false, watch_runs_ = false, tells_news_ = false, writing_ = false;
};

}  // namespace maru::http
