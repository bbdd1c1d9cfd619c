#include "http/chunks.h"

#include <algorithm>

#include "http/head.h"

namespace maru::http {
namespace {

constexpr int kMaxDigits = 16;

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

Result<size_t> ChunkDecoder::feed(std::string_view bytes, std::string& body) {
  size_t taken = 0;
  while (taken < bytes.size() && !done()) {
    if (state_ == State::kData) {
      taken += take_data(bytes.substr(taken), body);
      continue;
    }
    if (Outcome stepped = step(bytes[taken]); !stepped) return stepped.error();
    ++taken;
  }
  return taken;
}

size_t ChunkDecoder::take_data(std::string_view bytes, std::string& body) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  body.append(bytes.substr(0, count));
  left_ -= count;
  if (left_ == 0) state_ = State::kDataEnd;
  return count;
}

Outcome ChunkDecoder::step(char c) {
  switch (state_) {
    case State::kSize: return step_size(c);
    case State::kExtension:
      if (c != '\r') return count_extra(c);
      state_ = State::kSizeEnd;
      return Done{};
    case State::kSizeEnd: return expect(c, '\n', left_ == 0 ? State::kTrailerBegin : State::kData);
    case State::kDataEnd: return expect(c, '\r', State::kDataEnd2);
    case State::kDataEnd2: return expect(c, '\n', State::kSize);
    case State::kTrailerEnd: return expect(c, '\n', State::kTrailerBegin);
    case State::kLastEnd: return expect(c, '\n', State::kDone);
    default: return step_trailer(c);
  }
}

Outcome ChunkDecoder::step_size(char c) {
  if (const int digit = hex_digit(c); digit >= 0) {
    if (++digits_ > kMaxDigits) return malformed("the size of a chunk has more than 16 digits");
    left_ = left_ * 16 + static_cast<uint64_t>(digit);
    return Done{};
  }
  if (digits_ == 0) return malformed("expected the size of a chunk in hexadecimal digits");
  if (c != '\r' && c != ';' && c != ' ' && c != '\t') return malformed("unexpected byte behind the size of a chunk");
  if (left_ > max_body_ - total_)
    return Error{ErrorCode::kExhausted, "the request body is longer than " + std::to_string(max_body_) + " bytes"};
  total_ += left_;
  digits_ = 0;
  if (c == '\r') return state_ = State::kSizeEnd, Done{};
  state_ = State::kExtension;
  return count_extra(c);
}

Outcome ChunkDecoder::step_trailer(char c) {
  if (state_ == State::kTrailerBegin) {
    if (c == '\r') return state_ = State::kLastEnd, Done{};
    named_ = false;
    state_ = State::kTrailer;
    if (!is_token(std::string_view(&c, 1))) return malformed("a trailer that does not begin with a name");
    return count_extra(c);
  }
  if (c == '\r') {
    if (!named_) return malformed("a trailer without a colon");
    return state_ = State::kTrailerEnd, Done{};
  }
  if (c == ':') named_ = true;
  if (!named_ && !is_token(std::string_view(&c, 1))) return malformed("the name of a trailer is not a word");
  return count_extra(c);
}

Outcome ChunkDecoder::count_extra(char c) {
  if ((static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f)
    return malformed("a control character in a chunk's extension or in a trailer");
  if (++extra_ > max_extra_)
    return malformed("chunk extensions and trailers of more than " + std::to_string(max_extra_) + " bytes");
  return Done{};
}

Outcome ChunkDecoder::expect(char c, char expected, State next) {
  if (c != expected) return malformed("a line of the chunked body does not end with CR LF");
  state_ = next;
  return Done{};
}

}  // namespace maru::http
