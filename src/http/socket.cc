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

double seconds_since(Clock::time_point begin) { return Seconds(Clock::now() - begin).count(); }

/// So that a client whose machine vanished is noticed within two minutes.
void set_keep_alive(tcp::socket& socket) {
  Code ignored;
  socket.set_option(asio::socket_base::keep_alive(true), ignored);
  for (const auto& [option, value] : {std::pair(TCP_KEEPIDLE, 60), {TCP_KEEPINTVL, 15}, {TCP_KEEPCNT, 4}})
    ::setsockopt(socket.native_handle(), IPPROTO_TCP, option, &value, sizeof value);
}

}  // namespace

ClientSocket::ClientSocket(tcp::socket socket, const ServerConfig& config)
    : config_(config),
      socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      signal_(socket_.get_executor()),
      pause_(socket_.get_executor()),
      patience_(config.write_timeout_seconds, static_cast<double>(config.min_bytes_per_second)) {
  Code ignored;
  socket_.set_option(tcp::no_delay(true), ignored);
  socket_.non_blocking(true, ignored);
  set_keep_alive(socket_);
}

void ClientSocket::close() {
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

asio::awaitable<Code> ClientSocket::read_more(size_t most) {
  buffer_.erase(0, std::exchange(begin_, 0));
  co_return co_await read_into(buffer_, most);
}

asio::awaitable<Code> ClientSocket::read_into(std::string& body, size_t most) {
  const size_t size = body.size();
  body.resize(size + most);
  Code code;
  const size_t count = co_await socket_.async_read_some(asio::buffer(body.data() + size, most), into(code));
  body.resize(size + count);
  co_return code;
}

asio::awaitable<bool> ClientSocket::write(std::string_view bytes) {
  while (!bytes.empty() && !gone_) {
    Code code;
    arm(patience_.left());
    const auto begin = Clock::now();
    const size_t count = co_await socket_.async_write_some(asio::buffer(bytes.substr(0, kPartBytes)), into(code));
    patience_.spend(seconds_since(begin), count);
    bytes.remove_prefix(count);
    if (code) gone_ = true;
  }
  disarm();
  co_return !gone_;
}

asio::awaitable<void> ClientSocket::linger() {
  Code code;
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

void ClientSocket::start_watch() {
  watch_wanted_ = watch_runs_ = true;
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
  buffer_.append(bytes, count);
  if (code == asio::error::would_block) code.clear();
  if (code == asio::error::eof) {
    half_closed_ = true;
    code.clear();
  }
  if (code) gone_ = true;
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
  const size_t count = socket_.write_some(asio::buffer(bytes), code);
  if (code == asio::error::would_block) return;
  if (code || count < bytes.size()) gone_ = true;  // half of it cannot be taken back
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

asio::awaitable<void> ClientSocket::wait_for_wake() {
  Code ignored;
  if (!awake_ && !gone_ && !probe_wanted_) {
    signal_.expires_at(Clock::time_point::max());
    co_await signal_.async_wait(into(ignored));
  }
  awake_ = false;
}

}  // namespace maru::http
