#include "http/post.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include "http/chunks.h"
#include "http/host.h"
#include "http/http.h"

namespace maru::http {
namespace {

using Clock = std::chrono::steady_clock;

constexpr size_t kMaxHeadBytes = 16 << 10;

Error unavailable(std::string message) { return {ErrorCode::kUnavailable, std::move(message)}; }
Error system_failure(const char* what) { return unavailable(std::string(what) + ": " + std::strerror(errno)); }

bool is_private4(uint32_t a) {
  return a >> 24 == 127 || a >> 24 == 10 || a >> 20 == 0xAC1 || a >> 16 == 0xC0A8 || a >> 22 == 0x191;
}

using Addresses = std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)>;

Addresses look_up(const Destination& to, int flags) {
  addrinfo wanted{}, *found = nullptr;
  wanted.ai_flags = flags | AI_NUMERICSERV;
  wanted.ai_socktype = SOCK_STREAM;
  if (::getaddrinfo(to.host.c_str(), to.port.c_str(), &wanted, &found) != 0) found = nullptr;
  return {found, &::freeaddrinfo};
}

/// A connection that is given up at a deadline, or when somebody says so.
class Wire {
 public:
  Wire(Clock::time_point deadline, const std::stop_token& stop) : deadline_(deadline), stop_(stop) {}
  ~Wire() {
    if (fd_ >= 0) ::close(fd_);
  }
  Wire(const Wire&) = delete;

  Outcome connect(const addrinfo& to) {
    fd_ = ::socket(to.ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd_ < 0) return system_failure("socket");
    if (::connect(fd_, to.ai_addr, to.ai_addrlen) == 0) return Done{};
    if (errno != EINPROGRESS) return system_failure("connect");
    if (const Outcome ready = wait(POLLOUT); !ready.ok()) return ready;
    int failed = 0;
    socklen_t size = sizeof failed;
    ::getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failed, &size);
    errno = failed;
    return failed == 0 ? Outcome(Done{}) : system_failure("connect");
  }

  Outcome send(std::string_view bytes) {
    while (!bytes.empty()) {
      if (const Outcome ready = wait(POLLOUT); !ready.ok()) return ready;
      const ssize_t n = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (n < 0 && errno != EAGAIN && errno != EINTR) return system_failure("send");
      if (n > 0) bytes.remove_prefix(static_cast<size_t>(n));
    }
    return Done{};
  }

