// Where the body of a request goes that is too large to stand in memory: piece by piece into what its route makes for
// it.
//
// One sink per request. Its making and all its calls run on threads that may wait for a disk (http.file_threads), one
// at a time and in order; its destruction there or on a worker; nothing of it on a network thread while the server
// runs. While a piece is written the next ones come, but only so many (http/upload.h): who sends faster than the sink
// takes waits.
#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <string_view>

namespace maru::http {

struct Request;

/// Destroyed without finish() when anything went wrong before: the client left, the body ended early or was longer than
/// limit(), a call threw. Then nothing of it must remain. What a call throws becomes the answer, in the words of the
/// route's dialect.
class BodySink {
 public:
  virtual ~BodySink() = default;
  /// The longest body it takes, in bytes; asked once, before anything is read. More is answered 413: at once where the
  /// request says its length, else as soon as it comes.
  virtual uint64_t limit() const = 0;
  /// The body's next bytes, as the client meant them: without the chunked coding, cut anywhere.
  virtual void write(std::string_view bytes) = 0;
  /// All of it is there; called once, also after no bytes at all. Here it is made to last (fsync). The handler gets the
  /// sink as Request::sink afterwards, and destroys it.
  virtual void finish() = 0;
};

/// Makes the sink for an admitted request, from its head: `arguments`, `principal`, headers such as Content-Length. The
/// body is not there. What it throws refuses the request before the body is read, and before `100 Continue` is said.
using MakeSink = std::function<std::unique_ptr<BodySink>(const Request&)>;

}  // namespace maru::http
