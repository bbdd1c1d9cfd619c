#include "tensor/arena.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
#include <string>
#include <utility>

#include "base/error.h"
#include "base/random.h"

namespace maru {
namespace {

constexpr size_t kAlignment = 64, kDryCapacity = size_t{1} << 60;

size_t aligned(size_t bytes) { return std::max(kAlignment, (bytes + kAlignment - 1) & ~(kAlignment - 1)); }

}  // namespace

size_t machine_bytes() {
  return static_cast<size_t>(::sysconf(_SC_PHYS_PAGES)) * static_cast<size_t>(::sysconf(_SC_PAGE_SIZE));
}

HostBuffer::HostBuffer(size_t bytes) : size_(bytes) {
  if (bytes == 0) return;
  void* p = ::mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (p == MAP_FAILED)
    throw Failure(ErrorCode::kExhausted, "memory: the system refused " + std::to_string(bytes >> 20) + " MiB");
  ::madvise(p, bytes, MADV_HUGEPAGE);
  data_ = static_cast<std::byte*>(p);
}

HostBuffer::~HostBuffer() {
  if (data_ != nullptr) ::munmap(data_, size_);
}

HostBuffer::HostBuffer(HostBuffer&& other) noexcept
    : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}

HostBuffer& HostBuffer::operator=(HostBuffer&& other) noexcept {
  std::swap(data_, other.data_);
  std::swap(size_, other.size_);
  return *this;
}

Arena::Arena(size_t capacity) : Arena(capacity, false) {}
Arena::Arena(size_t capacity, bool dry)
    : buffer_(dry ? 0 : capacity), capacity_(capacity), dry_(dry), free_{{0, capacity}} {}
Arena Arena::dry_run() { return Arena(kDryCapacity, true); }

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
