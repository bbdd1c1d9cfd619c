// Exact duplicates, of documents and of paragraphs, found while documents stream by. The first one stays.
// Not thread-safe: documents must come in their fixed order.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/fields.h"
#include "data/hash_set.h"
#include "data/scratch_file.h"

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

/// What texts are compared by: as an id, but spaces and line breaks do not count.
Hash128 text_key(std::string_view text);

/// In memory 18 to 28 bytes per text; what is only asked for in the end lies in a scratch file.
class ExactDuplicates {
 public:
  explicit ExactDuplicates(const fs::path& scratch) : sources_(scratch) {}
  /// False if a text with this key was added before.
  bool add(const Hash128& key, std::string_view source);
  /// The sources of the first texts with these keys. Call once, at the end. Cost: reads what was kept of all texts.
  std::vector<std::string> sources_of(const std::vector<Hash128>& keys);

 private:
  HashSet<Hash128> seen_;
  ScratchFile sources_;
};

class ParagraphDuplicates {
 public:
  explicit ParagraphDuplicates(int64_t min_characters) : min_characters_(min_characters) {}
  /// The text without the paragraphs that earlier documents had; counts them in `removed`.
  std::string without_repeated(std::string_view text, int64_t& removed);

 private:
  int64_t min_characters_;
  HashSet<uint64_t> seen_;
};

}  // namespace maru::data
