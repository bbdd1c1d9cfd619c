// Any split pattern, executed by Oniguruma: the engine that Hugging Face's files are written for.
// Immutable; share between threads.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/unicode/piece_sink.h"

namespace maru::text {

/// A part of a text: a match of a pattern, or what lies before, between or behind matches.
struct Matched {
  std::string_view text;
  bool is_match = false;
};

class Regex {
 public:
  /// `where` names the pattern in errors, e.g. "tokenizer.json: pre_tokenizer.pattern".
  static Result<Regex> compile(const std::string& pattern, const std::string& where);
  /// Matches and the gaps between them, in order; together they are the text. Bytes that are not UTF-8 are gaps of
  /// their own. A match may be empty, but for one directly behind another match.
  ///
  /// Throws   kExhausted when the pattern backtracks beyond Oniguruma's limits.
  void find(std::string_view text, SinkOf<Matched> sink) const;
  /// The same as pieces, none empty.
  void split(std::string_view text, PieceSink sink) const;

 private:
  struct Compiled;
  explicit Regex(std::shared_ptr<const Compiled> compiled) : compiled_(std::move(compiled)) {}
  void find_valid(std::string_view text, SinkOf<Matched> sink) const;
  std::shared_ptr<const Compiled> compiled_;
};

}  // namespace maru::text
