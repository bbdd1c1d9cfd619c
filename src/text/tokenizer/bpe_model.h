// Byte-pair encoding: a pre-token begins as bytes; the adjacent pair with the lowest merge rank is joined, leftmost
// first, until no pair has a rank (Sennrich et al. 2016; ties and order as in Hugging Face's tokenizers).
//
// Short pieces take a scan over at most kShort symbols per merge, long ones buckets by rank (bpe_long.h): O(n log n) at
// worst and O(n) for runs of one character. BPE over characters is in char_bpe_model.h. Immutable; share between
// threads.
#pragma once
#include <array>
#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "text/tokenizer/subword_model.h"
#include "text/tokenizer/token_table.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// (left, right) → rank and result, open addressing. Of equal pairs the last counts.
class MergeTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  /// The rank of a merge is its place, or what `ranks` (empty or as long, below kNone, ascending) says.
  explicit MergeTable(std::vector<Merge> merges, const std::vector<uint32_t>& ranks = {});
  struct Found {
    uint32_t rank = kNone;
    int32_t result = -1;
  };
  Found find(int32_t left, int32_t right) const {
    const uint64_t key = key_of(left, right), hash = key * kScatter, bits = bits_of(hash);
    if ((filter_[hash >> filter_shift_] & bits) != bits) return {};
    for (size_t slot = hash >> shift_;; slot = (slot + 1) & mask_) {
      if (slots_[slot].key == key || slots_[slot].found.rank == kNone) return slots_[slot].found;
    }
  }
  uint32_t rank(int32_t left, int32_t right) const { return find(left, right).rank; }
  /// Largest rank + 1.
  uint32_t num_ranks() const { return num_ranks_; }

 private:
  static constexpr uint64_t kScatter = 0x9E3779B97F4A7C15;
  struct Slot {
    uint64_t key = UINT64_MAX;
    Found found;
  };
  static uint64_t key_of(int32_t left, int32_t right) {
    return static_cast<uint64_t>(static_cast<uint32_t>(left)) << 32 | static_cast<uint32_t>(right);
  }
  static uint64_t bits_of(uint64_t hash) { return uint64_t{1} << (hash >> 20 & 63) | uint64_t{1} << (hash >> 26 & 63); }
  std::vector<Slot> slots_;
  std::vector<uint64_t> filter_;  // Bloom filter, two bits in one word: most pairs have no merge, and it stays in cache
  uint64_t mask_ = 0;
  int shift_ = 0, filter_shift_ = 0;
  uint32_t num_ranks_ = 0;
};

class BpeModel final : public SubwordModel {
 public:
  /// `byte_ids` numbers the 256 bytes. With `whole_pieces` a piece that is a token stands for itself, merges or not
  /// (Hugging Face: ignore_merges). `tokens` is only looked at then, and must outlive the model.
  BpeModel(const std::array<int32_t, 256>& byte_ids, MergeTable merges, std::shared_ptr<const TokenTable> whole_pieces);
  BpeModel(const std::array<int32_t, 256>& byte_ids, std::vector<Merge> merges,
           std::shared_ptr<const TokenTable> whole_pieces)
      : BpeModel(byte_ids, MergeTable(std::move(merges)), std::move(whole_pieces)) {}
  std::unique_ptr<SubwordScratch> make_scratch() const override;
  void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const override;

 private:
  static constexpr size_t kShort = 128;                // symbols, at most 256: a place fits 8 bits
  static constexpr size_t kMostRanks = (1 << 23) - 1;  // of short pieces: a rank fits 23 bits
  void encode_short(std::string_view piece, std::vector<int32_t>& ids) const;
  std::array<int32_t, 256> byte_ids_;
  MergeTable table_;
  std::vector<MergeTable::Found> byte_pairs_;  // [first << 8 | second]: spares most look-ups of short pieces
  std::shared_ptr<const TokenTable> whole_pieces_;
};

}  // namespace maru::text