  /// Whatever comes next; false: nothing will.
  Result<bool> receive(std::string& text) {
    std::array<char, 4096> bytes{};
    for (;;) {
      if (const Outcome ready = wait(POLLIN); !ready.ok()) return ready.error();
      const ssize_t n = ::recv(fd_, bytes.data(), bytes.size(), 0);
      if (n < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      if (n < 0) return system_failure("receive");
      text.append(bytes.data(), static_cast<size_t>(n));
      return n > 0;
    }
  }

  /// What comes up to the end of a line; the rest of the answer is nobody's business.
  Result<std::string> receive_line() {
    std::string text;
    while (text.find('\n') == std::string::npos && text.size() < kMaxHeadBytes) {
      const Result<bool> more = receive(text);
      if (!more) return more.error();
      if (!more.value()) break;
    }
    return text;
  }

 private:
  Outcome wait(short what) {
    for (;;) {
      const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
      if (stop_.stop_requested()) return Error{ErrorCode::kCancelled, "given up"};
      if (left <= 0) return Error{ErrorCode::kDeadline, "no answer in time"};
      pollfd one{fd_, what, 0};
      if (::poll(&one, 1, static_cast<int>(std::min<int64_t>(left, 50))) > 0) return Done{};
    }
  }
  const Clock::time_point deadline_;
  const std::stop_token& stop_;
  int fd_ = -1;
};

Result<int> status_of(std::string_view line) {
  constexpr std::string_view kVersion = "HTTP/1.";
  int status = 0;
  if (!line.starts_with(kVersion) || line.size() < kVersion.size() + 5) return unavailable("the answer is not HTTP");
  const char* digits = line.data() + kVersion.size() + 2;
  const auto [end, error] = std::from_chars(digits, digits + 3, status);
  if (error != std::errc() || end != digits + 3) return unavailable("the answer is not HTTP");
  return status;
}

Outcome send_question(Wire& wire, const addrinfo& address, const Destination& to, std::string_view body,
                      const std::string& more_head) {
  if (const Outcome connected = wire.connect(address); !connected.ok()) return connected.error();
  const std::string head = "POST " + to.path + " HTTP/1.1\r\nHost: " + to.authority() +
                           "\r\nUser-Agent: maru\r\nContent-Type: application/json\r\nConnection: close\r\n" +
                           more_head + "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n";
  for (const std::string_view part : {std::string_view(head), body})
    if (const Outcome sent = wire.send(part); !sent.ok()) return sent.error();
  return Done{};
}

Result<int> post_to(const addrinfo& address, const Destination& to, std::string_view body, Clock::time_point deadline,
                    const std::stop_token& stop) {
  Wire wire(deadline, stop);
  if (const Outcome sent = send_question(wire, address, to, body, ""); !sent.ok()) return sent.error();
  const Result<std::string> line = wire.receive_line();
  return line ? status_of(line.value()) : line.error();
}

/// The value of a field in a head; empty: it is not there.
std::string field_of(const std::string& head, std::string_view name) {
  const std::string all = lower_case(head), wanted = "\r\n" + std::string(name) + ":";
  const size_t at = all.find(wanted);
  if (at == std::string::npos) return "";
  const size_t begin = all.find_first_not_of(" \t", at + wanted.size()), end = all.find("\r\n", at + 2);
  return begin >= end ? "" : all.substr(begin, end - begin);
}

/// The head of the answer that counts, interim ones gone by; what has come behind it stays in `text`.
Result<std::string> receive_head(Wire& wire, std::string& text, const QuestionLimits& limits) {
  for (size_t seen = 0;;) {
    const size_t end = text.find("\r\n\r\n");
    if (std::min(end, text.size()) + seen > limits.most_head) return unavailable("the head of the answer is too long");
    if (end == std::string::npos) {
      const Result<bool> more = wire.receive(text);
      if (!more) return more.error();
      if (!more.value()) return unavailable(text.empty() ? "closed without an answer" : "the answer ends too early");
      continue;
    }
    const std::string head = text.substr(0, end + 2);
    text.erase(0, end + 4), seen += end + 4;
    const Result<int> status = status_of(head);
    if (!status) return status.error();
    if (status.value() >= 200) return head;
  }
}

Error too_long(const QuestionLimits& limits) {
  return {ErrorCode::kExhausted, "the answer is longer than " + std::to_string(limits.most_bytes) + " bytes"};
}

Result<std::string> receive_chunks(Wire& wire, std::string text, const QuestionLimits& limits) {
  ChunkDecoder chunks(limits.most_bytes, limits.most_head);
  std::string body;
  for (;;) {
    if (const Result<size_t> taken = chunks.feed(text, body); !taken)
      return taken.error().code == ErrorCode::kExhausted ? too_long(limits)
                                                         : unavailable("the chunks of the answer are broken");
    if (chunks.done()) return body;
    text.clear();
    const Result<bool> more = wire.receive(text);
    if (!more) return more.error();
    if (!more.value()) return unavailable("the answer ends too early");
  }
}

/// `body`: what has come of it with the head.
Result<std::string> receive_body(Wire& wire, const std::string& head, std::string body, const QuestionLimits& limits) {
  if (field_of(head, "transfer-encoding").find("chunked") != std::string::npos)
    return receive_chunks(wire, std::move(body), limits);
  const std::string field = field_of(head, "content-length");
  uint64_t length = UINT64_MAX;  // to the end of the connection
  if (!field.empty()) {
    const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), length);
    if (error != std::errc() || end != field.data() + field.size())
      return unavailable("the answer says no length that is a number");
    if (length > limits.most_bytes) return too_long(limits);
  }
  while (body.size() < length) {
    if (body.size() > limits.most_bytes) return too_long(limits);
    const Result<bool> more = wire.receive(body);
    if (!more) return more.error();
    if (more.value()) continue;
    if (!field.empty()) return unavailable("the answer ends too early");
    break;
  }
  if (!field.empty()) body.resize(length);
  if (body.size() > limits.most_bytes) return too_long(limits);
  return body;
}

