// Tokens to text as they come: what push() returns is always whole UTF-8 characters, and never changes afterwards: the
// pieces together are what Tokenizer::decode gives for all tokens at once. Bytes that can never become UTF-8 turn into
// U+FFFD; bytes of an unfinished character wait for the next token. Not thread-safe.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "text/tokenizer/tokenizer.h"

namespace maru::text {

class StreamDecoder {
 public:
  /// `before`: tokens whose text the stream goes on with: their text and the stream's put end to end are that of all
  /// tokens decoded at once, but for a character that the border cuts in two, which the stream gives whole. So the
  /// space that begins a word of SentencePiece's is kept behind a prompt. The tokenizer must outlive it.
  /// `shown`: special tokens that are text all the same.
  ///
  /// Cost     decodes at most the last 64 tokens of `before` twice
  explicit StreamDecoder(const Tokenizer& tokenizer, bool skip_special = true, std::span<const int32_t> before = {},
                         std::vector<int32_t> shown = {});
  /// Text that became whole by this token; may be empty. Throws kInvalidArgument for an id that is no token's.
  std::string push(int32_t id);
  /// What is left; an unfinished character becomes U+FFFD. The next token begins a new text.
  std::string flush();

 private:
  DecoderRun fresh_run() const;
  void go_on_behind(std::span<const int32_t> before);
  void push_token(int32_t id);
  std::string take_whole();
  std::string without_told(std::string text);
  const Tokenizer& tokenizer_;
  bool skip_special_;
  std::vector<int32_t> shown_;
  DecoderRun run_;
  std::string pending_;  // at most 3 bytes between calls
  std::string told_;     // text of the tokens before that the steps still hold back
};

}  // namespace maru::text
