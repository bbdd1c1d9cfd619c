// The head of a request: where it ends, and what it says (RFC 9112 §2–6). Strict, because whoever stands in front of
// this server must not be able to read it otherwise: one way to end a line, one way to say where a body ends.
#pragma once
#include <cstdint>
#include <string_view>

#include "http/http.h"

namespace maru::http {

struct Head {
  Request request;  // without its body
  bool http11 = true;
  bool keep_alive = true;
  bool expects_continue = false;
  bool chunked = false;
  uint64_t length = 0;  // of a body that is not chunked
  bool has_body() const { return chunked || length > 0; }
};

/// Finds the end of a head while it arrives, looking at each byte once.
class HeadScanner {
 public:
  explicit HeadScanner(int64_t max_fields) : max_fields_(max_fields) {}
  /// `bytes` is everything that came so far. The size of the head with its last empty line; 0: not all of it is there.
  ///
  /// Fails with kExhausted on more fields than allowed, with kInvalidArgument on a byte that no head may hold.
  Result<size_t> scan(std::string_view bytes);

 private:
  int64_t max_fields_, lines_ = 0;
  size_t position_ = 0, line_begin_ = 0;
};

/// Reads a head that a HeadScanner has delimited.
Result<Head> parse_head(std::string_view bytes);
/// An error whose message begins with "malformed HTTP request: ".
Error malformed(std::string_view what);
/// Letters, digits and !#$%&'*+-.^_`|~ (RFC 9110 §5.6.2).
bool is_token(std::string_view text);

}  // namespace maru::http
