// Token shards: packed documents of one split, ready to be mapped into memory and trained on.
// The layout is in docs/formats/token-shard.md. A shard is immutable; readers may be shared between threads.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/file.h"

namespace maru::formats {

/// Tokens where they lie in the file, 2 or 4 bytes each.
class TokenSpan {
 public:
  TokenSpan() = default;
  TokenSpan(const std::byte* data, int token_bytes, int64_t size)
      : data_(data), token_bytes_(token_bytes), size_(size) {}
  int64_t size() const { return size_; }
  int32_t operator[](int64_t i) const;
  TokenSpan subspan(int64_t first, int64_t count) const { return {data_ + first * token_bytes_, token_bytes_, count}; }
  /// Copies all tokens; `to` has size() elements.
  void copy_to(std::span<int32_t> to) const;

 private:
  const std::byte* data_ = nullptr;
  int token_bytes_ = 2;
  int64_t size_ = 0;
};

/// A bit per token: does the model have to predict this token? Without a mask, every token counts.
class LossMask {
 public:
  LossMask() = default;
  LossMask(const std::byte* bits, int64_t first) : bits_(bits), first_(first) {}
  bool operator[](int64_t i) const {
    const int64_t bit = first_ + i;
    return bits_ == nullptr || ((std::to_integer<unsigned>(bits_[bit >> 3]) >> (bit & 7)) & 1u) != 0;
  }

 private:
  const std::byte* bits_ = nullptr;
  int64_t first_ = 0;
};

struct TokenDocument {
  TokenSpan tokens;
  LossMask mask;
  uint64_t source_bytes = 0;  // UTF-8 bytes of the text that the tokens stand for: the divisor of bits per byte
  double value = 0;           // what is said of the document, where something is: a label, a margin
};

/// Collects documents in memory and writes them as one file. Not thread-safe.
class ShardWriter {
 public:
  /// Token ids must be below `vocab_size`; up to 65536 they take two bytes, else four.
  ShardWriter(uint32_t vocab_size, bool with_mask, bool with_values = false);
  /// `mask` is empty, or has one element per token (then the shard must be with_mask). `value` is kept with_values.
  /// Throws kInvalidArgument on an id that is not in the vocabulary, or on an empty document.
  void add(std::span<const int32_t> tokens, uint64_t source_bytes, std::span<const uint8_t> mask = {},
           double value = 0);
  int64_t num_documents() const { return static_cast<int64_t>(ends_.size()); }
  int64_t num_tokens() const { return num_tokens_; }
  uint64_t source_bytes() const { return total_source_bytes_; }
  /// Writes the shard atomically and empties the writer.
  void write(const fs::path& path);

 private:
  void put_token(int32_t token);
  uint32_t vocab_size_;
  int token_bytes_;
  bool with_mask_, with_values_;
  int64_t num_tokens_ = 0;
  uint64_t total_source_bytes_ = 0;
  std::string tokens_, mask_bits_;
  std::vector<uint64_t> ends_, source_bytes_;
  std::vector<double> values_;
};

class ShardBlocks;

/// A mapped shard. Opening reads its header, its checksums and the end of its last document; each block of 1 MiB is
/// checked when something of it is first asked for. Never allocates more than the file's size nor reads outside it.
class ShardReader {
 public:
  /// Errors are kDataLoss and name the file and the offset; kNotFound, kInvalidArgument (not a shard) otherwise.
  static Result<ShardReader> open(const fs::path& path);
  int64_t num_documents() const { return num_documents_; }
  int64_t num_tokens() const { return num_tokens_; }
  uint32_t vocab_size() const { return vocab_size_; }
  bool has_mask() const { return mask_ != nullptr; }
  bool has_values() const { return values_ != nullptr; }
  uint64_t source_bytes() const { return source_bytes_total_; }
  /// Position of document i's first token; i = num_documents() gives the end. Throws kDataLoss as document() does.
  int64_t begin_of(int64_t i) const;
  /// Throws kDataLoss, naming the file and the offset, when a block that it lies in is damaged.
  TokenDocument document(int64_t i) const;

 private:
  friend class ShardParser;
  void require(const std::byte* from, int64_t bytes) const;
  double value_of(int64_t i) const;
  std::shared_ptr<const MappedFile> file_;
  std::shared_ptr<const ShardBlocks> blocks_;
  const std::byte* tokens_ = nullptr;
  const std::byte* mask_ = nullptr;
  const std::byte* ends_ = nullptr;
  const std::byte* source_bytes_ = nullptr;
  const std::byte* values_ = nullptr;
  int64_t num_documents_ = 0, num_tokens_ = 0;
  uint64_t source_bytes_total_ = 0;
  uint32_t vocab_size_ = 0;
  int token_bytes_ = 2;
};

}  // namespace maru::formats