Result<PostReply> ask_one(const addrinfo& address, const Destination& to, std::string_view body,
                          const QuestionLimits& limits, Clock::time_point deadline, const std::stop_token& stop) {
  Wire wire(deadline, stop);
  const std::string bearer = limits.bearer.empty() ? "" : "Authorization: Bearer " + limits.bearer + "\r\n";
  if (const Outcome sent = send_question(wire, address, to, body, bearer); !sent.ok()) return sent.error();
  std::string text;
  const Result<std::string> head = receive_head(wire, text, limits);
  if (!head) return head.error();
  Result<std::string> answer = receive_body(wire, head.value(), std::move(text), limits);
  if (!answer) return answer.error();
  return PostReply{status_of(head.value()).value(), std::move(answer).value()};
}

/// ask(address) of the private addresses of a host in turn, until one answers.
template <class T, class F>
Result<T> try_addresses(const Destination& to, const F& ask) {
  const Addresses found = look_up(to, 0);
  if (!found) return unavailable("no address of " + to.host + " is known");
  Result<T> result = Error{ErrorCode::kInvalidArgument, to.host + " has no address in a private network"};
  for (const addrinfo* one = found.get(); one != nullptr; one = one->ai_next) {
    if (!is_private(*one->ai_addr)) continue;
    result = ask(*one);
    if (result || result.error().code != ErrorCode::kUnavailable) break;
  }
  return result;
}

}  // namespace

std::string Destination::authority() const {
  const std::string name = host.find(':') == std::string::npos ? host : "[" + host + "]";
  return port == "80" ? name : name + ":" + port;
}

Destination parse_destination(std::string_view url, const std::string& field, std::string_view path) {
  constexpr std::string_view kScheme = "http://";
  const auto refuse = [&](const std::string& message) -> Failure {
    return Failure(ErrorCode::kInvalidArgument, field + ": " + message);
  };
  if (!url.starts_with(kScheme)) throw refuse("expected http://HOST[:PORT]; other schemes are not spoken");
  const std::string_view rest = url.substr(kScheme.size());
  const std::string_view authority = rest.substr(0, rest.find('/'));
  if (rest.find_first_of("?# \r\n\t") != std::string_view::npos) throw refuse("expected no query and no blanks");
  Result<Authority> parsed = parse_authority(authority);
  if (!parsed || parsed->host.empty()) throw refuse("expected http://HOST[:PORT]");
  Destination to{.host = parsed->host, .port = std::to_string(parsed->port.value_or(80)), .path = std::string(path)};
  if (rest.size() > authority.size() + 1) to.path = rest.substr(authority.size());
  if (const Addresses literal = look_up(to, AI_NUMERICHOST); literal && !is_private(*literal->ai_addr))
    throw refuse("expected an address of this machine or of a private network, for the connection is not encrypted");
  return to;
}

bool is_private(const sockaddr& address) {
  if (address.sa_family == AF_INET)
    return is_private4(ntohl(reinterpret_cast<const sockaddr_in&>(address).sin_addr.s_addr));
  if (address.sa_family != AF_INET6) return false;
  const in6_addr& a = reinterpret_cast<const sockaddr_in6&>(address).sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&a)) {
    uint32_t inner = 0;
    std::memcpy(&inner, a.s6_addr + 12, sizeof inner);
    return is_private4(ntohl(inner));
  }
  return IN6_IS_ADDR_LOOPBACK(&a) || (a.s6_addr[0] & 0xFE) == 0xFC;
}

Result<int> post_json(const Destination& to, std::string_view body, Clock::time_point deadline,
                      const std::stop_token& stop) {
  return try_addresses<int>(to, [&](const addrinfo& one) { return post_to(one, to, body, deadline, stop); });
}

Result<PostReply> ask_json(const Destination& to, std::string_view body, const QuestionLimits& limits,
                           Clock::time_point deadline, const std::stop_token& stop) {
  return try_addresses<PostReply>(to,
                                  [&](const addrinfo& one) { return ask_one(one, to, body, limits, deadline, stop); });
}

}  // namespace maru::http
