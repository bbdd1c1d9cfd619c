#include "text/tokenizer/byte_alphabet.h"

#include <algorithm>
#include <numeric>

#include "base/utf8.h"


namespace maru::text {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= '!' && byte <= '~') || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

}  // namespace

ByteAlphabet::ByteAlphabet() {
  byte_.fill(-1);
  char32_t next = 0x100;
  for (int b = 0; b < 256; ++b) {
    character_[b] = stands_for_itself(b) ? static_cast<char32_t>(b) : next++;
    byte_[character_[b]] = static_cast<int16_t>(b);
  }
  std::iota(order_.begin(), order_.end(), uint8_t{0});
  std::sort(order_.begin(), order_.end(), [&](uint8_t a, uint8_t b) { return character_[a] < character_[b]; });
}

std::string ByteAlphabet::to_characters(std::string_view bytes) const {
  std::string out;
  for (const char c : bytes) append_utf8(out, character_[static_cast<uint8_t>(c)]);
  return out;
}

std::optional<std::string> ByteAlphabet::to_bytes(std::string_view characters) const {
  std::string out;
  const char* const end = characters.data() + characters.size();
  for (const char* p = characters.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point > kLast || byte_[d.code_point] < 0) return std::nullopt;
    out += static_cast<char>(byte_[d.code_point]);
    p += d.length;
  }
  return out;
}

}  // namespace maru::text
