// The server's own words for HTTP: a request, a response, and answers that take time. Handlers see only this header;
// the HTTP library lives in http_server.cc alone.
//
// An answer that takes time is pulled, not pushed: its connection asks for more whenever the socket can take more, so a
// slow client costs nothing but its own queue. Destroying the answer cancels the work behind it; the connection does so
// as soon as the client goes away, also while nothing is being written.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"

namespace maru::server {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view name_of(Method method);

using Headers = std::vector<std::pair<std::string, std::string>>;
/// The first value of a header, whatever its case; empty if absent.
std::string_view find_header(const Headers& headers, std::string_view name);

struct Request {
  Method method = Method::kGet;
  std::string path;                                        // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;                                         // names in lower case
  std::string body;
  std::vector<std::string> arguments;  // what the route's {…} matched, in order

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  /// The first value of a query parameter; empty if absent.
  std::string_view parameter(std::string_view name) const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;
};

/// A response that is not ready yet. Owned and called by its connection, never by two threads at once.
class Pending {
 public:
  virtual ~Pending() = default;
  /// Empty until the response is ready.
  virtual std::optional<Response> poll() = 0;
};

/// A body of server-sent events. Owned and called by its connection, never by two threads at once.
class EventStream {
 public:
  virtual ~EventStream() = default;
  /// Appends what is ready, perhaps nothing; false when that was the last.
  virtual bool take(std::string& to) = 0;
};

/// Tells a connection to ask its answer again. Thread-safe, never blocks. Not to be called once the answer is
/// destroyed: the destructor makes sure of that; keeping or destroying it later is harmless.
using Wake = std::function<void()>;

struct Reply {
  std::variant<Response, std::unique_ptr<Pending>, std::unique_ptr<EventStream>> answer;
  Headers headers;         // added to the response's own
  std::string_view route;  // the pattern that matched, for metrics; outlives the server
};

/// Appends `data: …\n\n`; `data` must be one line.
void append_event(std::string& to, std::string_view data);
std::string_view reason_of(int status);
/// Decodes %XX, and '+' as a space when `plus_is_space`. Fails on a bad escape and on a zero byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
/// Splits a request target into path and query. Accepts the origin and absolute forms (RFC 9112 §3.2).
Outcome parse_target(std::string_view target, Request& request);

}  // namespace maru::server
