#include "text/langid/features.h"

#include <unicode/uchar.h>
#include <unicode/uloc.h>
#include <unicode/unorm2.h>
#include <unicode/uscript.h>
#include <unicode/utf8.h>

#include <array>

namespace maru::text {
namespace {

Script merged(UScriptCode script) {
  switch (script) {
    case USCRIPT_HIRAGANA:
    case USCRIPT_KATAKANA:
    case USCRIPT_KATAKANA_OR_HIRAGANA:
    case USCRIPT_BOPOMOFO:
    case USCRIPT_JAPANESE:
    case USCRIPT_SIMPLIFIED_HAN:
    case USCRIPT_TRADITIONAL_HAN: return USCRIPT_HAN;
    case USCRIPT_KOREAN: return USCRIPT_HANGUL;
    case USCRIPT_COMMON: return kNoScript;
    default: return script > 0 && script < LetterTable::kMark ? static_cast<Script>(script) : kNoScript;
  }
}

bool is_letter(uint32_t code_point) {
  constexpr uint32_t kLetterOrMark = U_GC_L_MASK | U_GC_MN_MASK | U_GC_MC_MASK;
  return (U_GET_GC_MASK(static_cast<UChar32>(code_point)) & kLetterOrMark) != 0;
}

Script script_in_icu(uint32_t code_point) {
  if (code_point == 0x30FC || code_point == 0xFF70) return USCRIPT_HAN;  // the kana length mark is "common" in Unicode
  if (!is_letter(code_point)) return kNoScript;
  UErrorCode status = U_ZERO_ERROR;
  const UScriptCode script = uscript_getScript(static_cast<UChar32>(code_point), &status);
  if (U_FAILURE(status)) return kNoScript;
  return script == USCRIPT_INHERITED ? LetterTable::kMark : merged(script);
}

// Bytes by their role inside a run of printable ASCII.
enum class Byte : uint8_t { kOther, kSpace, kLower, kUpper, kDigit, kDot, kCode };

constexpr std::array<Byte, 256> byte_roles() {
  std::array<Byte, 256> roles{};
  for (int c = 0; c <= ' '; ++c) roles[c] = Byte::kSpace;
  for (int c = 127; c < 256; ++c) roles[c] = Byte::kSpace;
  for (int c = 'a'; c <= 'z'; ++c) roles[c] = Byte::kLower;
  for (int c = 'A'; c <= 'Z'; ++c) roles[c] = Byte::kUpper;
  for (int c = '0'; c <= '9'; ++c) roles[c] = Byte::kDigit;
  roles['.'] = roles[':'] = Byte::kDot;
  for (const char c : std::string_view("_\\/=<>{}[]@|$#&*+^~`%")) roles[static_cast<uint8_t>(c)] = Byte::kCode;
  return roles;
}
constexpr std::array<Byte, 256> kRoles = byte_roles();

Byte role(std::string_view text, size_t i) { return kRoles[static_cast<uint8_t>(text[i])]; }

// The end of the run of printable ASCII at `begin`, and whether it looks like code: a path, a URL, a tag, snake_case,
// camelCase, a name with digits, a.b.
size_t scan_token(std::string_view text, size_t begin, bool& code) {
  Byte last = Byte::kOther;
  size_t i = begin;
  for (; i < text.size(); ++i) {
    const Byte now = role(text, i);
    if (now == Byte::kSpace) break;
    const bool letter = now == Byte::kLower || now == Byte::kUpper;
    code |= now == Byte::kCode || (letter && (last == Byte::kDigit || last == Byte::kDot)) ||
            (now == Byte::kUpper && last == Byte::kLower) ||
            (now == Byte::kDigit && (last == Byte::kLower || last == Byte::kUpper));
    last = now;
  }
  return i;
}

class Splitter {
 public:
  Splitter(const LetterTable& table, bool keep_code, size_t bytes) : table_(table), keep_code_(keep_code) {
    words_.letters.reserve(bytes);
    words_.words.reserve(bytes / 4);
  }

  Words split(std::string_view text) && {
    for (size_t i = 0; i < text.size();) {
      const auto byte = static_cast<uint8_t>(text[i]);
      i = byte < 0x80 ? ascii(text, i) : wide(text, i);
    }
    end_word();
    return std::move(words_);
  }

