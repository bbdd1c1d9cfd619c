#include "data/charset_convert.h"

#include <unicode/ucnv.h>
#include <unicode/ucnv_cb.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <memory>
#include <utility>

#include "base/utf8.h"


namespace maru::data {
namespace {

constexpr char16_t kReplacement = 0xFFFD;
constexpr size_t kMaxBytes = size_t{1} << 29;  // so that 3 bytes a unit stay below 2^31

// What ICU has not, or has under a name of its own.
constexpr std::array<std::pair<std::string_view, const char*>, 8> kConverters = {{{"euc-kr", "windows-949"},
                                                                                  {"gbk", "gb18030"},
                                                                                  {"shift_jis", "ibm-943_P15A-2003"},
                                                                                  {"big5", "Big5-HKSCS"},
                                                                                  {"iso-8859-8-i", "iso-8859-8"},
                                                                                  {"macintosh", "macos-0_2-10.2"},
                                                                                  {"x-mac-cyrillic", "macos-7_3-10.2"},
                                                                                  {"x-user-defined", "windows-1252"}}};

// From 0xA0.
constexpr std::u16string_view kLatin10 =
    u"\u00a0ĄąŁ€„Š§š©Ș«Ź\u00adźŻ°±ČłŽ”¶·žčș»ŒœŸżÀÁÂĂÄĆÆÇÈÉÊËÌÍÎÏĐŃÒÓÔŐÖŚŰÙÚÛÜĘȚßàáâăäćæçèéêëìíîïđńòóôőöśűùúûüęțÿ";
static_assert(kLatin10.size() == 96);

// Every sequence that has no meaning becomes one U+FFFD and is counted.
void U_CALLCONV count_and_replace(const void* context, UConverterToUnicodeArgs* args, const char*, int32_t,
                                  UConverterCallbackReason reason, UErrorCode* status) {
  if (reason > UCNV_IRREGULAR) return;
  ++*static_cast<int64_t*>(const_cast<void*>(context));
  *status = U_ZERO_ERROR;
  ucnv_cbToUWriteUChars(args, &kReplacement, 1, 0, status);
}

std::string converter_name(std::string_view charset) {
  for (const auto& [name, converter] : kConverters)
    if (name == charset) return converter;
  return std::string(charset);
}

std::u16string latin10(std::string_view bytes) {
  std::u16string wide(bytes.size(), 0);
  std::transform(bytes.begin(), bytes.end(), wide.begin(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0xA0 ? static_cast<char16_t>(byte) : kLatin10[byte - 0xA0u];
  });
  return wide;
}

// Bytes of windows-949 that ICU gives a meaning of its own.
void replace_unassigned_korean(std::u16string& wide, int64_t& replaced) {
  for (char16_t& c : wide)
    if (c == 0xF8F7 || c == 0x80) c = kReplacement, ++replaced;
}

}  // namespace

std::optional<std::u16string> convert_to_utf16(std::string_view charset, std::string_view bytes, int64_t& replaced) {
  replaced = 0;
  if (charset == "replacement" || bytes.size() > kMaxBytes) return std::nullopt;
  if (charset == "iso-8859-16") return latin10(bytes);
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(converter_name(charset).c_str(), &status),
                                                                ucnv_close);
  if (U_FAILURE(status)) return std::nullopt;
  ucnv_setToUCallBack(from.get(), count_and_replace, &replaced, nullptr, nullptr, &status);
  std::u16string wide(bytes.size() + 2, 0);
  const int32_t n = ucnv_toUChars(from.get(), wide.data(), static_cast<int32_t>(wide.size()), bytes.data(),
                                  static_cast<int32_t>(bytes.size()), &status);
  if (U_FAILURE(status)) return std::nullopt;
  wide.resize(static_cast<size_t>(n));
  if (charset == "euc-kr") replace_unassigned_korean(wide, replaced);
  return wide;
}

std::optional<ConvertedText> convert_from(std::string_view charset, std::string_view bytes) {
  ConvertedText result;
  if (charset == "utf-8") {
    for (const char *p = bytes.data(), *end = p + bytes.size(); p < end;) {
      const Decoded d = decode_utf8(p, end);
      result.replaced += d.code_point == kInvalidCodePoint;
      p += d.length;
    }
    result.text = replace_invalid_utf8(bytes);
    return result;
  }
  const std::optional<std::u16string> wide = convert_to_utf16(charset, bytes, result.replaced);
  if (!wide) return std::nullopt;
  result.text.resize(3 * wide->size());
  UErrorCode status = U_ZERO_ERROR;
  int32_t size = 0, lone = 0;  // surrogates
  u_strToUTF8WithSub(result.text.data(), static_cast<int32_t>(result.text.size()), &size, wide->data(),
                     static_cast<int32_t>(wide->size()), kReplacement, &lone, &status);
  if (U_FAILURE(status)) return std::nullopt;
  result.text.resize(static_cast<size_t>(size));
  result.replaced += lone;
  return result;
}

}  // namespace maru::data
