// What the connections of one server share.
#pragma once
#include <atomic>
#include <boost/asio/io_context.hpp>
#include <boost/asio/strand.hpp>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <unordered_set>
#include <vector>

#include "base/file_watch.h"
#include "http/socket.h"
#include "http/worker_pool.h"

namespace maru::http {

class Connection;

/// A client's part of the memory that request bodies may take. Used by one thread at a time.
class BodyShare {
 public:
  BodyShare(std::atomic<int64_t>& total, int64_t limit) : total_(total), limit_(limit) {}
  ~BodyShare() { release(); }
  BodyShare(const BodyShare&) = delete;
  /// Raises it to `bytes`; false when the others leave too little.
  bool grow_to(size_t bytes) { return static_cast<int64_t>(bytes) <= held_ || resize(bytes); }
  /// Raises it likewise, or lowers it.
  bool resize(size_t bytes) {
    const int64_t more = static_cast<int64_t>(bytes) - held_;
    if ((total_ += more) > limit_ && more > 0) return total_ -= more, false;
    held_ += more;
    return true;
  }
  void release() { total_ -= std::exchange(held_, 0); }

 private:
  std::atomic<int64_t>& total_;
  int64_t limit_, held_ = 0;
};

struct Server::State {
  State(const ServerConfig& c, Service s) : config(c), service(std::move(s)) {}
  /// Reads the files of TLS, where it is spoken, and watches them.
  void read_identity();
  std::shared_ptr<const TlsIdentity> identity_now();
  void listen();
  void run_network();
  asio::awaitable<void> accept_loop();
  void start(tcp::socket socket);
  /// Whether another connection of this peer may begin. Makes room by closing the one that is idle the longest.
  enum class Room : uint8_t { kFree, kReserved, kPeerFull, kFull };
  Room find_room(const std::string& peer, bool local_peer);
  bool evict_idlest(const std::string& peer);
  /// It got a request before it could be told to go.
  void keep(Connection& connection);
  /// False while there are more connections than may be without the reserved ones.
  bool has_room();
  void forget(Connection& connection);
  void close_connections(bool idle_only);

  const ServerConfig config;
  const Service service;
  std::atomic<bool> draining{false};
  std::atomic<int64_t> body_bytes{0};
  std::atomic<int64_t> lingering{0};  // refused ones that still read their answer
  int port = 0;
  std::mutex mutex;  // guards what follows
  std::condition_variable all_gone;
  std::unordered_set<Connection*> connections;
  std::map<std::string, int64_t> peers;  // connections that stay, by address
  int64_t staying = 0;                   // connections that were not told to go
  std::shared_ptr<const TlsIdentity> identity;
  // After what connections touch when they die with it.
  asio::io_context io;
  tcp::acceptor acceptor{asio::make_strand(io)};
  std::vector<std::thread> threads;
  std::unique_ptr<WorkerPool> workers, files;  // their jobs post to `io`; files: those that may wait for a disk
  std::unique_ptr<FileWatch> identity_watch;
};

}  // namespace maru::http
