// What one thread needs to encode with a shared Tokenizer without allocating: scratch, and a cache of short pieces.
// Results do not depend on the cache. Not thread-safe; the tokenizer must outlive it.
#pragma once
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/piece_cache.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

/// [begin, end) in a text.
struct ByteRange {
  size_t begin, end;
};

class Encoder {
 public:
  static constexpr size_t kDefaultCacheBytes = 8 << 20;
  /// No cache if `cache_bytes` is 0.
  explicit Encoder(const Tokenizer& tokenizer, size_t cache_bytes = kDefaultCacheBytes);
  /// Appends the ids of `text`.
  void encode(std::string_view text, const EncodeOptions& options, std::vector<int32_t>& ids);
  std::vector<int32_t> encode(std::string_view text, const EncodeOptions& options = {});
  /// Appends the ids of a pair of texts and the type of each.
  void encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options, Encoding& to);
  /// The same, for text of which some was written by others: special tokens are found only outside of the ranges
  /// `input`, which ascend and do not overlap. Without ranges, what encode() gives with parse_special.
  void encode_guarded(std::string_view text, std::span<const ByteRange> input, std::vector<int32_t>& ids);
  const Tokenizer& tokenizer() const { return tokenizer_; }

 private:
  void encode_raw(std::string_view text, bool parse_special, std::vector<int32_t>& ids);
  void encode_section(Section section, bool parse_special, std::vector<int32_t>& ids);
  void encode_normalized(Section section, bool parse_special, std::vector<int32_t>& ids);
  void encode_plain(Section section, std::vector<int32_t>& ids);
  /// A piece whose place in the cache is being fetched while the one before it is encoded.
  struct Waiting {
    std::string_view piece;  // empty: none
    bool cached = false;     // short enough for the cache
    PieceCache::Key key;
  };
  void add_piece(std::string_view piece, const char* text_end, std::vector<int32_t>& ids);
  void encode_waiting(std::vector<int32_t>& ids);
  void encode_new_piece(std::vector<int32_t>& ids);
  void flush(std::vector<int32_t>& ids);
  const Tokenizer& tokenizer_;
  std::unique_ptr<SubwordScratch> scratch_;
  std::optional<PieceCache> cache_;
  NormalizerScratch normalizer_scratch_;
  PreTokenizerScratch pre_tokenizer_scratch_;
  Waiting waiting_;
  std::array<int32_t, 512> pending_;  // ids on their way to the caller's vector
  size_t num_pending_ = 0;
};

}  // namespace maru::text
