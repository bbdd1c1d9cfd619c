// The numbers that quality filters look at. Pure functions, thread-safe, linear in the text.
#pragma once
#include <cstdint>
#include <string_view>
#include <vector>

namespace maru::data {

struct TextStats {
  int64_t characters = 0, visible = 0, letters = 0, mojibake = 0;
  int64_t symbols = 0;                           // '#' outside headings, '…' and "..."
  int64_t words = 0;                             // between spaces; of unspaced scripts each character
  int64_t spaced_words = 0, spaced_letters = 0;  // those of scripts that use spaces
  int64_t lines = 0, bullet_lines = 0, ellipsis_lines = 0, sentence_lines = 0;
  int64_t duplicate_lines = 0, duplicate_line_bytes = 0, line_bytes = 0;
  bool unspaced = false;  // most words are single characters of Han, kana, Thai, …
};
TextStats measure_text(std::string_view text);

/// A word's place and hash, for n-grams.
struct WordHash {
  uint64_t hash = 0;
  uint32_t bytes = 0;
};
std::vector<WordHash> hash_words(std::string_view text);

/// Share of the words' bytes that the most frequent n-gram covers (it must occur twice), and that n-grams which have
/// occurred before cover; bytes in several n-grams count once.
struct NgramRepetition {
  double top = 0, duplicate = 0;
};
NgramRepetition measure_ngrams(const std::vector<WordHash>& words, size_t n);

}  // namespace maru::data
