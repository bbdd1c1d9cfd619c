// Remembers the ids of short pieces, because words repeat: a fixed number of cache lines, each one piece of at most 31
// bytes and 7 ids, two ways per set. Bounded, never allocates after construction. One per thread.
#pragma once
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <vector>

namespace maru::text {

class PieceCache {
 public:
  static constexpr size_t kMaxBytes = 31, kMaxIds = 7;

  struct alignas(64) Line {
    std::array<uint64_t, 4> key{};  // the bytes, zeros, and the length in the last byte; length 0: empty
    uint32_t count = 0;
    std::array<int32_t, kMaxIds> ids{};
  };
  /// The piece as a key. `readable` bytes from piece.data() on may be read.
  static std::array<uint64_t, 4> key_of(std::string_view piece, size_t readable) {
    std::array<uint64_t, 4> key{};
    std::memcpy(key.data(), piece.data(), readable >= 32 ? 32 : piece.size());
    for (size_t word = 0; word < 4; ++word) key[word] &= mask_of(piece.size(), word);
    key[3] |= uint64_t{piece.size()} << 56;
    return key;
  }

  /// `lines` is rounded up to a power of two, at least 2.
  explicit PieceCache(size_t lines) : lines_(std::bit_ceil(std::max<size_t>(lines, 2))) {}
  /// Null if the piece is not here.
  const Line* find(const std::array<uint64_t, 4>& key) {
    Line* const set = set_of(key);
    if (set[0].key == key) return &set[0];
    if (set[1].key != key) return nullptr;
    std::swap(set[0], set[1]);
    return &set[0];
  }
  /// Takes the place of the less recently used piece of its set.
  void insert(const std::array<uint64_t, 4>& key, const int32_t* ids, size_t count) {
    Line* const set = set_of(key);
    set[1] = set[0];
    set[0].key = key;
    set[0].count = static_cast<uint32_t>(count);
    std::memcpy(set[0].ids.data(), ids, count * sizeof(int32_t));
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  static uint64_t mask_of(size_t size, size_t word) {
    const size_t begin = 8 * word;
    if (size >= begin + 8) return ~uint64_t{0};
    return size <= begin ? 0 : ~uint64_t{0} >> (64 - 8 * (size - begin));
  }
  Line* set_of(const std::array<uint64_t, 4>& key) {
    uint64_t h = (key[0] ^ key[3] * 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
    h = (std::rotl(h, 32) ^ key[1]) * 0xA0761D6478BD642F;
    h = (std::rotl(h, 32) ^ key[2]) * 0xE7037ED1A0B428DB;
    return &lines_[(h >> 32) & (lines_.size() - 2)];
  }
  std::vector<Line> lines_;
};

}  // namespace maru::text
