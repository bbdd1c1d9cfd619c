#include "text/tokenizer/byte_trie.h"

#include <bit>

namespace maru::text {

void ByteTrie::add(std::string_view key, int32_t value) {
  if (key.empty()) return;
  uint32_t node = kRoot;
  for (const char byte : key) {
    uint32_t next = child(node, byte);
    if (next == kNone) {
      next = static_cast<uint32_t>(values_.size());
      values_.push_back(-1);
      link(node, static_cast<uint8_t>(byte), next);
    }
    node = next;
  }
  values_[node] = value;
}

void ByteTrie::link(uint32_t node, uint8_t byte, uint32_t child) {
  if (node == kRoot) {
    first_[byte] = child;
    return;
  }
  if (2 * (num_edges_ + 1) > slots_.size()) grow();
  const uint64_t key = uint64_t{node} << 8 | byte;
  size_t slot = slot_of(key);
  while (slots_[slot].key != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
  slots_[slot] = {key, child};
  ++num_edges_;
}

void ByteTrie::grow() {
  std::vector<Slot> old(std::bit_ceil(4 * num_edges_ + 64));
  old.swap(slots_);
  shift_ = 64 - std::countr_zero(slots_.size());
  for (const Slot& edge : old) {
    if (edge.key == kEmpty) continue;
    size_t slot = slot_of(edge.key);
    while (slots_[slot].key != kEmpty) slot = (slot + 1) & (slots_.size() - 1);
    slots_[slot] = edge;
  }
}

}  // namespace maru::text
