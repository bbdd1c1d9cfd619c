// Exact duplicates, of documents and of paragraphs, found while documents stream by. The first one stays.
// Not thread-safe: documents must come in their fixed order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

#include "base/fields.h"

namespace maru::data {

struct DuplicateConfig {
  bool exact = true, paragraphs = false, near = true;
  int64_t paragraph_min_characters = 100;
  double threshold = 0.8;
  int shingle_characters = 7;
  static constexpr auto fields() {
    return std::tuple{
        field("exact", &DuplicateConfig::exact, "drop documents with the same text"),
        field("paragraphs", &DuplicateConfig::paragraphs, "drop paragraphs that stood in an earlier document"),
        field("near", &DuplicateConfig::near, "drop documents that are nearly the same (MinHash)"),
        field("paragraph_min_characters", &DuplicateConfig::paragraph_min_characters, "shorter paragraphs may repeat")
            .range(1, 1e9),
        field("threshold", &DuplicateConfig::threshold, "Jaccard similarity of near-duplicates").range(0.3, 1),
        field("shingle_characters", &DuplicateConfig::shingle_characters, "characters per shingle").range(1, 100)};
  }
};

/// The first 128 bits of the SHA-256 of a text, as hex: a document's id.
std::string document_id(std::string_view text);

class ExactDuplicates {
 public:
  /// The source of the first document with this text, or "" if this is the first (it is then remembered).
  /// Spaces and line breaks do not count.
  std::string first_of(std::string_view text, const std::string& source);

 private:
  std::unordered_map<std::string, std::string> seen_;
};

class ParagraphDuplicates {
 public:
  explicit ParagraphDuplicates(int64_t min_characters) : min_characters_(min_characters) {}
  /// The text without the paragraphs that earlier documents had; counts them in `removed`.
  std::string without_repeated(std::string_view text, int64_t& removed);

 private:
  int64_t min_characters_;
  std::unordered_set<uint64_t> seen_;
};

}  // namespace maru::data
