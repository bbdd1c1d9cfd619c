// Splits a text into the pieces that a subword model sees: one or more patterns, each applied to the pieces of the one
// before. Together the pieces are the text. Immutable; cheap to copy; share between threads.
#pragma once
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/error.h"
#include "text/piece_sink.h"
#include "text/regex.h"
#include "text/scanner.h"

namespace maru::text {

class PreTokenizer {
 public:
  /// No pattern: the whole text is one piece.
  PreTokenizer() = default;
  /// `where` names the patterns' list in errors.
  static Result<PreTokenizer> create(const std::vector<std::string>& patterns, const std::string& where);
  void split(std::string_view text, PieceSink sink) const { split_from(0, text, sink); }

 private:
  void split_from(size_t stage, std::string_view text, PieceSink sink) const;
  std::vector<std::variant<Scanner, Regex>> stages_;
};

}  // namespace maru::text
