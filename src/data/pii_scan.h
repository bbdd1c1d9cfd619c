// What the scanners of personal data share: characters folded to the ASCII that they stand for, and the surroundings of
// a number. People type numbers with en dashes, no-break spaces and full-width digits; the scanners see '-', ' ', '0'.
#pragma once
#include <array>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "data/pii.h"

namespace maru::data {

/// What fold gives for letters that are not ASCII, for other characters, and for those without width.
inline constexpr char kForeignLetter = 1, kOtherCharacter = 2, kNoWidth = 3;

struct Folded {
  char c;
  uint8_t bytes;
};
/// The character at `at` < text.size(); the one that ends at `at` > 0. Dashes of any kind are '-', spaces ' ',
/// full-width forms their ASCII; a byte that is not UTF-8 is kOtherCharacter.
Folded fold_at(std::string_view text, size_t at);
Folded fold_before(std::string_view text, size_t at);

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

struct PiiMatch {
  size_t begin, end;
  PiiKind kind;
};

/// Where a number may begin: not inside a longer one or an identifier; after "1/" or a single letter ("T010-…") only
/// when its groups are separated.
enum class Start { kNo, kSeparated, kAny };

/// The folded characters from a position on, up to the first that no number contains, and what stands in front.
class NumberText {
 public:
  static constexpr size_t kMost = 48;
  NumberText(std::string_view text, size_t at, Start start);
  std::string_view characters() const { return {characters_.data(), size_}; }
  size_t position(size_t index) const { return at_ + offsets_[index]; }
  size_t at() const { return at_; }
  size_t digits() const { return digits_; }
  bool separated_only() const { return start_ == Start::kSeparated; }
  /// Whether one of `words` (lower case) stands in the 40 bytes in front.
  bool follows(std::initializer_list<std::string_view> words) const;

 private:
  const std::string_view text_;
  const size_t at_;
  const Start start_;
  size_t size_ = 0, digits_ = 0;
  std::array<char, kMost> characters_{};
  std::array<uint16_t, kMost + 1> offsets_{};
};

/// `redacted`: the end of the last match, which a '/' may follow. Cost: at most 20 characters.
Start start_of_number(std::string_view text, size_t at, size_t redacted);

/// The first kind that fits, of those that `config` asks for.
std::optional<PiiMatch> match_number(const NumberText& number, const PiiConfig& config);
/// `at`: the position of '@'; characters before `from` are not looked at. Adds to `work` the characters looked at.
std::optional<PiiMatch> match_email(std::string_view text, size_t at, size_t from, int64_t& work);

}  // namespace maru::data
