// Tokens to text as they come: what push() returns is always whole UTF-8 characters, and never changes afterwards: the
// pieces together are what Tokenizer::decode gives for all tokens at once. Bytes that can never become UTF-8 turn into
// U+FFFD; bytes of an unfinished character wait for the next token. Not thread-safe.
#pragma once
#include <cstdint>
#include <string>

#include "text/tokenizer.h"

namespace maru::text {

class StreamDecoder {
 public:
  /// The tokenizer must outlive it.
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true);
  /// Text that became whole by this token; may be empty. Throws kInvalidArgument for an id that is no token's.
  std::string push(int32_t id);
  /// What is left; an unfinished character becomes U+FFFD. The next token begins a new text.
  std::string flush();

 private:
  DecoderRun fresh_run() const;
  std::string take_whole();
  const Tokenizer& tokenizer_;
  bool skip_special_;
  DecoderRun run_;
  std::string pending_;  // at most 3 bytes between calls
};

}  // namespace maru::text
