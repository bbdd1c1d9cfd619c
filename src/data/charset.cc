#include "data/charset.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <vector>

#include "data/ascii.h"

namespace maru::data {
namespace {

struct Charset {
  std::string_view name;
  std::string_view labels;  // between spaces; the name itself is one
};

constexpr Charset kCharsets[] = {
    {"utf-8", "unicode-1-1-utf-8 unicode11utf8 unicode20utf8 utf8 x-unicode20utf8"},
    {"ibm866", "866 cp866 csibm866"},
    {"iso-8859-2", "csisolatin2 iso-ir-101 iso8859-2 iso88592 iso_8859-2 iso_8859-2:1987 l2 latin2"},
    {"iso-8859-3", "csisolatin3 iso-ir-109 iso8859-3 iso88593 iso_8859-3 iso_8859-3:1988 l3 latin3"},
    {"iso-8859-4", "csisolatin4 iso-ir-110 iso8859-4 iso88594 iso_8859-4 iso_8859-4:1988 l4 latin4"},
    {"iso-8859-5", "csisolatincyrillic cyrillic iso-ir-144 iso8859-5 iso88595 iso_8859-5 iso_8859-5:1988"},
    {"iso-8859-6",
     "arabic asmo-708 csiso88596e csiso88596i csisolatinarabic ecma-114 iso-8859-6-e iso-8859-6-i iso-ir-127 iso8859-6 "
     "iso88596 iso_8859-6 iso_8859-6:1987"},
    {"iso-8859-7",
     "csisolatingreek ecma-118 elot_928 greek greek8 iso-ir-126 iso8859-7 iso88597 iso_8859-7 iso_8859-7:1987 "
     "sun_eu_greek"},
    {"iso-8859-8",
     "csiso88598e csisolatinhebrew hebrew iso-8859-8-e iso-ir-138 iso8859-8 iso88598 iso_8859-8 iso_8859-8:1988 "
     "visual"},
    {"iso-8859-8-i", "csiso88598i logical"},
    {"iso-8859-10", "csisolatin6 iso-ir-157 iso8859-10 iso885910 l6 latin6"},
    {"iso-8859-13", "iso8859-13 iso885913"},
    {"iso-8859-14", "iso8859-14 iso885914"},
    {"iso-8859-15", "csisolatin9 iso8859-15 iso885915 iso_8859-15 l9"},
    {"iso-8859-16", ""},
    {"koi8-r", "cskoi8r koi koi8 koi8_r"},
    {"koi8-u", "koi8-ru"},
    {"macintosh", "csmacintosh mac x-mac-roman"},
    {"windows-874", "dos-874 iso-8859-11 iso8859-11 iso885911 tis-620 cp874"},
    {"windows-1250", "cp1250 x-cp1250"},
    {"windows-1251", "cp1251 x-cp1251"},
    {"windows-1252",
     "ansi_x3.4-1968 ascii cp1252 cp819 csisolatin1 ibm819 iso-8859-1 iso-ir-100 iso8859-1 iso88591 iso_8859-1 "
     "iso_8859-1:1987 l1 latin1 us-ascii x-cp1252"},
    {"windows-1253", "cp1253 x-cp1253"},
    {"windows-1254",
     "cp1254 csisolatin5 iso-8859-9 iso-ir-148 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 l5 latin5 x-cp1254"},
    {"windows-1255", "cp1255 x-cp1255"},
    {"windows-1256", "cp1256 x-cp1256"},
    {"windows-1257", "cp1257 x-cp1257"},
    {"windows-1258", "cp1258 x-cp1258"},
    {"x-mac-cyrillic", "x-mac-ukrainian"},
    {"gbk", "chinese csgb2312 csiso58gb231280 gb2312 gb_2312 gb_2312-80 iso-ir-58 x-gbk cp936 windows-936"},
    {"gb18030", ""},
    {"big5", "big5-hkscs cn-big5 csbig5 x-x-big5 cp950 windows-950"},
    {"euc-jp", "cseucpkdfmtjapanese x-euc-jp"},
    {"iso-2022-jp", "csiso2022jp"},
    {"shift_jis", "csshiftjis ms932 ms_kanji shift-jis sjis windows-31j x-sjis cp932 windows-932"},
    {"euc-kr",
     "cseuckr csksc56011987 iso-ir-149 korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 windows-949 ks_c_5601 "
     "cp949 ms949 uhc"},
    {"replacement", "csiso2022kr hz-gb-2312 iso-2022-cn iso-2022-cn-ext iso-2022-kr"},
    {"utf-16be", "unicodefffe"},
    {"utf-16le", "csunicode iso-10646-ucs-2 ucs-2 unicode unicodefeff utf-16"},
    {"x-user-defined", ""},
};

constexpr size_t kPrescanBytes = 1024;

bool has_word(std::string_view words, std::string_view word) {
  for (size_t at = words.find(word); at != std::string_view::npos; at = words.find(word, at + 1)) {
    const size_t end = at + word.size();
    if ((at == 0 || words[at - 1] == ' ') && (end == words.size() || words[end] == ' ')) return true;
  }
  return false;
}

// The label inside the value of a content attribute: "text/html; charset=euc-kr".
std::optional<std::string_view> label_in_content(std::string_view value) {
  const std::string low = lowered(value);
  for (size_t at = low.find("charset"); at != std::string::npos; at = low.find("charset", at)) {
    at = low.find_first_not_of(kBlanks, at + 7);
    if (at == std::string::npos) return std::nullopt;
    if (low[at] != '=') continue;
    at = low.find_first_not_of(kBlanks, at + 1);
    if (at == std::string::npos) return std::nullopt;
    if (low[at] != '"' && low[at] != '\'') return value.substr(at, value.find_first_of("\t\n\f\r ;", at) - at);
    const size_t close = low.find(low[at], at + 1);
    if (close == std::string::npos) return std::nullopt;
    return value.substr(at + 1, close - at - 1);
  }
  return std::nullopt;
}

/// Looks for a <meta> that declares an encoding, in the steps of the standard's prescan. The end of the bytes inside a
/// tag ends the search.
class Prescan {
 public:
  /// `skip_raw`: leave out what stands inside scripts and the like, as a parser does and the prescan does not.
  Prescan(std::string_view bytes, bool skip_raw) : bytes_(bytes), skip_raw_(skip_raw) {}