 private:
  size_t ascii(std::string_view text, size_t begin) {
    if (role(text, begin) == Byte::kSpace) return end_word(), begin + 1;
    bool code = false;
    const size_t end = scan_token(text, begin, code);
    if (code && !keep_code_) return end_word(), end;
    for (size_t i = begin; i < end; ++i) add(static_cast<uint8_t>(text[i]));
    return end;
  }

  size_t wide(std::string_view text, size_t begin) {
    int32_t next = 0;
    UChar32 code_point = 0;
    const size_t left = text.size() - begin;
    U8_NEXT(text.data() + begin, next, static_cast<int32_t>(left < 4 ? left : 4), code_point);
    code_point < 0 ? end_word() : add(static_cast<uint32_t>(code_point));
    return begin + static_cast<size_t>(next);
  }

  void add(uint32_t code_point) {
    const Script script = table_.script(code_point);
    if (script == kNoScript) return end_word();
    if (script == LetterTable::kMark) return compose(code_point);
    if (script != script_) end_word();
    script_ = script;
    words_.letters.push_back(table_.lower(code_point));
  }

  // Decomposed text must give the same letters as composed text; marks that compose with nothing carry little.
  void compose(uint32_t mark) {
    if (script_ == kNoScript || words_.letters.size() == begin_) return;
    UErrorCode status = U_ZERO_ERROR;
    const UNormalizer2* nfc = unorm2_getNFCInstance(&status);
    uint32_t& last = words_.letters.back();
    const UChar32 pair =
        U_FAILURE(status) ? -1 : unorm2_composePair(nfc, static_cast<UChar32>(last), static_cast<UChar32>(mark));
    if (pair >= 0) last = table_.lower(static_cast<uint32_t>(pair));
  }

  void end_word() {
    const auto end = static_cast<uint32_t>(words_.letters.size());
    if (end > begin_) words_.words.push_back({begin_, end, script_});
    begin_ = end;
    script_ = kNoScript;
  }

  const LetterTable& table_;
  const bool keep_code_;
  Words words_;
  uint32_t begin_ = 0;
  Script script_ = kNoScript;
};

}  // namespace

Script script_of_name(const std::string& name) {
  const int32_t value = u_getPropertyValueEnum(UCHAR_SCRIPT, name.c_str());
  if (value != UCHAR_INVALID_CODE) return merged(static_cast<UScriptCode>(value));
  UErrorCode status = U_ZERO_ERROR;  // "Jpan", "Hans" … are names of writing systems, not of a character property
  UScriptCode code = USCRIPT_COMMON;
  const int32_t found = uscript_getCode(name.c_str(), &code, 1, &status);
  return U_SUCCESS(status) && found == 1 ? merged(code) : kNoScript;
}

std::string name_of_script(Script script) {
  const char* name = uscript_getShortName(static_cast<UScriptCode>(script));
  return name ? name : "Zzzz";
}

Script usual_script(const std::string& language) {
  std::array<char, ULOC_FULLNAME_CAPACITY> full{}, script{};
  UErrorCode status = U_ZERO_ERROR;
  const std::string base =
      language.substr(0, language.find('-'));  // of "und-roa": what is Latin for want of anything else
  uloc_addLikelySubtags(base.c_str(), full.data(), ULOC_FULLNAME_CAPACITY, &status);
  uloc_getScript(full.data(), script.data(), ULOC_FULLNAME_CAPACITY, &status);
  return U_FAILURE(status) ? kNoScript : script_of_name(script.data());
}

LetterTable::LetterTable() : scripts_(65536), lower_(65536) {
  for (uint32_t c = 0; c < 65536; ++c) {
    scripts_[c] = script_in_icu(c);
    const UChar32 lower = u_tolower(static_cast<UChar32>(c));
    lower_[c] = static_cast<uint16_t>(lower < 65536 ? lower : static_cast<UChar32>(c));
  }
}

Script LetterTable::rare_script(uint32_t code_point) { return script_in_icu(code_point); }

uint32_t LetterTable::rare_lower(uint32_t code_point) {
  return static_cast<uint32_t>(u_tolower(static_cast<UChar32>(code_point)));
}

Words split_words(const LetterTable& table, std::string_view text, bool keep_code) {
  return Splitter(table, keep_code, text.size()).split(text);
}

}  // namespace maru::text
