#include "data/encoding.h"

#include <unicode/ucnv.h>
#include <unicode/ustring.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <vector>

#include "text/unicode.h"

namespace maru::data {
namespace {

constexpr size_t kSniffBytes = 8192, kDeclarationBytes = 2048;

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; }

std::string lowered(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), lower);
  return out;
}

// The name behind `key`: charset=utf-8, charset="utf-8", encoding='utf-8'.
std::string value_of(std::string_view text, std::string_view key) {
  size_t at = text.find(key);
  if (at == std::string_view::npos) return "";
  at = text.find_first_not_of(" \t\"'=", at + key.size());
  if (at == std::string_view::npos) return "";
  return std::string(text.substr(at, text.find_first_of(" \t\r\n\"'/?>;", at) - at));
}

struct Mark {
  std::string_view bytes, encoding;
};
// UTF-32LE begins with the mark of UTF-16LE, so it stands first.
constexpr std::array<Mark, 4> kMarks = {{{"\xEF\xBB\xBF", "UTF-8"},
                                         {std::string_view("\xFF\xFE\0\0", 4), "UTF-32LE"},
                                         {"\xFF\xFE", "UTF-16LE"},
                                         {"\xFE\xFF", "UTF-16BE"}}};

std::string_view utf16_without_mark(std::string_view bytes) {
  const size_t n = std::min(bytes.size(), kSniffBytes) & ~size_t{1};
  if (n < 16 || bytes.size() % 2 != 0) return "";
  size_t zeros[2] = {0, 0};
  for (size_t i = 0; i < n; ++i) zeros[i % 2] += bytes[i] == '\0';
  const auto many = [&](size_t count) { return count > n / 20; };  // spaces and digits alone are more
  if (many(zeros[1]) && zeros[0] == 0) return "UTF-16LE";
  return many(zeros[0]) && zeros[1] == 0 ? "UTF-16BE" : "";
}

// WHATWG's reading of labels that pages use wrongly.
std::string_view converter_name(std::string_view label) {
  constexpr std::array<std::string_view, 6> kKorean = {"euc-kr",    "ks_c_5601-1987", "ksc5601",
                                                       "ks_c_5601", "cp949",          "korean"};
  if (std::find(kKorean.begin(), kKorean.end(), label) != kKorean.end()) return "windows-949";
  return label == "iso-8859-1" || label == "us-ascii" || label == "latin1" ? "windows-1252" : label;
}

std::optional<std::string> convert(std::string_view bytes, std::string_view encoding) {
  UErrorCode status = U_ZERO_ERROR;
  const std::unique_ptr<UConverter, decltype(&ucnv_close)> from(ucnv_open(std::string(encoding).c_str(), &status),
                                                                ucnv_close);
  if (U_FAILURE(status) || bytes.size() > (size_t{1} << 30)) return std::nullopt;
  ucnv_setToUCallBack(from.get(), UCNV_TO_U_CALLBACK_STOP, nullptr, nullptr, nullptr, &status);
  std::vector<UChar> wide(bytes.size() + 1);
  const int32_t n = ucnv_toUChars(from.get(), wide.data(), static_cast<int32_t>(wide.size()), bytes.data(),
                                  static_cast<int32_t>(bytes.size()), &status);
  if (U_FAILURE(status)) return std::nullopt;
  std::string text(static_cast<size_t>(n) * 3, '\0');
  int32_t size = 0;
  u_strToUTF8(text.data(), static_cast<int32_t>(text.size()), &size, wide.data(), n, &status);
  if (U_FAILURE(status)) return std::nullopt;
  text.resize(static_cast<size_t>(size));
  // ICU gives the unassigned bytes 0xFF and 0x80 of windows-949 a meaning of its own.
  const bool unassigned =
      encoding == "windows-949" && (text.find("\uF8F7") != text.npos || text.find("\u0080") != text.npos);
  return unassigned ? std::nullopt : std::optional(std::move(text));
}

bool mostly_hangul(std::string_view text) {
  size_t hangul = 0, others = 0;
  for (const char *p = text.data(), *end = p + text.size(); p < end;) {
    const text::Decoded d = text::decode_utf8(p, end);
    p += d.length;
    const bool syllable = d.code_point >= 0xAC00 && d.code_point <= 0xD7A3;
    (syllable ? hangul : others) += d.code_point >= 0x80;
  }
  return hangul > others;
}

std::optional<DecodedText> decode_marked(std::string_view bytes) {
  for (const Mark& mark : kMarks) {
    if (!bytes.starts_with(mark.bytes)) continue;
    const std::string_view rest = bytes.substr(mark.bytes.size());
    if (mark.encoding == "UTF-8") {
      if (text::is_valid_utf8(rest)) return DecodedText{std::string(rest), "UTF-8"};
    } else if (auto converted = convert(rest, mark.encoding)) {
      return DecodedText{std::move(*converted), std::string(mark.encoding)};
    }
  }
  return std::nullopt;
}

}  // namespace

std::string declared_charset(std::string_view bytes) {
  const std::string head = lowered(bytes.substr(0, kDeclarationBytes));
  if (head.starts_with("<?xml")) {
    if (std::string name = value_of(head.substr(0, head.find("?>")), "encoding"); !name.empty()) return name;
  }
  return value_of(head, "charset");
}

bool looks_binary(std::string_view bytes) {
  return bytes.substr(0, kSniffBytes).find('\0') != std::string_view::npos && utf16_without_mark(bytes).empty() &&
         !decode_marked(bytes.substr(0, 4));
}

Result<DecodedText> decode_text(std::string bytes, std::string_view declared) {
  if (auto marked = decode_marked(bytes)) return std::move(*marked);
  if (const std::string_view guess = utf16_without_mark(bytes); !guess.empty()) {
    if (auto converted = convert(bytes, guess)) return DecodedText{std::move(*converted), std::string(guess)};
  }
  if (text::is_valid_utf8(bytes)) return DecodedText{std::move(bytes), "UTF-8"};
  const std::string label = lowered(declared);
  const std::string_view encoding = converter_name(label);
  if (!encoding.empty() && encoding != "utf-8") {
    if (auto converted = convert(bytes, encoding)) return DecodedText{std::move(*converted), std::string(encoding)};
  }
  if (auto converted = convert(bytes, "windows-949"); converted && mostly_hangul(*converted))
    return DecodedText{std::move(*converted), "windows-949"};
  return {ErrorCode::kDataLoss, "is neither UTF-8 nor UTF-16 nor Korean windows-949" +
                                    (label.empty() ? std::string() : " nor its declared \"" + label + "\"")};
}

}  // namespace maru::data
