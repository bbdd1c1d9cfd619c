#include "text/bpe_model.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "text/bpe_long.h"

namespace maru::text {

MergeTable::MergeTable(std::vector<Merge> merges) : merges_(std::move(merges)) {
  const size_t capacity = std::bit_ceil(2 * merges_.size() + 2);
  slots_.resize(capacity);
  mask_ = capacity - 1;
  shift_ = 64 - std::countr_zero(capacity);
  for (uint32_t rank = 0; rank < merges_.size(); ++rank) {
    const uint64_t key = key_of(merges_[rank].left, merges_[rank].right);
    size_t slot = key * kScatter >> shift_;
    while (slots_[slot].rank != kNone && slots_[slot].key != key) slot = (slot + 1) & mask_;
    slots_[slot] = {key, rank};
  }
}

BpeModel::BpeModel(const std::array<int32_t, 256>& byte_ids, std::vector<Merge> merges,
                   std::shared_ptr<const TokenTable> whole_pieces)
    : byte_ids_(byte_ids), table_(std::move(merges)), byte_pair_rank_(1 << 16), whole_pieces_(std::move(whole_pieces)) {
  for (size_t pair = 0; pair < byte_pair_rank_.size(); ++pair)
    byte_pair_rank_[pair] = table_.rank(byte_ids_[pair >> 8], byte_ids_[pair & 255]);
}

std::unique_ptr<SubwordScratch> BpeModel::make_scratch() const { return std::make_unique<LongBpe>(); }

void BpeModel::encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const {
  if (whole_pieces_ != nullptr)
    if (const auto id = whole_pieces_->find(piece)) return ids.push_back(*id);
  if (piece.size() <= kShort) return encode_short(piece, ids);
  static_cast<LongBpe&>(scratch).encode(piece, byte_ids_, table_, ids);
}

void BpeModel::encode_short(std::string_view piece, std::vector<int32_t>& ids) const {
  std::array<int32_t, kShort> symbol;
  std::array<uint32_t, kShort> rank;  // of the pair (i, i + 1)
  size_t n = piece.size();
  const auto byte = [&](size_t i) { return static_cast<uint8_t>(piece[i]); };
  for (size_t i = 0; i < n; ++i) symbol[i] = byte_ids_[byte(i)];
  for (size_t i = 0; i + 1 < n; ++i) rank[i] = byte_pair_rank_[byte(i) << 8 | byte(i + 1)];
  while (n > 1) {
    const auto best = std::min_element(rank.begin(), rank.begin() + n - 1);
    if (*best == MergeTable::kNone) break;
    const size_t i = best - rank.begin();
    symbol[i] = table_.result(*best);
    std::memmove(&symbol[i + 1], &symbol[i + 2], (n - i - 2) * sizeof symbol[0]);
    if (i + 2 < n) std::memmove(&rank[i], &rank[i + 1], (n - i - 2) * sizeof rank[0]);
    --n;
    if (i > 0) rank[i - 1] = table_.rank(symbol[i - 1], symbol[i]);
    if (i + 1 < n) rank[i] = table_.rank(symbol[i], symbol[i + 1]);
  }
  ids.insert(ids.end(), symbol.begin(), symbol.begin() + n);
}

}  // namespace maru::text
