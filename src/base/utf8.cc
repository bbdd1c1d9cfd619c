#include "base/utf8.h"

#include <algorithm>
#include <cstddef>

namespace maru {
namespace {

constexpr char32_t kReplacement = 0xFFFD;

struct Lead {
  uint32_t length;
  uint8_t low, high;  // what the second byte may be
};

// How a sequence that begins with `b` goes on; length 0: no sequence begins so.
Lead lead_of(uint8_t b) {
  if (b >= 0xC2 && b <= 0xDF) return {2, 0x80, 0xBF};
  if (b == 0xE0) return {3, 0xA0, 0xBF};
  if (b == 0xED) return {3, 0x80, 0x9F};
  if (b >= 0xE1 && b <= 0xEF) return {3, 0x80, 0xBF};
  if (b == 0xF0) return {4, 0x90, 0xBF};
  if (b >= 0xF1 && b <= 0xF3) return {4, 0x80, 0xBF};
  if (b == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

}  // namespace

Decoded decode_utf8(const char* p, const char* end) {
  const auto byte = [&](uint32_t i) { return static_cast<uint8_t>(p[i]); };
  if (byte(0) < 0x80) return {byte(0), 1};
  const Lead lead = lead_of(byte(0));
  if (lead.length == 0) return {kInvalidCodePoint, 1};
  char32_t code_point = byte(0) & (0x7F >> lead.length);
  for (uint32_t i = 1; i < lead.length; ++i) {
    const uint8_t low = i == 1 ? lead.low : 0x80, high = i == 1 ? lead.high : 0xBF;
    if (p + i == end || byte(i) < low || byte(i) > high) return {kInvalidCodePoint, i};
    code_point = code_point << 6 | (byte(i) & 0x3F);
  }
  return {code_point, lead.length};
}

void append_utf8(std::string& to, char32_t c) {
  if (c >= kCodePoints || (c >= 0xD800 && c < 0xE000)) c = kReplacement;
  const auto tail = [&](int shift) { to += static_cast<char>(0x80 | (c >> shift & 0x3F)); };
  if (c < 0x80) {
    to += static_cast<char>(c);
  } else if (c < 0x800) {
    to += static_cast<char>(0xC0 | c >> 6), tail(0);
  } else if (c < 0x10000) {
    to += static_cast<char>(0xE0 | c >> 12), tail(6), tail(0);
  } else {
    to += static_cast<char>(0xF0 | c >> 18), tail(12), tail(6), tail(0);
  }
}

bool is_valid_utf8(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  for (const char* p = bytes.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point == kInvalidCodePoint) return false;
    p += d.length;
  }
  return true;
}

size_t count_code_points(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  size_t count = 0;
  for (const char* p = bytes.data(); p < end; ++count) p += decode_utf8(p, end).length;
  return count;
}

size_t incomplete_suffix(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  for (size_t n = 1; n <= std::min<size_t>(3, bytes.size()); ++n) {
    const uint8_t b = static_cast<uint8_t>(end[-static_cast<ptrdiff_t>(n)]);
    if (b < 0x80) return 0;
    if (b < 0xC0) continue;
    const Decoded d = decode_utf8(end - n, end);
    const bool cut = d.code_point == kInvalidCodePoint && d.length == n && lead_of(b).length > n;
    return cut ? n : 0;
  }
  return 0;
}

std::string replace_invalid_utf8(std::string_view bytes) {
  const char* const end = bytes.data() + bytes.size();
  std::string out;
  out.reserve(bytes.size());
  for (const char* p = bytes.data(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point == kInvalidCodePoint)
      append_utf8(out, kReplacement);
    else
      out.append(p, d.length);
    p += d.length;
  }
  return out;
}

}  // namespace maru
