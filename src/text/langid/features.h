// From text to the counts that language identification weighs: letters per script, and hashed character n-grams.
//
// Only letters matter. They are lower-cased; everything else is one word boundary. Words never mix scripts, so each
// script's words can be weighed by a model of its own. Tokens that look like code, URLs or markup lose their ASCII
// letters. Training and use share this file: changing what it yields makes every model file invalid (raise
// kLangidFormat in langid.h). Immutable after construction, so safe to share between threads.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru::text {

/// An ISO 15924 script as ICU numbers it. Han, Hiragana, Katakana and Bopomofo count as one ("Hani"): Japanese is told
/// from Chinese inside it.
using Script = uint8_t;
inline constexpr Script kNoScript = 0;

/// "Latn" → its number; kNoScript if ICU does not know the name.
Script script_of_name(const std::string& name);
std::string name_of_script(Script script);
/// The script that a language is usually written in, by CLDR's likely subtags: "ko" → Hang, "sr" → Cyrl.
Script usual_script(const std::string& language);

/// What each code point of the Basic Multilingual Plane becomes.
class LetterTable {
 public:
  /// Cost: one to two milliseconds (65,536 look-ups in ICU).
  LetterTable();
  /// kNoScript when the code point is not a letter.
  Script script(uint32_t code_point) const {
    return code_point < scripts_.size() ? scripts_[code_point] : rare_script(code_point);
  }
  uint32_t lower(uint32_t code_point) const {
    return code_point < lower_.size() ? lower_[code_point] : rare_lower(code_point);
  }
  bool is_mark(uint32_t code_point) const { return script(code_point) == kMark; }
  static constexpr Script kMark = 255;  // combining marks of no script of their own

 private:
  static Script rare_script(uint32_t code_point);
  static uint32_t rare_lower(uint32_t code_point);
  std::vector<Script> scripts_;
  std::vector<uint16_t> lower_;
};

/// A run of letters of one script: letters[begin, end).
struct Word {
  uint32_t begin, end;
  Script script;
};

/// The letters of a text, split into words.
struct Words {
  std::vector<uint32_t> letters;  // lower-cased code points
  std::vector<Word> words;
};

/// Types: any bytes; invalid UTF-8 is a boundary. `keep_code`: do not drop the letters of code-like tokens.
/// Cost: linear in text.
Words split_words(const LetterTable& table, std::string_view text, bool keep_code = false);

/// Longest n-gram, in code points, the boundary included.
inline constexpr int kMaxNgram = 4;
/// Longest word that is a feature of its own.
inline constexpr uint32_t kMaxWordLetters = 24;

/// Calls sink(uint32_t key) for each n-gram of the word, 1 to kMaxNgram code points over " word ", and for the whole
/// word. Keys are hashes: different n-grams share one with a chance of about 2^-32.
template <class Sink>
void for_each_ngram(const uint32_t* letters, uint32_t count, Sink&& sink) {
  constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u, kNgramSeed = 0x243F6A8885A308D3u,
                     kWordSeed = 0x13198A2E03707344u;
  const auto step = [](uint64_t hash, uint32_t letter) { return (hash ^ letter) * kMultiplier; };
  const auto at = [&](int64_t i) { return i < 0 || i >= count ? uint32_t{' '} : letters[i]; };
  for (int64_t i = -1; i < count; ++i) {
    uint64_t hash = step(kNgramSeed, at(i));
    if (i >= 0) sink(static_cast<uint32_t>(hash >> 32));
    const int64_t last = i + kMaxNgram - 1 < count ? i + kMaxNgram - 1 : count;
    for (int64_t j = i + 1; j <= last; ++j) sink(static_cast<uint32_t>((hash = step(hash, at(j))) >> 32));
  }
  if (count > kMaxWordLetters) return;
  uint64_t hash = kWordSeed;
  for (uint32_t i = 0; i < count; ++i) hash = step(hash, letters[i]);
  sink(static_cast<uint32_t>(hash >> 32));
}

}  // namespace maru::text
