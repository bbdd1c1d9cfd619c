#include "base/key_index.h"

#include <bit>
#include <cstring>
#include <random>
#include <utility>

#include "base/error.h"

namespace maru {
namespace {

struct Key {
  uint64_t k0, k1;
};

uint64_t draw(std::random_device& device) { return uint64_t{device()} << 32 | device(); }

const Key& process_key() {
  static const Key kKey = [] {
    std::random_device device;
    const uint64_t k0 = draw(device);
    return Key{k0, draw(device)};
  }();
  return kKey;
}

struct Sip {
  uint64_t v0, v1, v2, v3;
  void round() {
    v0 += v1, v1 = std::rotl(v1, 13) ^ v0, v0 = std::rotl(v0, 32);
    v2 += v3, v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3, v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1, v1 = std::rotl(v1, 17) ^ v2, v2 = std::rotl(v2, 32);
  }
  void absorb(uint64_t word) {
    v3 ^= word;
    round();
    v0 ^= word;
  }
};

}  // namespace

uint32_t KeyIndex::hash(std::string_view key) {
  const auto [k0, k1] = process_key();
  Sip sip{k0 ^ 0x736f6d6570736575, k1 ^ 0x646f72616e646f6d, k0 ^ 0x6c7967656e657261, k1 ^ 0x7465646279746573};
  size_t at = 0;
  uint64_t word = 0;
  for (; at + 8 <= key.size(); at += 8) {
    std::memcpy(&word, key.data() + at, 8);
    sip.absorb(word);
  }
  word = 0;
  std::memcpy(&word, key.data() + at, key.size() - at);
  sip.absorb(word | uint64_t{key.size()} << 56);
  sip.v2 ^= 0xff;
  for (int i = 0; i < 3; ++i) sip.round();
  const uint64_t all = sip.v0 ^ sip.v1 ^ sip.v2 ^ sip.v3;
  return static_cast<uint32_t>(all ^ all >> 32);
}

void KeyIndex::add(uint32_t hash) {
  CHECK(size_ < UINT32_MAX - 1);
  if (slots_.size() < 2 * (size_t{size_} + 1)) {
    const std::vector<Slot> old = std::exchange(slots_, std::vector<Slot>(std::max<size_t>(64, 2 * slots_.size())));
    for (const Slot& slot : old)
      if (slot.next != 0) place(slot);
  }
  place({.hash = hash, .next = ++size_});
}

void KeyIndex::place(Slot slot) {
  const size_t mask = slots_.size() - 1;
  size_t at = slot.hash & mask;
  while (slots_[at].next != 0) at = (at + 1) & mask;
  slots_[at] = slot;
}

}  // namespace maru
