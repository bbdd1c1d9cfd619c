// From sampled tokens to pieces of text: decodes tokens across character boundaries, watches for stop strings, and
// keeps each token's score beside the text it belongs to. One per choice; owned by the engine thread.
#pragma once
#include <deque>
#include <span>
#include <string>
#include <vector>

#include "infer/generation.h"
#include "infer/stop.h"
#include "text/tokenizer/stream_decoder.h"

namespace maru::infer {

/// What is in the text that as a rule is not.
struct TextRules {
  bool special = false;  // special tokens
  bool stop = false;     // the stop string that ends it
};

class AnswerText {
 public:
  /// `told`: pieces carry their tokens. `before`: what the answer goes on with. `shown`: special tokens whose
  /// spelling is in the text, where others are skipped. The tokenizer must outlive this.
  AnswerText(const text::Tokenizer& tokenizer, std::vector<std::string> stop, bool told,
             std::span<const int32_t> before = {}, std::vector<int32_t> shown = {}, TextRules rules = {});
  /// The next token; fills text and tokens of `piece` with what is now sure. True when a stop string ended the answer.
  bool push(ScoredToken token, Piece& piece);
  /// The stop string that ended it; empty: none did.
  const std::string& stop() const { return stop_.which(); }
  /// The answer ends here: everything that was held back.
  void finish(Piece& piece);

 private:
  struct Held {
    ScoredToken token;
    size_t begin;  // where its text begins, in bytes from the start of the answer
  };
  void release(size_t end, Piece& piece);

  const text::Tokenizer& tokenizer_;
  text::StreamDecoder decoder_;
  StopMatcher stop_;
  bool told_, keeps_stop_;
  size_t decoded_ = 0, emitted_ = 0;  // bytes
  std::deque<Held> held_;
};

}  // namespace maru::infer
