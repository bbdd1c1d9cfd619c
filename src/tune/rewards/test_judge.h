// For tests: a judge that is no model. Reads a question over HTTP, and answers what a function says.
#pragma once
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <list>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/json.h"

namespace maru::tune {

class TestJudge {
 public:
  /// The whole answer to the question's body, from its status line on; empty: none, the connection is closed.
  using Reply = std::function<std::string(const std::string& question)>;

  explicit TestJudge(Reply reply, int port = 0) : reply_(std::move(reply)) {
    const int on = 1;
    ::setsockopt(fd_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), size);
    ::listen(fd_, 64);
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
    thread_ = std::thread([this] { listen(); });
  }
  ~TestJudge() {
    ::shutdown(fd_, SHUT_RDWR);
    thread_.join();
    for (std::thread& thread : clients_) thread.join();
    ::close(fd_);
  }
  TestJudge(const TestJudge&) = delete;

  /// What an API says: the text as its first choice.
  static std::string says(const std::string& text, const char* status = "200 OK") {
    const std::string body =
        Json{{"choices", Json::array({{{"index", 0}, {"message", {{"role", "assistant"}, {"content", text}}}}})}}
            .dump();
    return answer(body, status);
  }
  static std::string answer(const std::string& body, const char* status = "200 OK") {
    return std::string("HTTP/1.1 ") + status + "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body;
  }
  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_) + "/v1"; }
  int asked() const { return asked_; }
  int most_at_a_time() const { return most_; }
  std::vector<std::string> questions() {
    const std::lock_guard lock(mutex_);
    return questions_;
  }

 private:
  void listen() {
    for (int client = ::accept(fd_, nullptr, nullptr); client >= 0; client = ::accept(fd_, nullptr, nullptr))
      clients_.emplace_back([this, client] { serve(client); });
  }
  void serve(int client) {
    const int now = ++now_;
    for (int most = most_; now > most && !most_.compare_exchange_weak(most, now);) continue;
    std::string all;
    char bytes[4096];
    size_t end = std::string::npos, length = 0;
    while (end == std::string::npos || all.size() < end + 4 + length) {
      const ssize_t n = ::recv(client, bytes, sizeof bytes, 0);
      if (n <= 0) break;
      all.append(bytes, static_cast<size_t>(n));
      if (end != std::string::npos || (end = all.find("\r\n\r\n")) == std::string::npos) continue;
      length = std::stoul(all.substr(all.find("Content-Length: ") + 16));
    }
    ++asked_;
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back(all);
    }
    const std::string reply = end == std::string::npos ? "" : reply_(all.substr(end + 4));
    --now_;  // who has its answer may ask the next thing before this thread goes on
    ::send(client, reply.data(), reply.size(), MSG_NOSIGNAL);
    ::close(client);
  }
  const Reply reply_;
  const int fd_ = ::socket(AF_INET, SOCK_STREAM, 0);
  int port_ = 0;
  std::atomic<int> asked_ = 0, now_ = 0, most_ = 0;
  std::mutex mutex_;
  std::vector<std::string> questions_;
  std::list<std::thread> clients_;
  std::thread thread_;
};

/// The text of the one message in a question.
inline std::string asked_in(const std::string& question) {
  return parse_json(question, "question").value()["messages"][0]["content"].get<std::string>();
}

}  // namespace maru::tune
