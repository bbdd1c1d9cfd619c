#include "data/encoding.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>

#include "base/utf8.h"
#include "data/charset.h"
#include "data/charset_convert.h"
#include "data/charset_guess.h"

namespace maru::data {
namespace {

using std::string_view_literals::operator""sv;

constexpr size_t kSniffBytes = 8192;

struct Mark {
  std::string_view bytes, charset;
};
// UTF-32's mark begins with that of UTF-16, so it stands first.
constexpr std::array<Mark, 5> kMarks = {{{"\xEF\xBB\xBF"sv, "utf-8"},
                                         {"\xFF\xFE\0\0"sv, "utf-32le"},
                                         {"\0\0\xFE\xFF"sv, "utf-32be"},
                                         {"\xFF\xFE"sv, "utf-16le"},
                                         {"\xFE\xFF"sv, "utf-16be"}}};

// Formats of documents that would pass for text by their first bytes, or nearly so.
constexpr std::array<std::string_view, 6> kSignatures = {"%PDF-"sv,
                                                         "PK\x03\x04"sv,
                                                         "\xD0\xCF\x11\xE0"sv,
                                                         "{\\rtf"sv,
                                                         "HWP Document"sv,
                                                         "\x7f"
                                                         "ELF"sv};

// ISO-2022 switches alphabets by escapes made of ASCII.
constexpr std::array<Mark, 5> kEscapes = {{{"\x1b$B", "iso-2022-jp"},
                                           {"\x1b$@", "iso-2022-jp"},
                                           {"\x1b(J", "iso-2022-jp"},
                                           {"\x1b$)C", "iso-2022-kr"},
                                           {"\x1b(I", "iso-2022-jp"}}};

const Mark* mark_of(std::string_view bytes) {
  const auto it = std::find_if(kMarks.begin(), kMarks.end(), [&](const Mark& m) { return bytes.starts_with(m.bytes); });
  return it == kMarks.end() ? nullptr : &*it;
}

// UTF-16 holds zero bytes where it has ASCII, and others of no use in text where it has Thai, say.
bool has_controls(std::string_view bytes) {
  const std::string_view head = bytes.substr(0, kSniffBytes);
  const auto controls = std::count_if(head.begin(), head.end(), [](char c) { return c >= 0 && c < 0x09; });
  const auto others = std::count_if(head.begin(), head.end(), [](char c) { return c >= 0x0E && c < 0x1B; });
  return head.find('\0') != std::string_view::npos || 10 * static_cast<size_t>(controls + others) > head.size();
}

std::string_view charset_of_escapes(std::string_view bytes) {
  if (bytes.find('\x1b') == std::string_view::npos) return "";
  for (const Mark& escape : kEscapes)
    if (bytes.find(escape.bytes) != std::string_view::npos) return escape.charset;
  return "";
}

// More good sequences beyond ASCII than bad ones: of other encodings at most one in ten happens to be good.
bool is_damaged_utf8(std::string_view bytes) {
  size_t good = 0, bad = 0;
  for (const char *p = bytes.data(), *end = p + bytes.size(); p < end;) {
    const Decoded d = decode_utf8(p, end);
    bad += d.code_point == kInvalidCodePoint;
    good += d.length > 1 && d.code_point != kInvalidCodePoint;
    p += d.length;
  }
  return good > bad;
}

class Decoder {
 public:
  Decoder(std::string bytes, std::string_view declared, double max_replaced)
      : bytes_(std::move(bytes)),
        declared_(charset_of_label(declared)),
        label_(declared),
        max_replaced_(max_replaced) {}

  Result<DecodedText> run() {
    if (const Mark* mark = mark_of(bytes_)) {
      bytes_.erase(0, mark->bytes.size());
      return as(mark->charset);
    }
    if (has_controls(bytes_))
      if (const std::string_view guess = guess_utf16(bytes_); !guess.empty()) return as(guess);
    if (is_valid_utf8(bytes_)) {
      const std::string_view escaped = charset_of_escapes(bytes_);
      if (escaped.empty()) return DecodedText{std::move(bytes_), "utf-8"};
      return as(escaped);
    }
    if (is_damaged_utf8(bytes_)) return as("utf-8");
    if (const std::string_view guess = guess_utf16(bytes_); !guess.empty()) return as(guess);
    return as_declared_or_guessed();
  }

 private:
  // A declaration holds unless it makes no text of bytes that another encoding clearly makes one of.
  Result<DecodedText> as_declared_or_guessed() {
    const CharsetGuess guess = guess_charset(bytes_);
    const bool declared = !declared_.empty() && declared_ != "utf-8" && declared_ != "replacement";
    if (declared) {
      const double score = judge_charset(bytes_, declared_).score;
      const bool refuted = score >= 0 && score < 0.5 && guess.score > 0.75 && guess.characters >= 8;
      if (!refuted)
        if (Result<DecodedText> decoded = as(declared_); decoded) return decoded;
    }
    if (!guess.charset.empty()) return as(guess.charset);
    return error("is in no encoding that is known, or too short to tell which");
  }

  Result<DecodedText> as(std::string_view charset) {
    std::optional<ConvertedText> converted = convert_from(charset, bytes_);
    if (!converted) return error(fmt::format("cannot be converted from {}", charset));
    const size_t characters = count_code_points(converted->text);
    if (static_cast<double>(converted->replaced) > max_replaced_ * static_cast<double>(characters))
      return error(fmt::format("read as {}, {} of {} characters are bytes without a meaning, expected at most {:g} %",
                               charset, converted->replaced, characters, 100 * max_replaced_));
    return DecodedText{std::move(converted->text), std::string(charset), converted->replaced};
  }

  Error error(std::string what) const {
    if (!label_.empty()) what += fmt::format(" (declared: \"{}\")", replace_invalid_utf8(label_.substr(0, 40)));
    return {ErrorCode::kDataLoss, std::move(what)};
  }

  std::string bytes_;
  const std::string_view declared_, label_;
  const double max_replaced_;
};

}  // namespace

bool looks_binary(std::string_view bytes) {
  const auto is_signature = [&](std::string_view s) { return bytes.starts_with(s); };
  if (std::any_of(kSignatures.begin(), kSignatures.end(), is_signature)) return true;
  const std::string_view head = bytes.substr(0, kSniffBytes);
  const auto zeros = static_cast<size_t>(std::count(head.begin(), head.end(), '\0'));
  return zeros * 1000 > head.size() && mark_of(bytes) == nullptr && guess_utf16(bytes).empty();
}

Result<DecodedText> decode_text(std::string bytes, std::string_view declared, double max_replaced) {
  return Decoder(std::move(bytes), declared, max_replaced).run();
}

}  // namespace maru::data
