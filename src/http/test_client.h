// A raw HTTP client for tests: sends any bytes, reads what comes, and can go away at any time.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <string>
#include <string_view>
#include <thread>

namespace maru::http {

class TestClient {
 public:
  explicit TestClient(int port, int receive_buffer = 0) : fd_(::socket(AF_INET, SOCK_STREAM, 0)) {
    if (receive_buffer > 0) ::setsockopt(fd_, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    connected_ = ::connect(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0;
  }
  ~TestClient() { close(); }
  TestClient(const TestClient&) = delete;

  bool connected() const { return connected_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }
  /// Closes the half that sends, as `nc -N` does after its input.
  void shut_down() { ::shutdown(fd_, SHUT_WR); }
  /// False when the peer has closed before all of it was sent.
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n <= 0) return false;
      bytes.remove_prefix(static_cast<size_t>(n));
    }
    return true;
  }
  void get(std::string_view path, std::string_view more = "") {
    send("GET " + std::string(path) + " HTTP/1.1\r\nHost: localhost\r\n" + std::string(more) + "\r\n");
  }
  void post(std::string_view path, std::string_view body, std::string_view more = "") {
    send("POST " + std::string(path) +
         " HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: " +
         std::to_string(body.size()) + "\r\n" + std::string(more) + "\r\n" + std::string(body));
  }
  /// Everything until `mark` appears (kept for later reads what follows it), the peer closes, or the time is up.
  std::string read_until(std::string_view mark, double seconds = 10) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (received_.find(mark) == std::string::npos && std::chrono::steady_clock::now() < end)
      if (!receive(end)) break;
    const size_t at = received_.find(mark);
    return take(at == std::string::npos ? received_.size() : at + mark.size());
  }
  std::string read_all(double seconds = 10) { return read_until("\x01never\x01", seconds); }
  /// One response with a Content-Length: head and body.
  std::string read_response(double seconds = 10) {
    std::string head = read_until("\r\n\r\n", seconds);
    const size_t at = head.find("Content-Length: ");
    const size_t length = at == std::string::npos ? 0 : std::stoul(head.substr(at + 16));
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (received_.size() < length && receive(end)) continue;
    return head + take(length);
  }
  /// Whatever comes next; nothing when the peer closes or the time is up.
  template <class Time>
  std::string read_some(Time end) {
    if (received_.empty()) receive(end);
    return take(received_.size());
  }
  /// True when the peer closes within the time.
  bool closed(double seconds = 10) {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
    while (receive(end)) continue;
    return eof_;
  }

 private:
  template <class Time>
  bool receive(Time end) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now());
    pollfd wait{fd_, POLLIN, 0};
    if (left.count() <= 0 || ::poll(&wait, 1, static_cast<int>(left.count())) <= 0) return false;
    char bytes[4096];
    const ssize_t n = ::recv(fd_, bytes, sizeof bytes, 0);
    eof_ = n <= 0;
    if (n > 0) received_.append(bytes, static_cast<size_t>(n));
    return n > 0;
  }
  std::string take(size_t size) {
    std::string front = received_.substr(0, size);
    received_.erase(0, front.size());
    return front;
  }
  int fd_;
  bool connected_ = false, eof_ = false;
  std::string received_;
};

/// Waits until `condition` holds, at most ten seconds.
template <class F>
bool eventually(F condition) {
  for (int i = 0; i < 1000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  return false;
}

}  // namespace maru::http
