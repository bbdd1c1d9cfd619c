// From the spelling of tokens back to text, token by token, by the decoder steps of a file. What comes out after each
// token is final, so that streaming and decoding at once give the same text by construction; steps that must see what
// follows hold back as little as they can.
//
// A TokenDecoder is immutable and shared; a DecoderRun is one text on its way, for one thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "text/tokenizer/tokenizer_spec.h"
#include "text/unicode/piece_sink.h"

namespace maru::text {

/// One step at work on one text.
class DecoderStage {
 public:
  virtual ~DecoderStage() = default;
  virtual std::unique_ptr<DecoderStage> fresh() const = 0;
  virtual void push(std::string_view token, PieceSink next) = 0;
  /// No more tokens: gives what was held back.
  virtual void finish(PieceSink) {}
};

class DecoderRun {
 public:
  explicit DecoderRun(std::vector<std::unique_ptr<DecoderStage>> stages) : stages_(std::move(stages)) {}
  /// Appends the text that this token made certain.
  void push(std::string_view token, std::string& text) { push_to(0, token, text); }
  /// Appends what is left. Nothing may be pushed afterwards.
  void finish(std::string& text);

 private:
  void push_to(size_t stage, std::string_view token, std::string& text);
  std::vector<std::unique_ptr<DecoderStage>> stages_;
};

class TokenDecoder {
 public:
  /// Tokens with spaces between them.
  TokenDecoder();
  /// The steps of a file; none: as above.
  static Result<TokenDecoder> create(const std::vector<DecoderStep>& steps, const std::string& where);
  DecoderRun start() const;
  /// The bytes that a token stands for inside a text.
  ///
  /// Cost     Decodes two short texts.
  std::string bytes_inside(std::string_view token) const;

 private:
  std::vector<std::shared_ptr<const DecoderStage>> stages_;
  bool byte_fallback_ = false;
};

}  // namespace maru::text
