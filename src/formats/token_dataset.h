// A directory of token shards seen as one sequence of documents per split. Immutable, thread-safe.
#pragma once
#include <string_view>

#include "base/json_fwd.h"
#include "formats/token_shard.h"

namespace maru::formats {

inline constexpr std::string_view kTokenIndexName = "index.json";

/// One split of a token directory.
class TokenDataset {
 public:
  /// Opens `directory`/index.json and the split's shards. Throws kNotFound when the split is not there (naming those
  /// that are), kDataLoss when a shard's header or length is wrong or disagrees with the index, naming file and offset.
  ///
  /// Cost     a few pages of each shard; the rest is read, and checked, as documents are asked for.
  TokenDataset(const fs::path& directory, std::string_view split);
  int64_t num_documents() const { return num_documents_; }
  int64_t num_tokens() const { return num_tokens_; }
  uint64_t source_bytes() const { return source_bytes_; }
  uint32_t vocab_size() const { return vocab_size_; }
  bool has_mask() const { return has_mask_; }
  /// Whether something is said of each document: a label, a margin.
  bool has_values() const { return has_values_; }
  /// Throws kDataLoss, naming file and offset, when what it lies in is damaged.
  TokenDocument document(int64_t i) const;
  /// Position of document i's first token in the whole split; i = num_documents() gives num_tokens(). Looks at no
  /// token; throws as document() does.
  int64_t begin_of(int64_t i) const;
  const std::vector<ShardReader>& shards() const { return shards_; }

 private:
  void open_shards(const fs::path& directory, const Json& split);
  size_t shard_of(int64_t value, const std::vector<int64_t>& firsts) const;
  std::vector<ShardReader> shards_;
  std::vector<int64_t> first_document_, first_token_;  // of each shard
  int64_t num_documents_ = 0, num_tokens_ = 0;
  uint64_t source_bytes_ = 0;
  uint32_t vocab_size_ = 0;
  bool has_mask_ = false, has_values_ = false;
};

/// Writes the shards of a token directory, starting a new one when `tokens_per_shard` is reached, and index.json.
class TokenDatasetWriter {
 public:
  TokenDatasetWriter(fs::path directory, uint32_t vocab_size, bool with_mask, int64_t tokens_per_shard = 1 << 24,
                     bool with_values = false);
  ~TokenDatasetWriter();
  /// Documents that follow belong to this split.
  void begin_split(std::string_view name);
  void add(std::span<const int32_t> tokens, uint64_t source_bytes, std::span<const uint8_t> mask = {},
           double value = 0);
  /// Writes what is pending and index.json.
  void finish();
  int64_t num_documents() const { return num_documents_; }
  int64_t num_tokens() const { return num_tokens_; }

 private:
  void flush();
  fs::path directory_;
  ShardWriter writer_;
  int64_t tokens_per_shard_, num_documents_ = 0, num_tokens_ = 0;
  std::unique_ptr<Json> index_;
};

}  // namespace maru::formats
