// Where the keys of a large object lie: a hash table from a key to its position in a list that is kept elsewhere.
#pragma once
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

namespace maru {

/// Open addressing, at most half full. Hashed by SipHash-1-3 under a key drawn once per process, because keys come from
/// strangers, who could make those of a fixed hash collide. Nothing that can be seen depends on the drawn key.
/// Source: Aumasson & Bernstein, "SipHash: a fast short-input PRF", 2012.
class KeyIndex {
 public:
  static constexpr size_t kNone = SIZE_MAX;
  static uint32_t hash(std::string_view key);

  /// The position of `key`, or kNone; `key_at(position)` reads the list.
  template <class KeyAt>
  size_t find(std::string_view key, uint32_t hash, const KeyAt& key_at) const {
    if (slots_.empty()) return kNone;
    const size_t mask = slots_.size() - 1;
    for (size_t at = hash & mask; slots_[at].next != 0; at = (at + 1) & mask)
      if (slots_[at].hash == hash && key_at(slots_[at].next - 1) == key) return slots_[at].next - 1;
    return kNone;
  }
  /// A key with this hash, which is not there yet, lies at the next position. Cost: constant, amortised.
  void add(uint32_t hash);

 private:
  struct Slot {
    uint32_t hash = 0;
    uint32_t next = 0;  // position + 1; 0: empty
  };
  void place(Slot slot);
  std::vector<Slot> slots_;  // a power of two
  uint32_t size_ = 0;
};

}  // namespace maru
