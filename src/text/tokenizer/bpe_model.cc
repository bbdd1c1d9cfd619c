#include "text/tokenizer/bpe_model.h"

#include <algorithm>
#include <bit>

#include "base/error.h"
#include "text/tokenizer/bpe_long.h"

namespace maru::text {

MergeTable::MergeTable(std::vector<Merge> merges, const std::vector<uint32_t>& ranks) {
  CHECK(ranks.empty() || ranks.size() == merges.size());
  const size_t capacity = std::bit_ceil(2 * merges.size() + 2);
  slots_.resize(capacity);
  mask_ = capacity - 1;
  shift_ = 64 - std::countr_zero(capacity);
  filter_.resize(std::max<size_t>(2, capacity / 8));
  filter_shift_ = 64 - std::countr_zero(filter_.size());
  for (uint32_t place = 0; place < merges.size(); ++place) {
    const uint32_t rank = ranks.empty() ? place : ranks[place];
    const uint64_t key = key_of(merges[place].left, merges[place].right), hash = key * kScatter;
    size_t slot = hash >> shift_;
    while (slots_[slot].found.rank != kNone && slots_[slot].key != key) slot = (slot + 1) & mask_;
    slots_[slot] = {key, {rank, merges[place].result}};
    filter_[hash >> filter_shift_] |= bits_of(hash);
    num_ranks_ = std::max(num_ranks_, rank + 1);
  }
}

BpeModel::BpeModel(const std::array<int32_t, 256>& byte_ids, MergeTable merges,
                   std::shared_ptr<const TokenTable> whole_pieces)
    : byte_ids_(byte_ids), table_(std::move(merges)), byte_pairs_(1 << 16), whole_pieces_(std::move(whole_pieces)) {
  for (size_t pair = 0; pair < byte_pairs_.size(); ++pair)
    byte_pairs_[pair] = table_.find(byte_ids_[pair >> 8], byte_ids_[pair & 255]);
}

std::unique_ptr<SubwordScratch> BpeModel::make_scratch() const { return std::make_unique<LongBpe>(); }

void BpeModel::encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const {
  if (whole_pieces_ != nullptr)
    if (const auto id = whole_pieces_->find(piece)) return ids.push_back(*id);
  if (piece.size() <= kShort && table_.num_ranks() <= kMostRanks) return encode_short(piece, ids);
  static_cast<LongBpe&>(scratch).encode(piece, byte_ids_, table_, ids);
}

namespace {

constexpr int32_t kNoPair = INT32_MAX;
constexpr uint32_t kLanes = 4;

// Minimum of n values, n a multiple of kLanes.
int32_t lowest(const int32_t* values, uint32_t n) {
  std::array<int32_t, kLanes> best;
  best.fill(kNoPair);
  for (uint32_t i = 0; i < n; i += kLanes)
    for (uint32_t lane = 0; lane < kLanes; ++lane) best[lane] = std::min(best[lane], values[i + lane]);
  return std::min(std::min(best[0], best[1]), std::min(best[2], best[3]));
}

}  // namespace

// Symbols stay where their first byte is, so that nothing moves: a place is its symbol, the rank of the pair it begins
// (above the place itself, so that one minimum finds the lowest rank and of equals the leftmost), and its neighbours.
void BpeModel::encode_short(std::string_view piece, std::vector<int32_t>& ids) const {
  std::array<int32_t, kShort> waiting;  // rank << 8 | place
  std::array<int32_t, kShort> symbol, joined;
  std::array<uint8_t, kShort + 1> next, previous;
  const uint32_t n = static_cast<uint32_t>(piece.size()), padded = (n + kLanes - 1) / kLanes * kLanes;
  const auto byte = [&](uint32_t i) { return static_cast<uint8_t>(piece[i]); };
  const auto wait = [&](uint32_t i, const MergeTable::Found& found) {
    waiting[i] = found.rank == MergeTable::kNone ? kNoPair : static_cast<int32_t>(found.rank << 8 | i);
    joined[i] = found.result;
  };
  std::fill(waiting.begin() + n - 1, waiting.begin() + padded, kNoPair);
  for (uint32_t i = 0; i < n; ++i) {
    symbol[i] = byte_ids_[byte(i)];
    next[i] = static_cast<uint8_t>(i + 1);
    previous[i + 1] = static_cast<uint8_t>(i);
    if (i + 1 < n) wait(i, byte_pairs_[byte(i) << 8 | byte(i + 1)]);
  }
  for (int32_t best; (best = lowest(waiting.data(), padded)) != kNoPair;) {
    const uint32_t i = best & 255, gone = next[i], after = next[gone];
    symbol[i] = joined[i];
    next[i] = static_cast<uint8_t>(after);
    waiting[i] = waiting[gone] = kNoPair;
    if (after < n) {
      previous[after] = static_cast<uint8_t>(i);
      wait(i, table_.find(symbol[i], symbol[after]));
    }
    if (i > 0) wait(previous[i], table_.find(symbol[previous[i]], symbol[i]));
  }
  for (uint32_t i = 0; i < n; i = next[i]) ids.push_back(symbol[i]);
}

}  // namespace maru::text
