#include "tensor/arena.h"

#include <algorithm>
#include <limits>
#include <string>

#include "base/error.h"
#include "base/random.h"
#include "tensor/device.h"

namespace maru {
namespace {

constexpr size_t kAlignment = 64, kDryCapacity = size_t{1} << 60;

size_t aligned(size_t bytes) { return std::max(kAlignment, (bytes + kAlignment - 1) & ~(kAlignment - 1)); }

}  // namespace

Arena::Arena(Device& device, size_t capacity)
    : memory_(device.reserve(capacity)), device_(device.tag()), capacity_(capacity), free_{{0, capacity}} {}
Arena::Arena() : capacity_(kDryCapacity), dry_(true), free_{{0, kDryCapacity}} {}
Arena Arena::dry_run() { return Arena(); }

size_t Arena::allocate(size_t bytes) {
  bytes = aligned(bytes);
  // The hole at the end counts as the largest: how big it is must not decide, or a dry run would choose otherwise.
  const auto size_of_hole = [this](const auto& hole) {
    return hole.first + hole.second == capacity_ ? std::numeric_limits<size_t>::max() : hole.second;
  };
  auto best = free_.end();
  for (auto it = free_.begin(); it != free_.end(); ++it)
    if (it->second >= bytes && (best == free_.end() || size_of_hole(*it) < size_of_hole(*best))) best = it;
  if (best == free_.end())
    throw Failure(ErrorCode::kExhausted, "arena: " + std::to_string(bytes) + " bytes do not fit into what is left of " +
                                             std::to_string(capacity_));
  const auto [offset, available] = *best;
  free_.erase(best);
  if (available > bytes) free_[offset + bytes] = available - bytes;
  peak_ = std::max(peak_, offset + bytes);
  trace_ = mix64(trace_ ^ offset);
  return offset;
}

void Arena::release(size_t offset, size_t bytes) {
  bytes = aligned(bytes);
  auto next = free_.lower_bound(offset);
  if (next != free_.end() && offset + bytes == next->first) {
    bytes += next->second;
    next = free_.erase(next);
  }
  if (next != free_.begin()) {
    const auto previous = std::prev(next);
    if (previous->first + previous->second == offset) {
      previous->second += bytes;
      return;
    }
  }
  free_[offset] = bytes;
}

}  // namespace maru
