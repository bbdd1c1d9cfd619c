// The byte alphabet of byte-level BPE files: each byte written as one printable character, so that tokens of any
// bytes can stand in JSON. Printable Latin-1 bytes stand for themselves, the others for U+0100 and up.
//
// Source   Radford et al. 2019 (GPT-2), the encoding of its vocabulary file.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace maru::text {

/// Immutable; share between threads.
class ByteAlphabet {
 public:
  ByteAlphabet();
  char32_t character(uint8_t byte) const { return character_[byte]; }
  /// Bytes ordered by their character: the order in which trained vocabularies number them.
  const std::array<uint8_t, 256>& order() const { return order_; }
  std::string to_characters(std::string_view bytes) const;
  /// Empty if some character is not of the alphabet.
  std::optional<std::string> to_bytes(std::string_view characters) const;

 private:
  static constexpr char32_t kLast = 0x143;
  std::array<char32_t, 256> character_;
  std::array<int16_t, kLast + 1> byte_;  // by character, -1: none
  std::array<uint8_t, 256> order_;
};

}  // namespace maru::text
