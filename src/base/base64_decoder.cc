#include "base/base64_decoder.h"

#include <array>

namespace maru {
namespace {

constexpr std::array<int8_t, 256> values() {
  std::array<int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view kDigits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (size_t i = 0; i < kDigits.size(); ++i) table[static_cast<uint8_t>(kDigits[i])] = static_cast<int8_t>(i);
  return table;
}
constexpr std::array<int8_t, 256> kValues = values();

}  // namespace

bool Base64Decoder::decode(std::string_view piece, std::string& to) {
  to.reserve(to.size() + piece.size() / 4 * 3 + 3);
  for (const char c : piece) {
    const int value = c == '=' && count_ >= 2 ? 0 : kValues[static_cast<uint8_t>(c)];
    if (value < 0 || (padding_ > 0 && c != '=')) return false;
    padding_ += c == '=';
    group_ = group_ << 6 | static_cast<uint32_t>(value);
    if (++count_ < 4) continue;
    for (int i = 0; i < 3 - padding_; ++i) to += static_cast<char>(group_ >> (16 - 8 * i) & 0xFF);
    group_ = 0, count_ = 0;
  }
  return true;
}

}  // namespace maru
