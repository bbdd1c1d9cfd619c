// A set of hashes in little memory: what curation remembers of every document.
#pragma once
#include <array>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace maru::data {

struct Hash128 {
  uint64_t high = 0, low = 0;
  bool operator==(const Hash128&) const = default;
};

/// The bits of a key by which it is placed; they must be spread evenly.
inline uint64_t leading_bits(uint64_t key) { return key; }
inline uint64_t leading_bits(const Hash128& key) { return key.high; }

/// Keys are hashes already, of `Key` = uint64_t or Hash128. 256 tables with open addressing, chosen by the first byte:
/// each is 4/7 to 7/8 full, and only one at a time is held twice, while it grows. Not thread-safe.
template <class Key>
class HashSet {
 public:
  /// False if it was there.
  bool insert(const Key& key) {
    if (key == Key{}) return !std::exchange(has_zero_, true);
    Part& part = parts_[leading_bits(key) >> 56];
    if (8 * (part.used + 1) > 7 * part.slots.size()) grow(part);
    Key& slot = place(part.slots, key);
    if (slot == key) return false;
    slot = key;
    ++part.used;
    return true;
  }
  bool contains(const Key& key) const {
    if (key == Key{}) return has_zero_;
    const Part& part = parts_[leading_bits(key) >> 56];
    return !part.slots.empty() && place(part.slots, key) == key;
  }

 private:
  struct Part {
    std::vector<Key> slots;  // Key{}: empty
    size_t used = 0;
  };
  /// Where the key is, or would be.
  template <class Slots>
  static auto& place(Slots& slots, const Key& key) {
    const uint64_t bits = (leading_bits(key) >> 24) & UINT32_MAX;
    size_t at = bits * slots.size() >> 32;
    while (slots[at] != Key{} && slots[at] != key) at = at + 1 == slots.size() ? 0 : at + 1;
    return slots[at];
  }
  static void grow(Part& part) {
    std::vector<Key> larger(part.slots.empty() ? 8 : part.slots.size() + (part.slots.size() + 1) / 2);
    for (const Key& key : part.slots)
      if (key != Key{}) place(larger, key) = key;
    part.slots = std::move(larger);
  }
  std::array<Part, 256> parts_;
  bool has_zero_ = false;
};

}  // namespace maru::data