  std::string_view run() {
    while (!ended_) {
      at_ = bytes_.find('<', at_);
      if (at_ == std::string_view::npos) break;
      if (starts("<!--"))
        skip_past("-->", at_ + 2);
      else if (is_meta())
        meta();
      else if (is_tag())
        other_tag();
      else if (starts("<!") || starts("</") || starts("<?"))
        skip_past(">", at_);
      else
        ++at_;
      if (!found_.empty()) return found_;
    }
    return "";
  }

 private:
  struct Attribute {
    std::string name, value;
  };

  bool starts(std::string_view what) const { return bytes_.substr(at_).starts_with(what); }
  char peek(size_t ahead = 0) const { return at_ + ahead < bytes_.size() ? bytes_[at_ + ahead] : '\0'; }
  bool is_tag() const { return is_letter(peek(1)) || (peek(1) == '/' && is_letter(peek(2))); }
  bool is_meta() const {
    return lowered(bytes_.substr(at_ + 1, 4)) == "meta" && (is_blank(peek(5)) || peek(5) == '/') &&
           at_ + 5 < bytes_.size();
  }

  void skip_past(std::string_view what, size_t from) {
    const size_t found = bytes_.find(what, from);
    ended_ |= found == std::string_view::npos;
    at_ = ended_ ? bytes_.size() : found + what.size();
  }

  void skip_blanks(bool slashes) {
    while (at_ < bytes_.size() && (is_blank(bytes_[at_]) || (slashes && bytes_[at_] == '/'))) ++at_;
  }

  void other_tag() {
    size_t end = at_ + 1;
    while (end < bytes_.size() && !is_blank(bytes_[end]) && bytes_[end] != '>') ++end;
    const std::string name = lowered(bytes_.substr(at_ + 1, end - at_ - 1));
    at_ = end;
    while (attribute()) {
    }
    if (!skip_raw_ || ended_) return;
    for (const std::string_view raw : {"script", "style", "textarea", "title", "xmp", "iframe", "noembed", "noframes"})
      if (name == raw) skip_raw_text(name);
  }

