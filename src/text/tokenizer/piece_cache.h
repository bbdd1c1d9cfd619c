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

  using Key = std::array<uint64_t, 4>;  // the bytes, zeros, and the length in the last byte

  struct alignas(64) Line {
    Key key{};  // all zero: empty
    uint32_t count = 0;
    std::array<int32_t, kMaxIds> ids{};
  };
  /// The piece as a key. `readable` bytes from piece.data() on may be read.
  static Key key_of(std::string_view piece, size_t readable) {
    Key key{};
    std::memcpy(key.data(), piece.data(), readable >= 32 ? 32 : piece.size());
    for (size_t word = 0; word < 4; ++word) key[word] &= kMasks[piece.size()][word];
    key[3] |= uint64_t{piece.size()} << 56;
    return key;
  }

  /// `lines` is rounded up to a power of two, at least 2.
  explicit PieceCache(size_t lines) : lines_(std::bit_ceil(std::max<size_t>(lines, 2))) {}
  /// Begins to load what find() will look at.
  void prefetch(const Key& key) const {
    const Line* const set = &lines_[set_of(key)];
    __builtin_prefetch(set, 1);
    __builtin_prefetch(set + 1);
  }
  /// Null if the piece is not here.
  const Line* find(const Key& key) {
    Line* const set = &lines_[set_of(key)];
    if (equal(set[0].key, key)) return &set[0];
    if (!equal(set[1].key, key)) return nullptr;
    std::swap(set[0], set[1]);
    return &set[0];
  }
  /// Takes the place of the less recently used piece of its set.
  void insert(const Key& key, const int32_t* ids, size_t count) {
    Line* const set = &lines_[set_of(key)];
    set[1] = set[0];
    set[0].key = key;
    set[0].count = static_cast<uint32_t>(count);
    std::memcpy(set[0].ids.data(), ids, count * sizeof(int32_t));
  }

 private:
  static_assert(std::endian::native == std::endian::little);
  // The first n bytes of four words, for n from 0 to 31.
  static constexpr std::array<std::array<uint64_t, 4>, 32> kMasks = [] {
    std::array<std::array<uint64_t, 4>, 32> masks{};
    for (size_t byte = 0; byte < 31; ++byte)
      for (size_t size = byte + 1; size < 32; ++size) masks[size][byte / 8] |= uint64_t{0xFF} << 8 * (byte % 8);
    return masks;
  }();
  static bool equal(const Key& a, const Key& b) {
    return ((a[0] ^ b[0]) | (a[1] ^ b[1]) | (a[2] ^ b[2]) | (a[3] ^ b[3])) == 0;
  }
  size_t set_of(const Key& key) const {
    uint64_t h = (key[0] ^ key[3] * 0x9E3779B97F4A7C15) * 0xD6E8FEB86659FD93;
    h = (std::rotl(h, 32) ^ key[1]) * 0xA0761D6478BD642F;
    h = (std::rotl(h, 32) ^ key[2]) * 0xE7037ED1A0B428DB;
    return (h >> 32) & (lines_.size() - 2);
  }
  std::vector<Line> lines_;
};

}  // namespace maru::text
