#include "http/socket.h"

#include <netinet/tcp.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

namespace maru::http {
namespace {

constexpr auto kProbePause = std::chrono::milliseconds(50);
constexpr int kPausesPerProbe = 200;  // ten seconds
constexpr double kLingerSeconds = 5, kLingerSilence = 1;
constexpr size_t kReadBytes = 16 << 10;
constexpr size_t kPartBytes = 64 << 10;  // of one write, so that its progress is seen

/// So that a client whose machine vanished is noticed within two minutes.
void set_keep_alive(tcp::socket& socket) {
  Code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  for (const auto& [option, value] : {std::pair(TCP_KEEPIDLE, 60), {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}})
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

ClientSocket::ClientSocket(tcp::socket socket, const ServerConfig& config, std::shared_ptr<const TlsIdentity> identity)
    : config_(config),
      socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      signal_(socket_.get_executor()),
      pause_(socket_.get_executor()),
      patience_(config.write_timeout_seconds, static_cast<double>(config.min_bytes_per_second)) {
  if (identity != nullptr) tls_ = std::make_unique<TlsSession>(std::move(identity));
  Code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  set_keep_alive(socket_);
}

void ClientSocket::close() {
  if (!gone_) say_goodbye();
  gone_ = true;
  Code ignored;
  socket_.close(ignored);
  signal_.cancel();
  pause_.cancel();
}

void ClientSocket::arm(double seconds) {
  deadline_.expires_after(std::chrono::duration_cast<Clock::duration>(Seconds(seconds)));
  deadline_.async_wait([self = weak_from_this()](const Code& code) {
    const auto client = self.lock();
    Code ignored;
    if (!code && client && client->deadline_.expiry() <= Clock::now()) client->socket_.cancel(ignored);
  });
}

asio::awaitable<Code> ClientSocket::wait_readable() {
  Code code;
  co_await socket_.async_wait(tcp::socket::wait_read, into(code));
  co_return code;
}

asio::awaitable<ClientSocket::Greeting> ClientSocket::greet() {
  const auto begin = Clock::now();
  for (bool first = true; tls_ != nullptr && !tls_->established(); first = false) {
    arm(std::max(0.0, config_.head_timeout_seconds - seconds_since(begin)));
    std::string wire;
    if (co_await read_wire(wire, kReadBytes)) co_return Greeting::kGone;
    if (first && wire[0] >= 'A' && wire[0] <= 'Z') {  // of a method; TLS begins with a control character
      tls_.reset();
      buffer_ = std::move(wire);
      co_return Greeting::kPlainHttp;
    }
    const bool good = tls_->receive(wire, buffer_, sealed_);
    wire = std::exchange(sealed_, {});
    co_await write_wire(wire);
    if (!good || gone_ || tls_->closed()) co_return Greeting::kGone;
  }
  disarm();
  co_return Greeting::kReady;
}

asio::awaitable<Code> ClientSocket::read_more(size_t most) {
  buffer_.erase(0, std::exchange(begin_, 0));
  if (tls_ == nullptr) co_return co_await read_wire(buffer_, most);
  if (tls_->closed()) co_return asio::error::eof;
  std::string wire;
  const Code code = co_await read_wire(wire, most);
  if (code) co_return code;
  co_return unwrap(wire);
}

asio::awaitable<Code> ClientSocket::read_more(size_t most, Patience& patience) {
  const auto begin = Clock::now();
  arm(patience.left());
  const Code code = co_await read_more(most);
  disarm();
  patience.spend(seconds_since(begin), unread().size());
  co_return code;
}

asio::awaitable<Code> ClientSocket::read_into(std::string& body, size_t most) {
  if (tls_ == nullptr && unread().empty()) co_return co_await read_wire(body, most);
  Code code;
  if (unread().empty()) code = co_await read_more(most);
  const std::string_view came = unread().substr(0, most);  // behind it may be the next request
  body += came;
  consume(came.size());
  co_return code;
}

asio::awaitable<Code> ClientSocket::read_wire(std::string& wire, size_t most) {
  const size_t size = wire.size();
  wire.resize(size + most);
  Code code;
  const size_t count = co_await socket_.async_read_some(asio::buffer(wire.data() + size, most), into(code));
  wire.resize(size + count);
  co_return code;
}

/// Adds to unread() what the client said.
Code ClientSocket::unwrap(std::string_view wire) {
  const size_t size = buffer_.size();
  if (!tls_->receive(wire, buffer_, sealed_)) {
    say_goodbye();
    return asio::error::connection_aborted;
  }
  return tls_->closed() && buffer_.size() == size ? Code(asio::error::eof) : Code();
}

/// What TLS has to say at the end, as far as the socket takes it at once, and not into the middle of an answer.
void ClientSocket::say_goodbye() {
  if (tls_ == nullptr || writing_) return;
  std::string wire = std::exchange(sealed_, {});
  tls_->close(wire);
  Code ignored;
  if (!wire.empty()) socket_.write_some(asio::buffer(wire), ignored);
}

asio::awaitable<bool> ClientSocket::write(std::string_view bytes) {
  if (tls_ == nullptr) co_await write_wire(bytes);
  while (tls_ != nullptr && !bytes.empty() && !gone_) {
    const std::string_view part = bytes.substr(0, kPartBytes);
    std::string wire = std::exchange(sealed_, {});
    if (!tls_->send(part, wire)) gone_ = true;
    co_await write_wire(wire);
    bytes.remove_prefix(part.size());
  }
  co_return !gone_;
}

asio::awaitable<void> ClientSocket::write_wire(std::string_view bytes) {
  writing_ = true;
  while (!bytes.empty() && !gone_) {
    Code code;
    arm(patience_.left());
    const auto begin = Clock::now();
    const size_t count = co_await socket_.async_write_some(asio::buffer(bytes.substr(0, kPartBytes)), into(code));
    patience_.spend(seconds_since(begin), count);
    bytes.remove_prefix(count);
    if (code) gone_ = true;
  }
  writing_ = false;
  disarm();
}

asio::awaitable<void> ClientSocket::linger() {
  Code code;
  say_goodbye();
  socket_.shutdown(tcp::socket::shutdown_send, code);
  const auto begin = Clock::now();
  const auto most = static_cast<size_t>(2 * config_.max_body_bytes);
  char bytes[4096];
  for (size_t total = 0; !code && !gone_ && total < most;) {
    const double left = std::min(kLingerSilence, kLingerSeconds - seconds_since(begin));
    if (left <= 0) break;
    arm(left);
    total += co_await socket_.async_read_some(asio::buffer(bytes), into(code));
  }
  disarm();
}

void ClientSocket::start_watch(bool tells_news) {
  watch_wanted_ = watch_runs_ = true;
  tells_news_ = tells_news;
  asio::co_spawn(
      executor(), [self = shared_from_this()] { return self->watch(); }, asio::detached);
}

/// Stops looking when a client sends more than a request head's worth ahead.
asio::awaitable<void> ClientSocket::watch() {
  const auto self = shared_from_this();
  Code code;
  while (!code && !half_closed_ && watch_wanted_ && unread().size() < static_cast<size_t>(config_.max_header_bytes)) {
    co_await socket_.async_wait(tcp::socket::wait_read, into(code));
    if (!code && watch_wanted_) code = read_ahead();
  }
  if (half_closed_) co_await watch_half_closed();
  watch_runs_ = false;
  signal_.cancel();
  Code ignored;
  if (gone_) socket_.cancel(ignored);  // a write that the client will never read
}

Code ClientSocket::read_ahead() {
  char bytes[4096];
  Code code;
  const size_t count = socket_.read_some(asio::buffer(bytes), code);
  buffer_.erase(0, std::exchange(begin_, 0));
  if (tls_ == nullptr)
    buffer_.append(bytes, count);
  else if (count > 0)
    code = unwrap({bytes, count});
  if (code == asio::error::would_block) code.clear();
  if (code == asio::error::eof) {
    half_closed_ = true;
    code.clear();
  }
  if (code) gone_ = true;
  if (tells_news_) {
    awake_ = true;
    signal_.cancel();
  }
  return code;
}

asio::awaitable<void> ClientSocket::watch_half_closed() {
  for (int i = 0; watch_wanted_ && !gone_; ++i) {
    if (i % kPausesPerProbe == 0) {
      probe_wanted_ = true;
      signal_.cancel();
    }
    Code ignored;
    pause_.expires_after(kProbePause);
    co_await pause_.async_wait(into(ignored));
    if (was_reset()) gone_ = true;
  }
}

/// Asks for the connection's state, which leaves a pending error for whoever writes next.
bool ClientSocket::was_reset() {
  tcp_info info{};
  socklen_t size = sizeof info;
  return ::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &info, &size) != 0 ||
         info.tcpi_state == TCP_CLOSE;
}

asio::awaitable<void> ClientSocket::stop_watch() {
  watch_wanted_ = false;
  Code ignored;
  socket_.cancel(ignored);
  pause_.cancel();
  while (watch_runs_) {
    signal_.expires_at(Clock::time_point::max());
    co_await signal_.async_wait(into(ignored));
  }
}

void ClientSocket::probe(std::string_view bytes) {
  Code code;
  std::string wire = std::exchange(sealed_, {});
  if (tls_ == nullptr)
    wire = bytes;
  else if (!tls_->send(bytes, wire))
    gone_ = true;
  const size_t count = socket_.write_some(asio::buffer(wire), code);
  if (code && code != asio::error::would_block) gone_ = true;
  if (tls_ != nullptr)
    sealed_ = wire.substr(count);  // sealed once, it must be sent: with what comes next
  else if (count > 0 && count < wire.size())
    gone_ = true;  // half of it cannot be taken back
}

Wake ClientSocket::wake() {
  return [self = weak_from_this()] {
    const auto client = self.lock();
    if (!client) return;
    asio::post(client->executor(), [client] {
      client->awake_ = true;
      client->signal_.cancel();
    });
  };
}

asio::awaitable<void> ClientSocket::wait_for_wake(Clock::time_point latest) {
  Code ignored;
  if (!awake_ && !gone_ && !probe_wanted_) {
    signal_.expires_at(latest);
    co_await signal_.async_wait(into(ignored));
  }
  awake_ = false;
}

}  // namespace maru::http
