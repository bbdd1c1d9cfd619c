#include <gtest/gtest.h>
#include <unicode/ustring.h>

#include "base/random.h"
#include "base/utf8.h"
#include "text/unicode/char_class.h"
#include "text/unicode/unicode_form.h"

namespace maru::text {
namespace {

std::string utf8(char32_t c) {
  std::string s;
  append_utf8(s, c);
  return s;
}

// ICU substitutes maximal subparts too.
TEST(Unicode, ReplacesIllFormedPartsLikeIcu) {
  Random random(5);
  const std::string_view alphabet = "a\x80\xBF\xC3\xE0\xA0\xED\x9F\xEA\xB0\xF0\x90\xF4\x8F\xFF";
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (int i = 0; i < 8; ++i) bytes += alphabet[random.below(alphabet.size())];
    std::array<UChar, 16> wide;
    std::array<char, 64> narrow;
    int32_t n = 0, m = 0;
    UErrorCode status = U_ZERO_ERROR;
    u_strFromUTF8WithSub(wide.data(), 16, &n, bytes.data(), 8, 0xFFFD, nullptr, &status);
    u_strToUTF8(narrow.data(), 64, &m, wide.data(), n, &status);
    ASSERT_TRUE(U_SUCCESS(status));
    ASSERT_EQ(replace_invalid_utf8(bytes), std::string(narrow.data(), static_cast<size_t>(m)));
  }
}

TEST(Unicode, CharClassesOfEachKind) {
  const CharClasses classes;
  EXPECT_LT(sizeof classes, 1024u);
  const std::vector<std::pair<char32_t, CharClass>> known{
      {' ', CharClass::kSpace},       {'\n', CharClass::kNewline},   {'\t', CharClass::kBlank},
      {0x3000, CharClass::kBlank},    {'7', CharClass::kNumber},     {U'〇', CharClass::kIdeographicZero},
      {0x0301, CharClass::kMark},     {0x0E34, CharClass::kMark},    {0x200D, CharClass::kJoiner},
      {U'ー', CharClass::kProlonged}, {U'한', CharClass::kHangul},   {U'ㄱ', CharClass::kHangul},
      {U'漢', CharClass::kHan},       {U'々', CharClass::kHan},      {U'ひ', CharClass::kHiragana},
      {U'カ', CharClass::kKatakana},  {U'ก', CharClass::kSpaceless}, {U'Ж', CharClass::kLetter},
      {U'!', CharClass::kOther},      {0x1F525, CharClass::kOther},  {0x378, CharClass::kOther}};
  for (const auto& [c, kind] : known) {
    const std::string s = utf8(c);
    EXPECT_EQ(classes.of(c), kind) << s;
    EXPECT_EQ(classes.at(s.data(), s.data() + s.size()).kind, kind) << s;
  }
  const std::string cut = "\xED\x95";
  EXPECT_EQ(classes.at(cut.data(), cut.data() + cut.size()).kind, CharClass::kOther);
}

TEST(Unicode, NfcTouchesOnlyWhatIsUtf8) {
  const UnicodeForm nfc(NormalizationForm::kNfc);
  std::string storage;
  EXPECT_EQ(nfc.apply("plain", storage), "plain");
  EXPECT_EQ(nfc.apply("한글", storage), "한글");
  EXPECT_EQ(nfc.apply("\u1112\u1161\u11ab", storage), "한");
  EXPECT_EQ(nfc.apply("e\u0301\xFF\u1100\u1161\xEA", storage), "é\xFF가\xEA");
}

}  // namespace
}  // namespace maru::text
