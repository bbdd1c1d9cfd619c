#include "text/chat/jinja/string_literal.h"

#include <fmt/format.h>
#include <unicode/uchar.h>

#include <charconv>

#include "text/chat/jinja/utf8.h"

namespace maru::text::jinja {
namespace {

class Unescaper {
 public:
  explicit Unescaper(std::string_view literal) : literal_(literal) {}

  Result<std::string> run() {
    while (at_ < literal_.size() && error_.empty()) {
      const size_t slash = literal_.find('\\', at_);
      out_.append(literal_.substr(at_, slash - at_));
      if (slash == std::string_view::npos) break;
      at_ = slash + 1;
      escape();
    }
    if (!error_.empty()) return {ErrorCode::kInvalidArgument, error_};
    return out_;
  }

 private:
  void escape() {
    if (at_ >= literal_.size()) return void(out_ += '\\');
    const char c = literal_[at_];
    constexpr std::string_view kNames = "\n\\'\"abfnrtv", kValues = "\n\\'\"\a\b\f\n\r\t\v";
    if (c == '\n') return void(++at_);
    if (const size_t i = kNames.find(c); i != std::string_view::npos) return void((out_ += kValues[i], ++at_));
    if (c >= '0' && c <= '7') return octal();
    if (c == 'x') return hexadecimal(2);
    if (c == 'u') return hexadecimal(4);
    if (c == 'U') return hexadecimal(8);
    if (c == 'N') return named();
    unknown();
  }

  void octal() {
    int value = 0;
    for (int i = 0; i < 3 && at_ < literal_.size() && literal_[at_] >= '0' && literal_[at_] <= '7'; ++i)
      value = 8 * value + (literal_[at_++] - '0');
    append_character(out_, value);
  }

  void hexadecimal(size_t digits) {
    const std::string_view hex = literal_.substr(at_ + 1, digits);
    uint32_t value = 0;
    const auto [end, bad] = std::from_chars(hex.data(), hex.data() + hex.size(), value, 16);
    if (bad != std::errc() || hex.size() != digits || end != hex.data() + digits || value > 0x10FFFF)
      return fail(fmt::format("truncated \\{} escape: expected {} hexadecimal digits", literal_[at_], digits));
    if (value >= 0xD800 && value < 0xE000) return fail(fmt::format("\\u{:04x} is half of a character", value));
    append_character(out_, static_cast<int32_t>(value));
    at_ += 1 + digits;
  }

  void named() {
    const size_t close = literal_.find('}', at_);
    if (literal_.substr(at_ + 1, 1) != "{" || close == std::string_view::npos)
      return fail("malformed \\N escape: expected \\N{NAME}");
    const std::string name(literal_.substr(at_ + 2, close - at_ - 2));
    UErrorCode error = U_ZERO_ERROR;
    const UChar32 c = u_charFromName(U_EXTENDED_CHAR_NAME, name.c_str(), &error);
    if (U_FAILURE(error)) return fail("unknown Unicode character name " + name);
    append_character(out_, c);
    at_ = close + 1;
  }

  // Python turns characters beyond ASCII into escapes first, so a backslash before one escapes that escape's backslash.
  void unknown() {
    const Character c = character_at(literal_, at_);
    out_ += '\\';
    if (c.code_point < 0x80) return;
    out_ += c.code_point < 0x100     ? fmt::format("x{:02x}", c.code_point)
            : c.code_point < 0x10000 ? fmt::format("u{:04x}", c.code_point)
                                     : fmt::format("U{:08x}", c.code_point);
    at_ += c.length;
  }

  void fail(std::string message) { error_ = std::move(message); }

  const std::string_view literal_;
  size_t at_ = 0;
  std::string out_, error_;
};

}  // namespace

Result<std::string> unescape(std::string_view literal) { return Unescaper(literal).run(); }

}  // namespace maru::text::jinja
