// A set of byte strings, each with a number, walked byte by byte: how models find the tokens that begin at a place.
// Immutable once built; share between threads.
#pragma once
#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace maru::text {

class ByteTrie {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;
  static constexpr uint32_t kRoot = 0;

  ByteTrie() { first_.fill(kNone); }
  /// Of equal keys the last counts. Empty keys are ignored.
  void add(std::string_view key, int32_t value);
  /// The node behind `byte`; kNone if no key goes on so.
  uint32_t child(uint32_t node, char byte) const {
    const uint8_t b = static_cast<uint8_t>(byte);
    if (node == kRoot) return first_[b];
    if (slots_.empty()) return kNone;
    const uint64_t key = uint64_t{node} << 8 | b;
    for (size_t slot = slot_of(key);; slot = (slot + 1) & (slots_.size() - 1))
      if (slots_[slot].key == key || slots_[slot].key == kEmpty) return slots_[slot].node;
  }
  /// The number of the key that ends at `node`; -1: none does.
  int32_t value(uint32_t node) const { return values_[node]; }
  size_t num_nodes() const { return values_.size(); }

 private:
  static constexpr uint64_t kEmpty = UINT64_MAX;
  struct Slot {
    uint64_t key = kEmpty;
    uint32_t node = kNone;
  };
  size_t slot_of(uint64_t key) const { return static_cast<size_t>(key * 0x9E3779B97F4A7C15 >> shift_); }
  void link(uint32_t node, uint8_t byte, uint32_t child);
  void grow();
  std::array<uint32_t, 256> first_;
  std::vector<Slot> slots_;  // (node, byte) → node, open addressing
  int shift_ = 0;
  size_t num_edges_ = 0;
  std::vector<int32_t> values_{-1};
};

}  // namespace maru::text
