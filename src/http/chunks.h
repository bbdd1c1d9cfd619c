// The chunked coding of a request's body (RFC 9112 §7.1), decoded as it arrives. Keeps nothing but the body: extensions
// and trailers are checked, counted and dropped.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>

#include "base/error.h"

namespace maru::http {

class ChunkDecoder {
 public:
  /// `max_body`: bytes of data; `max_extra`: bytes of extensions and trailers of the whole body together.
  ChunkDecoder(uint64_t max_body, uint64_t max_extra) : max_body_(max_body), max_extra_(max_extra) {}
  /// Appends the data in `bytes` to `body`; returns how many bytes it took, all of them unless the body ended.
  ///
  /// Fails with kExhausted when the body is longer than allowed, with kInvalidArgument when the coding is broken.
  Result<size_t> feed(std::string_view bytes, std::string& body);
  bool done() const { return state_ == State::kDone; }

 private:
  enum class State : uint8_t {
    kSize,       // digits
    kExtension,  // to the end of the line
    kSizeEnd,    // its LF
    kData,
    kDataEnd,  // CR LF behind the data
    kDataEnd2,
    kTrailerBegin,  // at the beginning of a line
    kTrailer,
    kTrailerEnd,  // its LF
    kLastEnd,     // the LF of the empty line
    kDone
  };
  size_t take_data(std::string_view bytes, std::string& body);
  Outcome step(char c);
  Outcome step_size(char c);
  Outcome step_trailer(char c);
  Outcome count_extra(char c);
  Outcome expect(char c, char expected, State next);

  State state_ = State::kSize;
  uint64_t max_body_, max_extra_;
  uint64_t total_ = 0, extra_ = 0, left_ = 0;
  int digits_ = 0;
  bool named_ = false;  // the trailer's line has its colon
};

}  // namespace maru::http
