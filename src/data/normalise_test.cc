// Encodings and normalisation.
#include "data/normalise.h"

#include <gtest/gtest.h>

#include "base/random.h"
#include "data/encoding.h"

namespace maru::data {
namespace {

std::string utf16le(std::u16string_view text) {
  std::string bytes;
  for (const char16_t c : text) bytes += {static_cast<char>(c & 255), static_cast<char>(c >> 8)};
  return bytes;
}

// "안녕하세요 한국어" in windows-949; 똠 needs the extension beyond EUC-KR.
constexpr std::string_view kCp949 = "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4 \xC7\xD1\xB1\xB9\xBE\xEE";

TEST(Encoding, KoreanAndUnicodeForms) {
  const auto decode = [](std::string bytes, std::string_view declared = "") {
    return decode_text(std::move(bytes), declared).value();
  };
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949)).text);
  EXPECT_EQ("windows-949", decode(std::string(kCp949)).encoding);
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949), "EUC-KR").text);
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949), "utf-8").text) << "the declaration is wrong";
  EXPECT_EQ("\xEB\x98\xA0", decode("\x8C\x63", "ks_c_5601-1987").text);
  EXPECT_EQ("한글", decode("\xEF\xBB\xBF한글").text);
  EXPECT_EQ("한글 text", decode("\xFF\xFE" + utf16le(u"한글 text")).text);
  EXPECT_EQ("a plain text of ASCII", decode(utf16le(u"a plain text of ASCII")).text);
  EXPECT_EQ("caf\u00e9", decode("caf\xe9", "iso-8859-1").text);
}

TEST(Encoding, GarbageIsRefused) {
  Random random(1);
  for (int i = 0; i < 200; ++i) {
    std::string bytes = "\xff";
    for (int k = 0; k < 60; ++k) bytes += static_cast<char>(1 + random.below(255));
    const auto decoded = decode_text(bytes, "utf-8");
    if (decoded.ok()) {
      EXPECT_NE("UTF-8", decoded.value().encoding);
    }
  }
  EXPECT_FALSE(decode_text("한글 \xff\xff 깨짐", "").ok());
  EXPECT_FALSE(decode_text("caf\xe9 au lait", "no-such-charset").ok());
  EXPECT_FALSE(decode_text(std::string(kCp949) + "\xff\xff", "euc-kr").ok()) << "one bad byte refutes the charset";
}

TEST(Encoding, DeclarationsAndBinaries) {
  EXPECT_EQ("euc-kr", declared_charset("<html><meta http-equiv='Content-Type' content='text/html; charset=EUC-KR'>"));
  EXPECT_EQ("utf-8", declared_charset("<meta charset=\"utf-8\">"));
  EXPECT_EQ("euc-kr", declared_charset("<?xml version='1.0' encoding='euc-kr'?><a charset='x'/>"));
  EXPECT_EQ("", declared_charset("no declaration"));
  EXPECT_TRUE(
      looks_binary(std::string("\x7f"
                               "ELF\2\1\1\0\0\0\0",
                               11)));
  EXPECT_FALSE(looks_binary(utf16le(u"wide but text, as it seems")));
  EXPECT_FALSE(looks_binary("text"));
}

TEST(Normalise, OneSpellingForEveryText) {
  const std::pair<std::string, std::string> kCases[] = {
      {"\u1112\u1161\u11ab\u1100\u1173\u11af", "한글"},  // conjoining jamo, as macOS writes names
      {"a\r\nb\rc\u2028d", "a\nb\nc\nd"},
      {"줄  \n\n\n\n\n다음\t \n\n", "줄\n\n다음"},
      {"\n\n 들여쓰기", " 들여쓰기"},
      {"제로\u200b폭\ufeff\u00ad\u202e", "제로폭"},
      {"nbsp\u00a0전각\u3000칸", "nbsp 전각 칸"},
      {std::string("제어\x01\x7f\0문자", 15), "제어문자"},
      {"가족 👨\u200d👩\u200d👧", "가족 👨\u200d👩\u200d👧"},  // a joiner that shapes an emoji
      {"e\u200b\u0301", "\u00e9"},                       // composed only once the space is gone
  };
  for (const auto& [in, out] : kCases) EXPECT_EQ(out, normalise(in)) << in;
}

TEST(Normalise, IsIdempotentAndCounts) {
  Random random(5);
  const std::u32string alphabet = U"가나\u1100\u1161\u11a8 \n\r\t\u200b\u00a0e\u0301\u3000\x01";
  for (int i = 0; i < 500; ++i) {
    std::string text;
    for (int k = 0; k < 40; ++k) {
      const char32_t c = alphabet[random.below(alphabet.size())];
      if (c < 0x80)
        text += static_cast<char>(c);
      else if (c < 0x800)
        text += {static_cast<char>(0xC0 | (c >> 6)), static_cast<char>(0x80 | (c & 63))};
      else
        text += {static_cast<char>(0xE0 | (c >> 12)), static_cast<char>(0x80 | ((c >> 6) & 63)),
                 static_cast<char>(0x80 | (c & 63))};
    }
    EXPECT_EQ(normalise(text), normalise(normalise(text))) << text;
  }
  NormaliseChanges changes;
  normalise("a\u200b\u00a0b\x01", &changes);
  EXPECT_EQ(1, changes.zero_width);
  EXPECT_EQ(1, changes.spaces);
  EXPECT_EQ(1, changes.control);
  EXPECT_EQ(0, changes.composed);
}

}  // namespace
}  // namespace maru::data
