#include "data/quality.h"

#include <algorithm>
#include <array>

#include "data/text_stats.h"

namespace maru::data {
namespace {

double ratio(int64_t part, int64_t whole) {
  return whole > 0 ? static_cast<double>(part) / static_cast<double>(whole) : 0;
}

bool has_placeholder(std::string_view text, const QualityConfig& config) {
  if (config.placeholders.empty()) return false;
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return std::any_of(config.placeholders.begin(), config.placeholders.end(),
                     [&](const std::string& phrase) { return lower.find(phrase) != std::string::npos; });
}

std::string_view character_reason(const TextStats& s, const QualityConfig& c) {
  if (s.characters < c.min_characters) return "too_short";
  if (s.characters > c.max_characters) return "too_long";
  if (ratio(s.mojibake, s.characters) > c.max_mojibake) return "mojibake";
  if (ratio(s.letters, s.visible) < c.min_alphabetic_fraction) return "low_alphabetic";
  if (ratio(s.symbols, s.words) > c.max_symbol_ratio) return "symbols";
  const double length = ratio(s.spaced_letters, s.spaced_words);
  const bool judged = !s.unspaced && s.spaced_words > 0;
  return judged && (length < c.min_mean_word_length || length > c.max_mean_word_length) ? "word_length" : "";
}

std::string_view line_reason(const TextStats& s, const QualityConfig& c) {
  if (ratio(s.bullet_lines, s.lines) > c.max_bullet_lines) return "list_only";
  if (ratio(s.ellipsis_lines, s.lines) > c.max_ellipsis_lines) return "ellipsis";
  if (!s.unspaced && ratio(s.sentence_lines, s.lines) < c.min_sentence_lines) return "no_sentences";
  const bool repeated = ratio(s.duplicate_lines, s.lines) > c.max_duplicate_lines ||
                        ratio(s.duplicate_line_bytes, s.line_bytes) > c.max_duplicate_line_characters;
  return repeated ? "repeated_lines" : "";
}

// Characters of unspaced scripts are about half a word, so that n-grams of them are taken twice as long.
bool repeats_ngrams(std::string_view text, bool unspaced, const QualityConfig& c) {
  const std::vector<WordHash> words = hash_words(text);
  const size_t unit = unspaced ? 2 : 1;
  constexpr std::array<double, 3> kTop = {1.0, 0.9, 0.8};
  for (size_t i = 0; i < kTop.size(); ++i)
    if (measure_ngrams(words, (i + 2) * unit).top > c.max_top_ngram * kTop[i]) return true;
  for (size_t n = 5; n <= 10; ++n) {
    const double limit = c.max_duplicate_ngrams - 0.01 * static_cast<double>(n - 5);
    if (c.max_duplicate_ngrams < 1 && measure_ngrams(words, n * unit).duplicate > std::max(0.0, limit)) return true;
  }
  return false;
}

}  // namespace

std::string_view quality_reason(std::string_view text, const QualityConfig& config) {
  if (!config.enabled) return "";
  const TextStats stats = measure_text(text);
  if (const std::string_view reason = character_reason(stats, config); !reason.empty()) return reason;
  if (has_placeholder(text, config)) return "placeholder";
  if (const std::string_view reason = line_reason(stats, config); !reason.empty()) return reason;
  return repeats_ngrams(text, stats.unspaced, config) ? "repeated_ngrams" : "";
}

}  // namespace maru::data
