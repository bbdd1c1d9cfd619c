#include "text/tokenizer/scanner.h"

#include <array>

namespace maru::text {

const std::string_view kGpt2Pattern = R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
const std::string_view kLlama3Pattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3})"
                                        R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
const std::string_view kQwen2Pattern = R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N})"
                                       R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";

std::string maru_pattern() {
  const std::string attached = R"(\p{M}\x{200C}\x{200D})", prolonged = R"(\x{30FC}\x{FF70})", zero = R"(\x{3007})";
  const std::string spaceless = R"(\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar})";
  const std::string scripts = R"(\p{Hangul}\p{Han}\p{Hiragana}\p{Katakana})" + spaceless + prolonged;
  const auto letters = [](const std::string& set) { return "[\\p{L}&&[" + set + "]]"; };
  const auto run = [&](const std::string& first, const std::string& more) {
    return " ?[" + first + "][" + attached + more + "]*";
  };
  const std::string hangul = letters(R"(\p{Hangul})"), han = zero + letters(R"(\p{Han})");
  const std::string hiragana = letters(R"(\p{Hiragana})"), katakana = prolonged + letters(R"(\p{Katakana})");
  const std::string thai = letters(spaceless), other = letters("^" + scripts);
  return run(hangul, hangul) + "|" + run(han, han) + "|" + run(hiragana, prolonged + hiragana) + "|" +
         run(katakana, katakana) + "|" + run(thai, thai) + "|" + run(R"(\p{M})" + other, other) +
         R"((?:['\x{2019}](?:[sStTmMdD]|[rR][eE]|[vV][eE]|[lL][lL])(?![\p{L}\p{M}]))?)" + R"(|[\p{N}&&[^)" + zero +
         R"(]]{1,3}| ?[^\s\p{L}\p{M}\p{N}][^\s\p{L}\p{N}]*[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

namespace {

using enum CharClass;

constexpr uint32_t kAttached = set_of(kMark, kJoiner);
constexpr uint32_t kAllClasses = (bit(kLetter) << 1) - 1;

// Which classes continue a word of our pattern, by the class of its first character; 0: no word begins so.
constexpr std::array<uint32_t, 16> word_sets() {
  std::array<uint32_t, 16> sets{};
  const auto set = [&](CharClass first, uint32_t more) { sets[static_cast<size_t>(first)] = kAttached | more; };
  set(kHangul, set_of(kHangul));
  set(kHan, set_of(kHan, kIdeographicZero));
  set(kIdeographicZero, set_of(kHan, kIdeographicZero));
  set(kHiragana, set_of(kHiragana, kProlonged));
  set(kKatakana, set_of(kKatakana, kProlonged));
  set(kProlonged, set_of(kKatakana, kProlonged));
  set(kSpaceless, set_of(kSpaceless));
  set(kLetter, set_of(kLetter));
  set(kMark, set_of(kLetter));
  return sets;
}
constexpr std::array<uint32_t, 16> kWordSets = word_sets();

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

/// The scanners proper. Every function takes a position before the end and returns one behind it.
class Scan {
 public:
  Scan(const CharClasses& classes, const char* end) : classes_(classes), end_(end) {}

  const char* maru(const char* p) const {
    const auto [kind, length] = classes_.at(p, end_);
    if (const uint32_t set = word_set(kind); set != 0) return maru_word(p + length, kind, set);
    if (kind == kSpace && p + 1 < end_) {
      const auto [second, more] = classes_.at(p + 1, end_);
      if (const uint32_t set = word_set(second); set != 0) return maru_word(p + 1 + more, second, set);
      if (in(second, kMaruSymbols)) return maru_symbols(p + 1 + more);
    }
    if (kind == kNumber) return skip(p + length, bit(kNumber), 2);
    return in(kind, kMaruSymbols) ? maru_symbols(p + length) : whitespace(p);
  }

  const char* gpt2(const char* p) const {
    if (const char* q = contraction(p, false); q != p) return q;
    const char* q = *p == ' ' && p + 1 < end_ ? p + 1 : p;
    const auto [kind, length] = classes_.at(q, end_);
    for (const uint32_t set : {kLetters, kNumbers, kSymbols})
      if (in(kind, set)) return skip(q + length, set);
    return plain_whitespace(p);
  }

  const char* llama3(const char* p, int digits) const {
    if (const char* q = contraction(p, true); q != p) return q;
    const auto [kind, length] = classes_.at(p, end_);
    if (in(kind, kLetters)) return skip(p + length, kLetters);
    const bool prefix = !in(kind, kNumbers | bit(kNewline)) && p + length < end_;
    const auto [second, more] = prefix ? classes_.at(p + length, end_) : CharClasses::Char{kNewline, 0};
    if (in(second, kLetters)) return skip(p + length + more, kLetters);
    if (in(kind, kNumbers)) return skip(p + length, kNumbers, digits - 1);
    if (in(kind, kSymbols)) return newlines(skip(p + length, kSymbols));
    if (kind == kSpace && in(second, kSymbols)) return newlines(skip(p + length + more, kSymbols));
    return whitespace(p);
  }

 private:
  static constexpr uint32_t kSymbols = kAllClasses & ~(kWhitespace | kLetters | kNumbers);
  static constexpr uint32_t kMaruSymbols = kSymbols & ~bit(kMark);

  static uint32_t word_set(CharClass kind) { return kWordSets[static_cast<size_t>(kind)]; }

  const char* skip(const char* p, uint32_t set) const {
    while (p < end_) {
      const auto [kind, length] = classes_.at(p, end_);
      if (!in(kind, set)) break;
      p += length;
    }
    return p;
  }
  const char* skip(const char* p, uint32_t set, int most) const {
    for (; p < end_ && most > 0; --most) {
      const auto [kind, length] = classes_.at(p, end_);
      if (!in(kind, set)) break;
      p += length;
    }
    return p;
  }
  const char* newlines(const char* p) const {
    while (p < end_ && (*p == '\r' || *p == '\n')) ++p;
    return p;
  }

  const char* maru_word(const char* p, CharClass first, uint32_t set) const {
    if (first == kHangul) p = syllables(p);
    p = skip(p, set);
    return in(kLetter, set) ? suffix(p) : p;
  }
  // Hangul syllables U+AC00 to U+D7A3 without a table.
  const char* syllables(const char* p) const {
    for (; end_ - p >= 3 && (p[0] & 0xF8) == 0xE8 && (p[1] & 0xC0) == 0x80 && (p[2] & 0xC0) == 0x80; p += 3) {
      const uint32_t c = (p[0] & 0x0Fu) << 12 | (p[1] & 0x3Fu) << 6 | (p[2] & 0x3Fu);
      if (c - 0xAC00 > 0xD7A3 - 0xAC00) break;
    }
    return p;
  }
  const char* maru_symbols(const char* p) const { return newlines(skip(p, kSymbols)); }

  // 's, 't, 're … at p; p itself if there is none.
  const char* contraction(const char* p, bool any_case) const {
    if (*p != '\'' || end_ - p < 2) return p;
    const auto fold = [&](char c) { return any_case ? lower(c) : c; };
    const char first = fold(p[1]), second = end_ - p > 2 ? fold(p[2]) : '\0';
    if (first == 's' || first == 't' || first == 'm' || first == 'd') return p + 2;
    if ((first == 'r' || first == 'v') && second == 'e') return p + 3;
    if (first == 'l' && second == 'l') return p + 3;
    const bool long_s = any_case && end_ - p > 2 && p[1] == '\xC5' && p[2] == '\xBF';  // ſ folds to s
    return long_s ? p + 3 : p;
  }
  // The contraction that may follow a word of our pattern, with ' or ’.
  const char* suffix(const char* p) const {
    const bool curly = end_ - p >= 3 && p[0] == '\xE2' && p[1] == '\x80' && p[2] == '\x99';
    if (p == end_ || (*p != '\'' && !curly)) return p;
    const char* q = p + (curly ? 3 : 1);
    const char first = q < end_ ? lower(*q) : '\0', second = end_ - q > 1 ? lower(q[1]) : '\0';
    if (first == 's' || first == 't' || first == 'm' || first == 'd')
      q += 1;
    else if (((first == 'r' || first == 'v') && second == 'e') || (first == 'l' && second == 'l'))
      q += 2;
    else
      return p;
    return q < end_ && in(classes_.at(q, end_).kind, kLetters | bit(kMark)) ? p : q;
  }

  // \s*[\r\n]+ | \s+(?!\S) | \s+
  const char* whitespace(const char* p) const {
    const char *after_newline = nullptr, *last = p, *q = p;
    while (q < end_) {
      const auto [kind, length] = classes_.at(q, end_);
      if (!in(kind, kWhitespace)) break;
      last = q;
      q += length;
      if (kind == kNewline) after_newline = q;
    }
    if (after_newline != nullptr) return after_newline;
    return q == end_ || last == p ? q : last;
  }
  // \s+(?!\S) | \s+
  const char* plain_whitespace(const char* p) const {
    const char *last = p, *q = p;
    while (q < end_) {
      const auto [kind, length] = classes_.at(q, end_);
      if (!in(kind, kWhitespace)) break;
      last = q;
      q += length;
    }
    return q == end_ || last == p ? q : last;
  }

  const CharClasses& classes_;
  const char* end_;
};

template <class F>
void each_piece(std::string_view text, PieceSink sink, const F& piece_end) {
  const char* const end = text.data() + text.size();
  for (const char* p = text.data(); p < end;) {
    const char* const q = piece_end(p);
    sink({p, static_cast<size_t>(q - p)});
    p = q;
  }
}

}  // namespace

std::optional<Scanner> Scanner::of_pattern(std::string_view pattern, std::shared_ptr<const CharClasses> classes) {
  if (pattern == maru_pattern()) return Scanner(Kind::kMaru, std::move(classes));
  if (pattern == kGpt2Pattern) return Scanner(Kind::kGpt2, std::move(classes));
  if (pattern == kLlama3Pattern) return Scanner(Kind::kLlama3, std::move(classes));
  if (pattern == kQwen2Pattern) return Scanner(Kind::kQwen2, std::move(classes));
  return std::nullopt;
}

void Scanner::split(std::string_view text, PieceSink sink) const {
  const Scan scan(*classes_, text.data() + text.size());
  switch (kind_) {
    case Kind::kMaru: return each_piece(text, sink, [&](const char* p) { return scan.maru(p); });
    case Kind::kGpt2: return each_piece(text, sink, [&](const char* p) { return scan.gpt2(p); });
    case Kind::kLlama3: return each_piece(text, sink, [&](const char* p) { return scan.llama3(p, 3); });
    case Kind::kQwen2: return each_piece(text, sink, [&](const char* p) { return scan.llama3(p, 1); });
  }
}

}  // namespace maru::text
