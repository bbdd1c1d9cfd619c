#include "text/normalizer.h"

#include <unicode/bytestream.h>
#include <unicode/normalizer2.h>

#include "base/error.h"
#include "text/unicode.h"

namespace maru::text {
namespace {

const icu::Normalizer2& nfc() {
  UErrorCode status = U_ZERO_ERROR;
  const icu::Normalizer2* normalizer = icu::Normalizer2::getNFCInstance(status);
  if (U_FAILURE(status))
    throw Failure(ErrorCode::kInternal, std::string("ICU has no NFC data: ") + u_errorName(status));
  return *normalizer;
}

icu::StringPiece piece_of(std::string_view text) { return {text.data(), static_cast<int32_t>(text.size())}; }

// Text that is UTF-8, at most 1 GiB.
void append_nfc(std::string_view text, std::string& to) {
  if (text.empty()) return;
  UErrorCode status = U_ZERO_ERROR;
  icu::StringByteSink<std::string> sink(&to);
  nfc().normalizeUTF8(0, piece_of(text), sink, nullptr, status);
  if (U_FAILURE(status)) throw Failure(ErrorCode::kInternal, std::string("NFC failed: ") + u_errorName(status));
}

// Everything below U+0300 is in NFC.
bool plainly_nfc(std::string_view text) {
  for (const char c : text)
    if (static_cast<uint8_t>(c) >= 0xCC) return false;
  return true;
}

}  // namespace

std::string_view to_nfc(std::string_view text, std::string& storage) {
  if (plainly_nfc(text)) return text;
  if (text.size() > size_t{1} << 30)
    throw Failure(ErrorCode::kExhausted, "NFC of " + std::to_string(text.size()) + " bytes, expected at most 1 GiB");
  UErrorCode status = U_ZERO_ERROR;
  if (is_valid_utf8(text) && nfc().isNormalizedUTF8(piece_of(text), status)) return text;
  storage.clear();
  const char *begin = text.data(), *const end = text.data() + text.size();
  for (const char* p = begin; p < end;) {
    const Decoded d = decode_utf8(p, end);
    if (d.code_point == kInvalidCodePoint) {
      append_nfc({begin, static_cast<size_t>(p - begin)}, storage);
      storage.append(p, d.length);
      begin = p + d.length;
    }
    p += d.length;
  }
  append_nfc({begin, static_cast<size_t>(end - begin)}, storage);
  return storage;
}

}  // namespace maru::text
