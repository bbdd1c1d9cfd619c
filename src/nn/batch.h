// Packed tokens of several sequences: the only thing a layer may know about training versus serving.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

#include "nn/kv_cache.h"
#include "ops/attention.h"
#include "tensor/tensor.h"

namespace maru {

struct Batch {
  struct Sequence {
    int64_t first_row = 0, rows = 0;
    int64_t past = 0;            // tokens of this sequence already in the cache
    std::vector<int32_t> pages;  // of the cache; must hold past + rows tokens
  };
  Tensor tokens, positions;  // i32 [num_tokens, 1]
  std::vector<Sequence> sequences;
  KvCache* cache;      // null: training or encoding, keys come from the batch itself
  KeySpans key_spans;  // one per sequence, with the pages of the cache that its tokens fill

  /// Where attention of one layer keeps the keys of all sequences.
  KeyPages key_pages(int64_t layer) const;
};

/// Builds a batch on the host, where its arrays are reused from batch to batch.
class BatchBuilder {
 public:
  void clear();
  /// Appends `tokens` as the newest tokens of a sequence with `past` tokens in `pages`.
  void add(std::span<const int32_t> tokens, int64_t past = 0, std::vector<int32_t> pages = {});
  int64_t num_tokens() const { return static_cast<int64_t>(tokens_.size()); }
  const std::vector<int32_t>& tokens() const { return tokens_; }
  const std::vector<Batch::Sequence>& sequences() const { return sequences_; }
  /// Uploads it for one step. CHECKs that sequences have pages of the cache enough.
  Batch batch(Context&, KvCache* cache = nullptr) const;

 private:
  std::vector<int32_t> tokens_, positions_;
  std::vector<Batch::Sequence> sequences_;
};

}  // namespace maru
