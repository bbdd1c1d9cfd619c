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
#include <stop_token>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/principal.h"
#include "base/request_record.h"
#include "http/body_sink.h"
#include "http/open_file.h"

namespace maru::http {

enum class Method : uint8_t { kGet, kHead, kPost, kPut, kPatch, kDelete, kOptions, kOther };
std::string_view name_of(Method method);

struct Route;

using Headers = std::vector<std::pair<std::string, std::string>>;
/// The first value of a header, whatever its case; empty if absent.
std::string_view find_header(const Headers& headers, std::string_view name);

struct Request {
  Method method = Method::kGet;
  std::string path;                                        // decoded, without the query
  std::vector<std::pair<std::string, std::string>> query;  // decoded, in order
  Headers headers;                                         // names in lower case
  std::string body;                                        // empty where the route has a sink
  std::shared_ptr<BodySink> sink;                          // finished; of routes that have one
  std::optional<std::string> authority;   // who was asked: of the target if it names one, else the Host header
  std::string peer;                       // the client's address; of IPv6 its network
  bool local_peer = false;                // the client runs on this machine
  bool secure = false;                    // it came by TLS
  bool is_message = false;                // it came by a WebSocket: one of the messages of a Dialogue
  const Route* route = nullptr;           // set once the router has admitted the request
  std::vector<std::string> arguments;     // what the route's {…} matched, in order
  std::optional<Principal> principal;     // whose key it brought
  std::shared_ptr<RequestRecord> record;  // what is noted of it; null: nobody wants to know
  std::stop_token stop;                   // asked to stop as soon as nobody waits for the answer any more
  LongWait::Pool* waits = nullptr;        // whose thread answers it

  std::string_view header(std::string_view name) const { return find_header(headers, name); }
  /// The first value of a query parameter; empty if absent.
  std::string_view parameter(std::string_view name) const;
  /// Who it counts for: a key, an address. A program of this machine without a key is nobody in particular.
  Caller caller() const;
};

struct Response {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  Headers headers;
};

/// A response that is not ready yet. Owned by its connection, never called by two threads at once.
class Pending {
 public:
  virtual ~Pending() = default;
  /// Takes in what has come, on a network thread: must be short. True when all of it is there.
  virtual bool ready() = 0;
  /// Called once, after ready(), on a worker: may take its time.
  virtual Response response() = 0;
};

/// How a streamed body looks to a client.
struct StreamForm {
  std::string_view content_type, idle;  // idle: bytes that clients skip, wherever between two takes they stand
};

/// A body of server-sent events, or of what form() says. Owned by its connection, never called by two threads at once.
class EventStream {
 public:
  virtual ~EventStream() = default;
  virtual StreamForm form() const { return {"text/event-stream; charset=utf-8", ":\n\n"}; }
  /// Appends what is ready, perhaps nothing; false when that was the last. Runs on a network thread, so it stops
  /// soon after kTakeBytes; it is asked again at once.
  virtual bool take(std::string& to) = 0;
  static constexpr size_t kTakeBytes = 16 << 10;
};

/// Tells a connection to ask its answer again. Thread-safe, never blocks. Not to be called once the answer is
/// destroyed: the destructor makes sure of that; keeping or destroying it later is harmless.
using Wake = std::function<void()>;

/// The answer to a request that asks for a WebSocket (RFC 6455). From then on every text message of the client is a
/// request of its own, admitted, counted and answered like any other, and every event of its answer is a message back.
/// One at a time, in the order they came; a client that closes cancels the one at work.
struct Dialogue {
  Request opening;  // the request; its headers are those of all that follow
  Method method = Method::kPost;
  std::string path;  // of the requests that messages are; their body is the message
  /// The message that stands for an answer that is no stream: an error, mostly.
  std::function<std::string(const Response&)> message_of;
};

/// A file as the answer, read while it is sent. The connection asks nobody else: Content-Length, HEAD, one `Range`,
/// `If-Range` and `If-None-Match` follow from it (http/conditions.h). A file that turns out to be shorter ends the
/// connection, so that no client takes a part for the whole.
struct FileAnswer {
  static constexpr uint64_t kToItsEnd = ~uint64_t{0};
  std::shared_ptr<const OpenFile> file;
  uint64_t offset = 0, length = kToItsEnd;  // what of the file is the answer, in bytes; a range counts from there
  std::string content_type = "application/octet-stream";
  std::string etag;  // without quotes; empty: it has none, and neither conditions
  Headers headers;   // beside Content-Length, ETag, Accept-Ranges and Content-Range
  int status = 200;  // 206 once a range was taken
};

struct Reply {
  std::variant<Response, std::unique_ptr<Pending>, std::unique_ptr<EventStream>, Dialogue, FileAnswer> answer;
  Headers headers;         // added to the response's own
  std::string_view route;  // the pattern that matched, for metrics; outlives the server
};

/// Says in X-Maru-Warning what was done otherwise than asked for: the first, and how many more. They are ASCII.
void add_warnings(Reply& reply, const std::vector<std::string>& warnings);
/// Appends `data: …\n\n`, with `event: NAME\n` before it where there is a name; both must be one line.
void append_event(std::string& to, std::string_view data, std::string_view name = {});
std::string_view reason_of(int status);
/// Decodes %XX, and '+' as a space when `plus_is_space`. Fails on a bad escape and on a zero byte.
Result<std::string> percent_decode(std::string_view text, bool plus_is_space);
/// Splits a request target into path and query, and in the absolute form authority (RFC 9112 §3.2).
Outcome parse_target(std::string_view target, Request& request);
/// Compares as names of HTTP are compared: ASCII letters whatever their case.
bool same_word(std::string_view a, std::string_view b);
/// Without blanks and tabs at both ends.
std::string_view trim_blanks(std::string_view text);
std::string lower_case(std::string_view text);

}  // namespace maru::http
