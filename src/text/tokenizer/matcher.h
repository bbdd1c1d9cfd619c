// Finds a pattern in a text: the matches and what lies between them. Immutable; cheap to copy; share between threads.
#pragma once
#include <string>
#include <variant>

#include "text/tokenizer/regex.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

class Matcher {
 public:
  explicit Matcher(Regex regex) : pattern_(std::move(regex)) {}
  /// `where` names the pattern in errors.
  static Result<Matcher> create(const Pattern& pattern, const std::string& where);
  /// Matches and gaps in order; together they are the text. A match may be empty, a gap never is.
  ///
  /// Throws   kExhausted when a regular expression backtracks beyond limits.
  void find(std::string_view text, SinkOf<Matched> sink) const;

 private:
  explicit Matcher(std::string literal) : pattern_(std::move(literal)) {}
  std::variant<std::string, Regex> pattern_;
};

}  // namespace maru::text
