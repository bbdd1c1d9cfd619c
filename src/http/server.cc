// The listener: which connections may begin, and how all of them end.
#include "http/server.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <new>

#include "http/connection.h"

namespace maru::http {
namespace {

[[noreturn]] void cannot_listen(const ServerConfig& config, const Code& code) {
  const std::string where = config.address + ":" + std::to_string(config.port);
  if (code == asio::error::address_in_use)
    throw Failure(ErrorCode::kExists,
                  "cannot listen on " + where + ": the port is in use; stop the other server or choose another port");
  throw Failure(ErrorCode::kInvalidArgument, "cannot listen on " + where + ": " + code.message());
}

/// An address; of IPv6 the /64 network, which one household or machine has to itself.
std::string peer_of(const asio::ip::address& address) {
  if (address.is_v4()) return address.to_string();
  const asio::ip::address_v6 v6 = address.to_v6();
  if (v6.is_v4_mapped()) return asio::ip::make_address_v4(asio::ip::v4_mapped, v6).to_string();
  asio::ip::address_v6::bytes_type bytes = v6.to_bytes();
  if (!v6.is_loopback()) std::fill(bytes.begin() + 8, bytes.end(), 0);
  return asio::ip::address_v6(bytes).to_string();
}

bool is_local(const std::string& peer) { return peer == "::1" || peer.starts_with("127."); }

Problem no_room(Server::State::Room room, const ServerConfig& config) {
  const bool peer = room == Server::State::Room::kPeerFull;
  return {.status = 503,
          .message =
              peer ? "too many connections from your address (http.max_connections_per_peer)"
                   : "all " + std::to_string(config.max_connections) + " connections are in use (http.max_connections)",
          .word = "overloaded"};
}

}  // namespace

void Server::State::read_identity() {
  const TlsFiles files{.certificate = config.tls_certificate, .key = config.tls_key, .client_ca = config.tls_client_ca};
  if (files.certificate.empty() && files.key.empty() && files.client_ca.empty()) return;
  if (files.certificate.empty() || files.key.empty())
    throw Failure(ErrorCode::kInvalidArgument, "TLS needs both http.tls_certificate and http.tls_key");
  const auto load = [this, files] {
    auto read = std::make_shared<const TlsIdentity>(files);
    std::lock_guard lock(mutex);
    identity = std::move(read);
  };
  identity_watch = std::make_unique<FileWatch>(std::vector<fs::path>{files.certificate, files.key, files.client_ca},
                                               load, service.warn, "the certificate read before stays in use");
}

std::shared_ptr<const TlsIdentity> Server::State::identity_now() {
  std::lock_guard lock(mutex);
  return identity;
}

void Server::State::listen() {
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

/// Until all is over. Where memory ran out the connection in question is lost; the others go on.
void Server::State::run_network() {
  for (;;) try {
      io.run();
      return;
    } catch (const std::bad_alloc&) {
    }
}

asio::awaitable<void> Server::State::accept_loop() {
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

void Server::State::start(tcp::socket socket) {
  const auto executor = socket.get_executor();
  Code code;
  const tcp::endpoint remote = socket.remote_endpoint(code);
  if (code) return;  // gone already
  const std::string peer = peer_of(remote.address());
  auto client = std::make_shared<ClientSocket>(std::move(socket), config, identity_now());
  std::shared_ptr<Connection> connection;
  Room room;
  {
    std::lock_guard lock(mutex);
    room = find_room(peer, is_local(peer));
    if (room == Room::kFree || room == Room::kReserved) {
      connection =
          std::make_shared<Connection>(*this, std::move(client), peer, is_local(peer), room == Room::kReserved);
      connections.insert(connection.get());
      ++peers[peer];
      ++staying;
    }
  }
  if (connection)
    asio::co_spawn(
        executor, [connection] { return connection->run(); }, asio::detached);
  else
    asio::co_spawn(executor, refuse_connection(*this, std::move(client), no_room(room, config)), asio::detached);
}

Server::State::Room Server::State::find_room(const std::string& peer, bool local_peer) {
  const int64_t half = std::max<int64_t>(1, config.max_connections / 2);
  const int64_t per_peer = config.max_connections_per_peer > 0 ? config.max_connections_per_peer : half;
  const bool capped = config.max_connections_per_peer > 0 || !local_peer;
  const auto mine = peers.find(peer);
  if (capped && mine != peers.end() && mine->second >= per_peer && !evict_idlest(peer)) return Room::kPeerFull;
  if (staying >= config.max_connections) evict_idlest("");
  if (staying < config.max_connections) return Room::kFree;
  return staying < config.max_connections + config.reserved_connections ? Room::kReserved : Room::kFull;
}

/// Of one peer, or of all. One that gets a request at this very moment stays, and then there is one too many.
bool Server::State::evict_idlest(const std::string& peer) {
  Connection* idlest = nullptr;
  for (Connection* connection : connections) {
    if (connection->leaving || !connection->idle() || (!peer.empty() && connection->peer() != peer)) continue;
    if (idlest == nullptr || connection->idle_since() < idlest->idle_since()) idlest = connection;
  }
  if (idlest == nullptr) return false;
  idlest->leaving = true;
  if (--peers[idlest->peer()] == 0) peers.erase(idlest->peer());
  --staying;
  idlest->post_close(true);
  return true;
}

void Server::State::keep(Connection& connection) {
  std::lock_guard lock(mutex);
  if (!std::exchange(connection.leaving, false)) return;
  ++peers[connection.peer()];
  ++staying;
}

bool Server::State::has_room() {
  std::lock_guard lock(mutex);
  return staying <= config.max_connections;
}

void Server::State::forget(Connection& connection) {
  std::lock_guard lock(mutex);
  if (connections.erase(&connection) == 0) return;
  if (!connection.leaving) {
    if (--peers[connection.peer()] == 0) peers.erase(connection.peer());
    --staying;
  }
  all_gone.notify_all();
}

void Server::State::close_connections(bool idle_only) {
  std::lock_guard lock(mutex);
  for (Connection* connection : connections) connection->post_close(idle_only);
}

Server::Server(const ServerConfig& config, Service service)
    : state_(std::make_unique<State>(config, std::move(service))) {
  state_->read_identity();
  state_->listen();
  state_->workers = std::make_unique<WorkerPool>(config.workers, config.max_queued);
  state_->files = std::make_unique<WorkerPool>(config.file_threads, 0);  // work of what was let in: never refused
  asio::co_spawn(state_->acceptor.get_executor(), state_->accept_loop(), asio::detached);
  for (int64_t i = 0; i < config.threads; ++i)
    state_->threads.emplace_back([state = state_.get()] { state->run_network(); });
}

Server::~Server() {
  drain(std::chrono::milliseconds(0));
  {
    // Told to go, they end within moments; until then somebody may still wake them.
    std::unique_lock lock(state_->mutex);
    state_->all_gone.wait_for(lock, std::chrono::seconds(1), [&] { return state_->connections.empty(); });
  }
  state_->io.stop();
  for (std::thread& thread : state_->threads) thread.join();
  state_->workers.reset();
  state_->files.reset();
}

int Server::port() const { return state_->port; }

bool Server::drain(std::chrono::milliseconds deadline) {
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

bool Server::draining() const { return state_->draining; }

int64_t Server::connections() const {
  std::lock_guard lock(state_->mutex);
  return static_cast<int64_t>(state_->connections.size());
}

int64_t Server::queued() const { return state_->workers->waiting(); }

}  // namespace maru::http
