#include "text/stream_decoder.h"

#include <utility>

#include "text/unicode.h"

namespace maru::text {

StreamDecoder::StreamDecoder(const Tokenizer& tokenizer, bool skip_special)
    : tokenizer_(tokenizer), skip_special_(skip_special), run_(fresh_run()) {}

DecoderRun StreamDecoder::fresh_run() const {
  return tokenizer_.spec().byte_level ? DecoderRun({}) : tokenizer_.decoder().start();
}

std::string StreamDecoder::push(int32_t id) {
  const std::string_view token = tokenizer_.decoded_spelling_of(id);
  if (skip_special_ && tokenizer_.is_special(id)) return {};
  run_.push(token, pending_);
  return take_whole();
}

std::string StreamDecoder::take_whole() {
  const size_t whole = pending_.size() - incomplete_suffix(pending_);
  std::string text = replace_invalid_utf8(std::string_view(pending_).substr(0, whole));
  pending_.erase(0, whole);
  return text;
}

std::string StreamDecoder::flush() {
  run_.finish(pending_);
  run_ = fresh_run();
  return replace_invalid_utf8(std::exchange(pending_, {}));
}

}  // namespace maru::text
