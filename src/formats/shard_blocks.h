// Where the sections of a token shard lie, and the checking of its blocks when they are first read.
#pragma once
#include <atomic>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"

namespace maru::formats {

/// What the header of a shard says, and from which byte on each section lies (docs/formats/token-shard.md).
struct ShardLayout {
  static constexpr uint64_t kHeaderBytes = 64, kBlockBytes = 1 << 20;
  uint64_t documents, num_tokens, token_bytes, vocab_size;
  bool with_mask, with_values;
  uint64_t source_bytes, values, tokens, mask, checksums, end;
  ShardLayout(uint64_t documents, uint64_t num_tokens, uint32_t vocab_size, bool with_mask, bool with_values);
};

/// The blocks of a shard that lies in memory. Thread-safe.
class ShardBlocks {
 public:
  /// `bytes` are the whole shard, as long as the layout says, and outlive this; `name` is for errors.
  ShardBlocks(std::string name, std::span<const std::byte> bytes, const ShardLayout& layout);
  /// To be called before bytes [from, to) behind the header are used. Throws kDataLoss, naming the shard and the
  /// offset, when a block that holds some of them has not its checksum, or when documents or tokens in it are
  /// impossible.
  ///
  /// Cost     reads a block the first time; nothing once it has been found whole.
  void require(uint64_t from, uint64_t to) const;
  const std::string& name() const { return name_; }

 private:
  std::string problem_of(uint64_t block) const;
  std::string problem_of_ends(uint64_t from, uint64_t to) const;
  std::string problem_of_tokens(uint64_t from, uint64_t to) const;
  std::string name_;
  std::span<const std::byte> bytes_;
  ShardLayout layout_;
  mutable std::vector<std::atomic<bool>> whole_;  // two threads may check the same block: both find the same
};

}  // namespace maru::formats
