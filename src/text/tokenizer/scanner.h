// Split patterns that are executed by hand-written scanners: the same pieces as their regular expressions, in one pass
// over the bytes, linear for every input. A pattern is known by its text; any other goes to Oniguruma (regex.h).
//
// Bytes that are not UTF-8 count as punctuation, one ill-formed part at a time. Immutable; share between threads.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "text/unicode/char_class.h"
#include "text/unicode/piece_sink.h"

namespace maru::text {

/// The pattern of tokenizers trained here. In words: runs of Hangul, Han, Hiragana, Katakana, of the scripts without
/// spaces (Thai, Lao, Khmer, Myanmar) and of all other letters, each with one space before it; marks and joiners stay
/// with their letters; English contractions stay with their word; digits by threes; punctuation with its newlines;
/// white space up to its last newline; other white space but the last space before a word.
std::string maru_pattern();
/// What ByteLevel(use_regex = true) stands for.
extern const std::string_view kGpt2Pattern;
extern const std::string_view kLlama3Pattern;
extern const std::string_view kQwen2Pattern;

class Scanner {
 public:
  /// Empty if `pattern` is not one of the above.
  static std::optional<Scanner> of_pattern(std::string_view pattern, std::shared_ptr<const CharClasses> classes);
  /// Gives the pieces in order; together they are the text.
  void split(std::string_view text, PieceSink sink) const;

 private:
  enum class Kind : uint8_t { kMaru, kGpt2, kLlama3, kQwen2 };
  Scanner(Kind kind, std::shared_ptr<const CharClasses> classes) : kind_(kind), classes_(std::move(classes)) {}
  Kind kind_;
  std::shared_ptr<const CharClasses> classes_;
};

}  // namespace maru::text
