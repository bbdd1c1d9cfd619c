// BPE of long pieces (a word of 10 MB must not stall): symbols in a linked list, pairs waiting in one bucket per rank.
// The lowest rank is worked off from left to right; a bucket becomes a heap only if its positions came out of order,
// which runs of one character never cause. Memory: about 24 bytes per byte of the piece, given back when it was large.
// One per thread.
#pragma once
#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "text/tokenizer/bpe_model.h"

namespace maru::text {

class LongBpe final : public SubwordScratch {
 public:
  void encode(std::string_view piece, const std::array<int32_t, 256>& byte_ids, const MergeTable& table,
              std::vector<int32_t>& ids);
  /// The same for symbols that are tokens already.
  void encode(std::span<const int32_t> symbols, const MergeTable& table, std::vector<int32_t>& ids);

 private:
  static constexpr uint32_t kEnd = UINT32_MAX;
  struct Symbol {
    int32_t id;
    uint32_t previous, next;
  };
  struct Bucket {
    std::vector<uint32_t> positions;  // ascending, from `done` on still to do; or a heap, lowest first
    size_t done = 0;
    bool heap = false;
    bool empty() const { return done == positions.size(); }
    void push(uint32_t position);
    uint32_t pop();
  };

  void begin(size_t num_symbols);
  void merge(const MergeTable& table, std::vector<int32_t>& ids);
  void push(uint32_t position, const MergeTable& table);
  /// Works off the bucket of `rank` until it is empty or a lower rank appeared.
  void work_off(uint32_t rank, const MergeTable& table);
  void join(uint32_t position, int32_t result, const MergeTable& table);
  void release();

  std::vector<Symbol> symbols_;
  std::vector<Bucket> buckets_;    // by rank
  std::vector<uint32_t> waiting_;  // heap of the ranks whose bucket is not empty, lowest first
};

}  // namespace maru::text