  void skip_raw_text(const std::string& name) {
    for (size_t at = bytes_.find("</", at_); at != std::string_view::npos; at = bytes_.find("</", at + 2))
      if (lowered(bytes_.substr(at + 2, name.size())) == name) {
        at_ = at;
        return;
      }
    ended_ = true;
  }

  void meta() {
    at_ += 5;
    std::vector<std::string> seen;
    bool pragma = false, needs_pragma = false, decided = false;
    std::string_view charset;
    while (const std::optional<Attribute> a = attribute()) {
      if (std::find(seen.begin(), seen.end(), a->name) != seen.end()) continue;
      if (a->name == "http-equiv") pragma |= lowered(a->value) == "content-type";
      if (a->name == "charset") charset = charset_of_label(a->value), needs_pragma = false, decided = true;
      if (a->name == "content" && !decided)
        if (const auto label = label_in_content(a->value); label && !charset_of_label(*label).empty())
          charset = charset_of_label(*label), needs_pragma = true, decided = true;
      if (a->name == "http-equiv" || a->name == "charset" || a->name == "content") seen.push_back(a->name);
    }
    if (ended_ || !decided || (needs_pragma && !pragma)) return;
    // A declaration that could be read as ASCII is not UTF-16.
    found_ = charset.starts_with("utf-16") ? "utf-8" : charset == "x-user-defined" ? "windows-1252" : charset;
  }

  // The next attribute of the tag that `at_` is in; none at its '>'.
  std::optional<Attribute> attribute() {
    skip_blanks(true);
    if (at_ >= bytes_.size()) return end_inside();
    if (bytes_[at_] == '>') return std::nullopt;
    Attribute a;
    while (at_ < bytes_.size() && (bytes_[at_] != '=' || a.name.empty()) && !is_blank(bytes_[at_]) &&
           bytes_[at_] != '/' && bytes_[at_] != '>')
      a.name += lower(bytes_[at_++]);
    skip_blanks(false);
    if (at_ >= bytes_.size()) return end_inside();
    if (bytes_[at_] != '=') return a;
    ++at_;
    skip_blanks(false);
    if (at_ >= bytes_.size()) return end_inside();
    const char quote = bytes_[at_];
    const bool quoted = quote == '"' || quote == '\'';
    const size_t close = quoted ? bytes_.find(quote, at_ + 1) : bytes_.find_first_of("\t\n\f\r >", at_);
    if (close == std::string_view::npos) return end_inside();
    a.value = bytes_.substr(at_ + quoted, close - at_ - quoted);
    at_ = close + quoted;
    return a;
  }

  std::optional<Attribute> end_inside() {
    ended_ = true;
    at_ = bytes_.size();
    return std::nullopt;
  }

  const std::string_view bytes_;
  const bool skip_raw_;
  size_t at_ = 0;
  bool ended_ = false;
  std::string_view found_;
};

std::string_view xml_declaration(std::string_view bytes) {
  if (!bytes.starts_with("<?xml")) return "";
  const std::string_view head = bytes.substr(0, std::min(bytes.find('>'), kPrescanBytes));
  size_t at = head.find("encoding");
  if (at == std::string_view::npos) return "";
  at = head.find_first_not_of(kBlanks, at + 8);
  if (at == std::string_view::npos || head[at] != '=') return "";
  at = head.find_first_not_of(kBlanks, at + 1);
  if (at == std::string_view::npos || (head[at] != '"' && head[at] != '\'')) return "";
  const size_t close = head.find(head[at], at + 1);
  if (close == std::string_view::npos) return "";
  const std::string_view charset = charset_of_label(head.substr(at + 1, close - at - 1));
  return charset.starts_with("utf-16") ? "utf-8" : charset;
}

}  // namespace

std::string_view charset_of_label(std::string_view label) {
  const std::string name = lowered(trimmed(label));
  if (name.empty() || name.find(' ') != std::string::npos) return "";
  for (const Charset& charset : kCharsets)
    if (charset.name == name || has_word(charset.labels, name)) return charset.name;
  return "";
}

std::string_view declared_charset(std::string_view bytes) {
  std::string_view found = Prescan(bytes.substr(0, kPrescanBytes), false).run();
  if (found.empty() && bytes.size() > kPrescanBytes) found = Prescan(bytes, true).run();
  return found.empty() ? xml_declaration(bytes) : found;
}

}  // namespace maru::data
