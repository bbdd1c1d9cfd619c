#include "text/tokenizer/bpe_long.h"

#include <algorithm>
#include <functional>

#include "base/error.h"

namespace maru::text {
namespace {

constexpr size_t kKeepSymbols = 1 << 16;  // scratch above this is given back

}  // namespace

void LongBpe::encode(std::string_view piece, const std::array<int32_t, 256>& byte_ids, const MergeTable& table,
                     std::vector<int32_t>& ids) {
  begin(piece.size());
  for (size_t i = 0; i < piece.size(); ++i) symbols_[i].id = byte_ids[static_cast<uint8_t>(piece[i])];
  merge(table, ids);
}

void LongBpe::encode(std::span<const int32_t> symbols, const MergeTable& table, std::vector<int32_t>& ids) {
  begin(symbols.size());
  for (size_t i = 0; i < symbols.size(); ++i) symbols_[i].id = symbols[i];
  merge(table, ids);
}

void LongBpe::begin(size_t num_symbols) {
  if (num_symbols >= kEnd)
    throw Failure(ErrorCode::kExhausted,
                  "a word of " + std::to_string(num_symbols) + " symbols, expected fewer than 4 billion");
  const uint32_t n = static_cast<uint32_t>(num_symbols);
  symbols_.resize(n);
  for (uint32_t i = 0; i < n; ++i) symbols_[i] = {-1, i == 0 ? kEnd : i - 1, i + 1 == n ? kEnd : i + 1};
}

void LongBpe::merge(const MergeTable& table, std::vector<int32_t>& ids) {
  if (buckets_.size() < table.num_ranks()) buckets_.resize(table.num_ranks());
  for (uint32_t i = 0; i + 1 < symbols_.size(); ++i) push(i, table);
  while (!waiting_.empty()) {
    const uint32_t rank = waiting_.front();
    std::pop_heap(waiting_.begin(), waiting_.end(), std::greater<>());
    waiting_.pop_back();
    work_off(rank, table);
  }
  for (uint32_t i = symbols_.empty() ? kEnd : 0; i != kEnd; i = symbols_[i].next) ids.push_back(symbols_[i].id);
  release();
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
  }
  bucket.push(position);
}

void LongBpe::Bucket::push(uint32_t position) {
  if (!heap && !empty() && position < positions.back()) {
    positions.erase(positions.begin(), positions.begin() + static_cast<ptrdiff_t>(done));  // the rest is a heap
    done = 0;
    heap = true;
  }
  positions.push_back(position);
  if (heap) std::push_heap(positions.begin(), positions.end(), std::greater<>());
}

uint32_t LongBpe::Bucket::pop() {
  if (!heap) return positions[done++];
  std::pop_heap(positions.begin(), positions.end(), std::greater<>());
  const uint32_t position = positions.back();
  positions.pop_back();
  return position;
}

void LongBpe::work_off(uint32_t rank, const MergeTable& table) {
  Bucket& bucket = buckets_[rank];
  while (!bucket.empty()) {
    const uint32_t position = bucket.pop();
    const Symbol& left = symbols_[position];
    if (left.id < 0 || left.next == kEnd) continue;
    const MergeTable::Found found = table.find(left.id, symbols_[left.next].id);
    if (found.rank != rank) continue;  // one of the two has changed since
    join(position, found.result, table);
    if (!waiting_.empty() && waiting_.front() < rank && !bucket.empty()) {
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
