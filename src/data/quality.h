// Quality filters: each looks at one number of a text, has a threshold in the recipe, and gives its name as the reason.
// Pure functions, thread-safe, linear in the text.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"

namespace maru::data {

/// Thresholds; the defaults suit documents of a few hundred characters and up, in spaced and unspaced scripts.
///
/// Source   Rae et al. 2021 (Gopher), arXiv:2112.11446, appendix A.1.1 and table A1, unless a field says otherwise.
struct QualityConfig {
  bool enabled = true;
  int64_t min_characters = 100, max_characters = 2000000;
  double max_symbol_ratio = 0.1;         // '#' and '…' per word
  double min_alphabetic_fraction = 0.5;  // letters among the characters that are not spaces
  double min_mean_word_length = 1.8;     // Gopher's 3 is for English; Korean words are shorter
  double max_mean_word_length = 12;
  double max_bullet_lines = 0.9;
  double max_ellipsis_lines = 0.3;
  double max_duplicate_lines = 0.3;  // share of lines that stood before
  double max_duplicate_line_characters = 0.2;
  double max_top_ngram = 0.2;          // Gopher: 0.20, 0.18, 0.16 for 2-, 3- and 4-grams; scaled alike
  double max_duplicate_ngrams = 0.15;  // Gopher: 0.15 for 5-grams, 0.01 less per further word, to 10-grams
  double min_sentence_lines = 0.02;    // lines that hold the end of a sentence (after C4, Raffel et al. 2020, §2.2)
  double max_mojibake = 0.005;         // characters that wrong decoding typically makes
  std::vector<std::string> placeholders = {"lorem ipsum", "dolor sit amet"};
  static constexpr auto fields() {
    return std::tuple{
        field("enabled", &QualityConfig::enabled, "false: keep everything"),
        field("min_characters", &QualityConfig::min_characters, "too_short below").range(0, 1e12),
        field("max_characters", &QualityConfig::max_characters, "too_long above").range(1, 1e12),
        field("max_symbol_ratio", &QualityConfig::max_symbol_ratio, "hash signs and ellipses per word").range(0, 100),
        field("min_alphabetic_fraction", &QualityConfig::min_alphabetic_fraction, "letters among visible characters")
            .range(0, 1),
        field("min_mean_word_length", &QualityConfig::min_mean_word_length, "only where words are spaced")
            .range(0, 100),
        field("max_mean_word_length", &QualityConfig::max_mean_word_length, "only where words are spaced")
            .range(0, 1e6),
        field("max_bullet_lines", &QualityConfig::max_bullet_lines, "list_only above this share of lines").range(0, 1),
        field("max_ellipsis_lines", &QualityConfig::max_ellipsis_lines, "share of lines that break off").range(0, 1),
        field("max_duplicate_lines", &QualityConfig::max_duplicate_lines, "share of repeated lines").range(0, 1),
        field("max_duplicate_line_characters", &QualityConfig::max_duplicate_line_characters,
              "share of characters in repeated lines")
            .range(0, 1),
        field("max_top_ngram", &QualityConfig::max_top_ngram, "characters in the most frequent 2-gram").range(0, 1),
        field("max_duplicate_ngrams", &QualityConfig::max_duplicate_ngrams, "characters in repeated 5-grams")
            .range(0, 1),
        field("min_sentence_lines", &QualityConfig::min_sentence_lines,
              "share of lines that hold the end of a sentence")
            .range(0, 1),
        field("max_mojibake", &QualityConfig::max_mojibake, "share of characters from wrong decoding").range(0, 1),
        field("placeholders", &QualityConfig::placeholders, "phrases of filler text, in lower case")};
  }
};

/// The reason to drop a text, or "" to keep it. Reasons: too_short, too_long, mojibake, placeholder, low_alphabetic,
/// symbols, word_length, list_only, ellipsis, no_sentences, repeated_lines, repeated_ngrams.
///
/// Types    normalised UTF-8.
std::string_view quality_reason(std::string_view text, const QualityConfig& config);

}  // namespace maru::data
