#include "data/charset_guess.h"

#include <unicode/uchar.h>
#include <unicode/utf16.h>

#include <algorithm>
#include <array>
#include <optional>
#include <string>

#include "data/charset_convert.h"
#include "data/common_characters.h"

namespace maru::data {
namespace {

constexpr size_t kSampleBytes = 32768;

enum class Kind : uint8_t {
  kCommon,    // characters that a predicate knows
  kAlphabet,  // letters of a script without capitals, or lower-case ones: no ASCII letter stands beside them
  kLatin,     // letters that stand among ASCII letters
};

struct Profile {
  std::string_view charset;
  Kind kind;
  double weight = 1;  // less than 1: only if nothing more definite fits
  bool (*is_common)(char16_t) = nullptr;
  std::u16string_view letters = {};  // of kAlphabet and kLatin
};

// Of alphabets the letters that make up most of a text come first; behind the blank, the others.
using Letters = std::u16string_view;
constexpr Letters kRussian = u"оеаинтсрвлкмдпуя зыьбгчйхжшюцщэфъёіїєґ";
constexpr Letters kSerbian = u"аиоенрсјтвукд млпзгбшчћцжхђљњфџѓќѕ";
constexpr Letters kGreek = u"αοιετνσρκπμλςά ηυίγδόέήβθχφξύώωζψϊϋΐΰ";
constexpr Letters kHebrew = u"יוהלארתבשמ םנדקפעחצטןגזסכךףץ";
constexpr Letters kArabic = u"اليمنرتوبةعد سفهكقحجشصطخضذثئءىزؤغظأإآ،؛؟پچژگک";
constexpr Letters kThai = u"านรอกเงมยลวดทสตะปบคห่้ีัิ แจพชขใไโถ์ุูืํ็ึๆซธศำ";
constexpr Letters kFrench = u"àâæçèéêëîïôùûüœÀÂÇÈÉÊÔ";
constexpr Letters kGerman = u"äöüßÄÖÜ";
constexpr Letters kSpanish = u"áéíóúñüÁÉÍÓÚÑ";
constexpr Letters kPortuguese = u"ãõâêôáéíóúàçÃÕÂÊÔÁÉÍÓÚÀÇ";
constexpr Letters kNordic = u"åäöøæéÅÄÖØÆ";
constexpr Letters kIcelandic = u"áéíóúýþæöðÁÉÍÓÚÝÞÆÖ";
constexpr Letters kItalian = u"àèéìòùÀÈÉÒÙ";
constexpr Letters kCatalan = u"àçèéíïòóúüÀÈÉÍÒÓÚ";
constexpr Letters kPolish = u"ąćęłńóśźżĄĆĘŁŃÓŚŹŻ";
constexpr Letters kCzech = u"áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽ";
constexpr Letters kSlovak = u"áäčďéíĺľňóôŕšťúýžÁÄČĎÉÍĽŇÓÔŔŠŤÚÝŽ";
constexpr Letters kHungarian = u"áéíóöőúüűÁÉÍÓÖŐÚÜŰ";
constexpr Letters kRomanian = u"ăâîşţșțĂÂÎŞŢȘȚ";
constexpr Letters kCroatian = u"čćđšžČĆĐŠŽ";
constexpr Letters kTurkish = u"çğıöşüâîûÇĞİÖŞÜ";
constexpr Letters kLithuanian = u"ąčęėįšųūžĄČĘĖĮŠŲŪŽ";
constexpr Letters kLatvian = u"āčēģīķļņšūžĀČĒĢĪĶĻŅŠŪŽ";
constexpr Letters kEstonian = u"äöõüšžÄÖÕÜŠŽ";
constexpr Letters kVietnamese = u"ăâđêôơưàáèéíóúùýĂÂĐÊÔƠƯ\u0300\u0301\u0303\u0309\u0323";
constexpr Letters kWestern = u"àáâãäåæçèéêëìíîïðñòóôõöøùúûüýþÿßÀÁÂÃÄÅÆÇÈÉÊËÌÍÎÏÑÒÓÔÕÖØÙÚÛÜÝœŒšŠžŽ";

constexpr Profile kProfiles[] = {
    {"euc-kr", Kind::kCommon, 1, is_common_korean},          {"shift_jis", Kind::kCommon, 1, is_common_japanese},
    {"euc-jp", Kind::kCommon, 1, is_common_japanese},        {"gbk", Kind::kCommon, 1, is_common_simplified},
    {"big5", Kind::kCommon, 1, is_common_traditional},       {"gb18030", Kind::kCommon, 0.95, is_common_traditional},
    {"windows-1251", Kind::kAlphabet, 1, nullptr, kRussian}, {"windows-1251", Kind::kAlphabet, 1, nullptr, kSerbian},
    {"koi8-r", Kind::kAlphabet, 1, nullptr, kRussian},       {"koi8-u", Kind::kAlphabet, 1, nullptr, kRussian},
    {"iso-8859-5", Kind::kAlphabet, 1, nullptr, kRussian},   {"iso-8859-5", Kind::kAlphabet, 1, nullptr, kSerbian},
    {"ibm866", Kind::kAlphabet, 1, nullptr, kRussian},       {"x-mac-cyrillic", Kind::kAlphabet, 1, nullptr, kRussian},
    {"windows-1253", Kind::kAlphabet, 1, nullptr, kGreek},   {"iso-8859-7", Kind::kAlphabet, 1, nullptr, kGreek},
    {"windows-1255", Kind::kAlphabet, 1, nullptr, kHebrew},  {"windows-1256", Kind::kAlphabet, 1, nullptr, kArabic},
    {"iso-8859-6", Kind::kAlphabet, 1, nullptr, kArabic},    {"windows-874", Kind::kAlphabet, 1, nullptr, kThai},
    {"windows-1252", Kind::kLatin, 1, nullptr, kFrench},     {"windows-1252", Kind::kLatin, 1, nullptr, kGerman},
    {"windows-1252", Kind::kLatin, 1, nullptr, kSpanish},    {"windows-1252", Kind::kLatin, 1, nullptr, kPortuguese},
    {"windows-1252", Kind::kLatin, 1, nullptr, kNordic},     {"windows-1252", Kind::kLatin, 1, nullptr, kItalian},
    {"windows-1252", Kind::kLatin, 1, nullptr, kCatalan},    {"windows-1250", Kind::kLatin, 1, nullptr, kPolish},
    {"windows-1250", Kind::kLatin, 1, nullptr, kCzech},      {"windows-1250", Kind::kLatin, 1, nullptr, kSlovak},
    {"windows-1250", Kind::kLatin, 1, nullptr, kHungarian},  {"windows-1250", Kind::kLatin, 1, nullptr, kRomanian},
    {"windows-1250", Kind::kLatin, 1, nullptr, kCroatian},   {"iso-8859-2", Kind::kLatin, 1, nullptr, kPolish},
    {"iso-8859-2", Kind::kLatin, 1, nullptr, kCzech},        {"iso-8859-2", Kind::kLatin, 1, nullptr, kSlovak},
    {"iso-8859-2", Kind::kLatin, 1, nullptr, kCroatian},     {"windows-1254", Kind::kLatin, 1, nullptr, kTurkish},
    {"windows-1252", Kind::kLatin, 1, nullptr, kIcelandic},  {"windows-1257", Kind::kLatin, 1, nullptr, kLithuanian},
    {"windows-1257", Kind::kLatin, 1, nullptr, kLatvian},    {"windows-1257", Kind::kLatin, 1, nullptr, kEstonian},
    {"windows-1258", Kind::kLatin, 1, nullptr, kVietnamese}, {"macintosh", Kind::kLatin, 0.85, nullptr, kFrench},
    {"macintosh", Kind::kLatin, 0.85, nullptr, kGerman},     {"macintosh", Kind::kLatin, 0.85, nullptr, kSpanish},
    {"windows-1252", Kind::kLatin, 0.9, nullptr, kWestern},
};

bool is_ascii_letter(char16_t c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// Marks that every language and encoding may have; they say nothing.
bool is_neutral(char16_t c) {
  constexpr std::u16string_view kSigns = u"\u00a0§©«®°±·»–—‘’“”„•…€™№";
  return c < 0x80 || (c >= 0x3000 && c <= 0x3011) || c == 0x30FB || (c >= 0xFF01 && c <= 0xFF5E) ||
         kSigns.find(c) != std::u16string_view::npos;
}

bool is_thai_mark(char16_t c) { return c == 0x0E31 || (c >= 0x0E34 && c <= 0x0E3A) || (c >= 0x0E47 && c <= 0x0E4E); }

/// One reading of the sample under one profile.
class Reading {
 public:
  Reading(std::u16string_view text, const Profile& profile) : text_(text), profile_(profile) {}

  CharsetGuess judge(int64_t bad) const {
    int64_t all = 0, neutral = 0;
    double hits = 0;
    for (size_t i = 0; i < text_.size(); ++i) {
      if (text_[i] < 0x80) continue;
      if (is_neutral(text_[i])) {
        ++neutral;
      } else if (!is_title_letter(i)) {
        ++all;
        hits += hit(i);
      }
    }
    const bool only_signs = all == 0;  // “such quotes”: most likely Western
    if (only_signs) all = neutral, hits = (profile_.charset == "windows-1252" ? 1 : 0.4) * static_cast<double>(all);
    const double share = all > 0 ? hits / static_cast<double>(all + 8 * bad) : 0;
    return {profile_.charset, profile_.weight * share, all};
  }

 private:
  char16_t at(size_t i) const { return i < text_.size() ? text_[i] : u' '; }

  double hit(size_t i) const {
    if (profile_.kind == Kind::kCommon) return profile_.is_common(text_[i]);
    const size_t place = profile_.letters.find(text_[i]);
    if (place == std::u16string_view::npos) return 0;
    if (profile_.kind == Kind::kLatin) return stands_among_ascii(i) && !is_capital_inside(i);
    return stands_in_own_word(i) ? (place < profile_.letters.find(u' ') ? 1 : 0.6) : 0;
  }

  bool is_letter(char16_t c) const {
    return c >= 0x80 && (profile_.letters.find(c) != std::u16string_view::npos ||
                         profile_.letters.find(static_cast<char16_t>(u_tolower(c))) != std::u16string_view::npos);
  }

  bool stands_in_own_word(size_t i) const {
    const char16_t before = at(i - 1), after = at(i + 1);
    if (is_thai_mark(text_[i])) return before >= 0x0E01 && before <= 0x0E4E;
    return !is_ascii_letter(before) && !is_ascii_letter(after) && (is_letter(before) || is_letter(after));
  }

  bool is_capital_inside(size_t i) const { return u_isupper(text_[i]) && u_islower(at(i - 1)); }

  // A capital at the beginning of a word is as good as nothing: it may be right.
  bool is_title_letter(size_t i) const {
    return profile_.kind == Kind::kAlphabet && u_isupper(text_[i]) && !u_isalpha(at(i - 1)) && is_letter(text_[i]);
  }

  // Within two letters, or a word by itself ("à").
  bool stands_among_ascii(size_t i) const {
    for (const size_t near : {i - 1, i + 1, i - 2, i + 2})
      if (is_ascii_letter(at(near))) return true;
    return !u_isalpha(at(i - 1)) && !u_isalpha(at(i + 1));
  }

  const std::u16string_view text_;
  const Profile& profile_;
};

/// Reads the sample in one encoding after the other; profiles of the same encoding stand together.
class Judge {
 public:
  explicit Judge(std::string_view bytes) : sample_(bytes.substr(0, kSampleBytes)) {}

  CharsetGuess judge(const Profile& profile) {
    if (profile.charset != charset_) {
      charset_ = profile.charset;
      text_ = convert_to_utf16(charset_, sample_, bad_);
      if (text_) bad_ += std::count_if(text_->begin(), text_->end(), is_impossible);
    }
    return text_ ? Reading(*text_, profile).judge(bad_) : CharsetGuess{};
  }

 private:
  // Private use, and the control characters that bytes without a meaning become.
  static bool is_impossible(char16_t c) {
    return (c >= 0xE000 && c <= 0xF8FF) || (c >= 0x80 && c <= 0x9F && c != 0x85) || (c < 0x09);
  }

  const std::string_view sample_;
  std::string_view charset_;
  std::optional<std::u16string> text_;
  int64_t bad_ = 0;
};

// What nearly all units of a text are, and few of any other numbers.
bool is_usual_unit(char16_t c) {
  if (c < 0x80) return c >= 0x20 ? c != 0x7F : c == '\n' || c == '\r' || c == '\t';
  return (c >= 0xC0 && c < 0x250) || is_neutral(c) || (c >= 0x370 && c < 0xF00) || (c >= 0x2010 && c <= 0x2026) ||
         (c >= 0x3000 && c <= 0x3011) || (c >= 0xFF01 && c <= 0xFF5E) || is_common_korean(c) || is_common_japanese(c) ||
         is_common_simplified(c) || is_common_traditional(c);
}

struct Units {
  double usual = 0, impossible = 0;  // shares
};

Units look_at_units(std::string_view bytes, bool big_endian) {
  const size_t n = std::min(bytes.size(), kSampleBytes) / 2;
  size_t usual = 0, impossible = 0;
  char16_t before = 0;
  for (size_t i = 0; i < n; ++i) {
    const auto byte = [&](size_t at) { return static_cast<unsigned char>(bytes[2 * i + at]); };
    const auto c = static_cast<char16_t>(big_endian ? byte(0) << 8 | byte(1) : byte(1) << 8 | byte(0));
    usual += is_usual_unit(c);
    if (U16_IS_TRAIL(c))
      impossible += !U16_IS_LEAD(before);
    else
      impossible += U16_IS_LEAD(before) ||
                    (!U16_IS_LEAD(c) &&
                     (!u_isdefined(c) || u_charType(c) == U_PRIVATE_USE_CHAR || (c < 0x20 && !is_usual_unit(c))));
    before = c;
  }
  return {static_cast<double>(usual) / static_cast<double>(n),
          static_cast<double>(impossible) / static_cast<double>(n)};
}

}  // namespace

CharsetGuess guess_charset(std::string_view bytes) {
  Judge judge(bytes);
  CharsetGuess best;
  for (const Profile& profile : kProfiles)
    if (const CharsetGuess guess = judge.judge(profile); guess.score > best.score) best = guess;
  return best.score >= 0.4 ? best : CharsetGuess{};
}

CharsetGuess judge_charset(std::string_view bytes, std::string_view charset) {
  Judge judge(bytes);
  CharsetGuess best{charset, -1, 0};
  for (const Profile& profile : kProfiles)
    if (profile.charset == charset)
      if (const CharsetGuess guess = judge.judge(profile); guess.score > best.score) best = guess;
  return best;
}

std::string_view guess_utf16(std::string_view bytes) {
  if (bytes.size() < 8) return "";
  const Units little = look_at_units(bytes, false), big = look_at_units(bytes, true);
  const auto is_text = [](const Units& units) { return units.usual > 0.5 && units.impossible < 0.02; };
  if (is_text(little) && little.usual > big.usual) return "utf-16le";
  return is_text(big) && big.usual > little.usual ? "utf-16be" : "";
}

}  // namespace maru::data
