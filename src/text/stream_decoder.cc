#include "text/stream_decoder.h"

#include <utility>

#include "text/unicode.h"

namespace maru::text {

std::string StreamDecoder::push(int32_t id) {
  const std::string_view bytes = tokenizer_.bytes_of(id);
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  pending_ += bytes;
  const size_t whole = pending_.size() - incomplete_suffix(pending_);
  std::string text = replace_invalid_utf8(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::flush() { return replace_invalid_utf8(std::exchange(pending_, {})); }

}  // namespace maru::text
