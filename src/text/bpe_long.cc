#include "text/bpe_long.h"

#include <algorithm>
#include <functional>

#include "base/error.h"

namespace maru::text {
namespace {

constexpr size_t kKeepSymbols = 1 << 16;  // scratch above this is given back

}  // namespace

void LongBpe::encode(std::string_view piece, const std::array<int32_t, 256>& byte_ids, const MergeTable& table,
                     std::vector<int32_t>& ids) {
  if (piece.size() >= kEnd)
    throw Failure(ErrorCode::kExhausted, "a word of " + std::to_string(piece.size()) + " bytes, expected below 4 GiB");
  link(piece, byte_ids);
  buckets_.resize(table.merges().size());
  for (uint32_t i = 0; i + 1 < symbols_.size(); ++i) push(i, table);
  while (!waiting_.empty()) {
    const uint32_t rank = waiting_.front();
    std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    waiting_.pop_back();
    work_off(rank, table);
  }
  for (uint32_t i = 0; i != kEnd; i = symbols_[i].next) ids.push_back(symbols_[i].id);
  release();
}

void LongBpe::link(std::string_view piece, const std::array<int32_t, 256>& byte_ids) {
  const uint32_t n = static_cast<uint32_t>(piece.size());
  symbols_.resize(n);
  for (uint32_t i = 0; i < n; ++i)
    symbols_[i] = {byte_ids[static_cast<uint8_t>(piece[i])], i == 0 ? kEnd : i - 1, i + 1 == n ? kEnd : i + 1};
}

void LongBpe::push(uint32_t position, const MergeTable& table) {
  const Symbol& left = symbols_[position];
  if (left.next == kEnd) return;
  const uint32_t rank = table.rank(left.id, symbols_[left.next].id);
  if (rank == MergeTable::kNone) return;
  Bucket& bucket = buckets_[rank];
  if (bucket.positions.empty()) {
    waiting_.push_back(rank);
    std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
  } else if (position < bucket.positions.back()) {
    bucket.sorted = false;
  }
  bucket.positions.push_back(position);
}

void LongBpe::work_off(uint32_t rank, const MergeTable& table) {
  Bucket& bucket = buckets_[rank];
  if (!bucket.sorted) std::sort(bucket.positions.begin() + static_cast<ptrdiff_t>(bucket.done), bucket.positions.end());
  bucket.sorted = true;
  while (bucket.done < bucket.positions.size()) {
    const uint32_t position = bucket.positions[bucket.done++];
    const Symbol& left = symbols_[position];
    const bool current = left.id >= 0 && left.next != kEnd && table.rank(left.id, symbols_[left.next].id) == rank;
    if (!current) continue;
    join(position, table.result(rank), table);
    if (!waiting_.empty() && waiting_.front() < rank && bucket.done < bucket.positions.size()) {
      waiting_.push_back(rank);
      std::push_heap(waiting_.begin(), waiting_.end(), std::greater<>());
      return;
    }
  }
  bucket = Bucket{};
}

void LongBpe::join(uint32_t position, int32_t result, const MergeTable& table) {
  Symbol& left = symbols_[position];
  Symbol& right = symbols_[left.next];
  left.id = result;
  left.next = right.next;
  right.id = -1;  // consumed
  if (left.next != kEnd) symbols_[left.next].previous = position;
  if (left.previous != kEnd) push(left.previous, table);
  push(position, table);
}

void LongBpe::release() {
  if (symbols_.size() > kKeepSymbols) symbols_ = {};
  symbols_.clear();
}

}  // namespace maru::text
