// Encodings: what a page declares, what its bytes look like, and what is done with bytes that mean nothing.
#include "data/encoding.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "base/file.h"
#include "base/random.h"
#include "data/charset.h"
#include "data/charset_guess.h"
#include "data/test_texts_in_charsets.h"

namespace maru::data {
namespace {

using testing::HasSubstr;
using namespace std::string_literals;

std::string utf16(std::u16string_view text, bool big_endian = false) {
  std::string bytes;
  for (const char16_t c : text) {
    const char low = static_cast<char>(c & 255), high = static_cast<char>(c >> 8);
    bytes += big_endian ? high : low;
    bytes += big_endian ? low : high;
  }
  return bytes;
}

// "안녕하세요 한국어" in windows-949; 똠 needs the extension beyond EUC-KR.
constexpr std::string_view kCp949 = "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4 \xC7\xD1\xB1\xB9\xBE\xEE";

TEST(Encoding, KoreanAndUnicodeForms) {
  const auto decode = [](std::string bytes, std::string_view declared = "") {
    return decode_text(std::move(bytes), declared).value();
  };
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949)).text);
  EXPECT_EQ("euc-kr", decode(std::string(kCp949)).encoding);
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949), "EUC-KR").text);
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949), "utf-8").text) << "the declaration is wrong";
  EXPECT_EQ("안녕하세요 한국어", decode(std::string(kCp949), "iso-8859-1").text) << "a server's default";
  EXPECT_EQ("\xEB\x98\xA0", decode("\x8C\x63", "ks_c_5601-1987").text);
  EXPECT_EQ("한글", decode("\xEF\xBB\xBF한글").text);
  EXPECT_EQ("한글 text", decode("\xFF\xFE" + utf16(u"한글 text")).text);
  EXPECT_EQ("한글 text", decode("\xFE\xFF" + utf16(u"한글 text", true)).text);
  EXPECT_EQ("a", decode("\xFF\xFE\0\0a\0\0\0"s).text);
  EXPECT_EQ("a plain text of ASCII", decode(utf16(u"a plain text of ASCII")).text);
  EXPECT_EQ("caf\u00e9", decode("caf\xe9", "iso-8859-1").text);
  EXPECT_EQ("日本語", decode("\x1b$B\x46\x7c\x4b\x5c\x38\x6c\x1b(B").text) << "ISO-2022-JP is ASCII to the eye";
  EXPECT_EQ("한", decode("\x1b$)C\x0e\x47\x51\x0f").text) << "ISO-2022-KR";
  EXPECT_EQ("plain \x1b[1mbold\x1b[0m", decode("plain \x1b[1mbold\x1b[0m").text) << "other escapes";
}

// Low bytes of zero, as 가 (AC00), 대 (B300), 저 (C800) and 관 (AD00) have them, once made "binary" of it.
TEST(Encoding, Utf16WithoutMark) {
  const std::u16string_view kTexts[] = {
      u"가나다라 대한민국의 저작물 관리",
      u"관대한 저 사람이 가게에 간다.",
      u"가가가가가가가가",
      u"これは日本語の文章です。",
      u"这是一个没有标记的文本。",
      u"Ascii only, with a line end\r\n",
      u"Это русский текст без метки",
      u"ข้อความภาษาไทย",
      u"mixed 한글 and 日本 \xD83D\xDE00 emoji",
      u"첫 줄\n둘째 줄\n셋째 줄\n",
  };
  for (const std::u16string_view text : kTexts)
    for (const bool big : {false, true}) {
      const std::string bytes = utf16(text, big),
                        expected = decode_text((big ? "\xFE\xFF" : "\xFF\xFE") + bytes, "").value().text;
      EXPECT_FALSE(looks_binary(bytes)) << expected;
      EXPECT_EQ(expected, decode_text(bytes, "").value().text);
      EXPECT_EQ(expected, decode_text(bytes, "euc-kr").value().text) << "whatever is declared";
    }
  EXPECT_EQ("한글 abc\uFFFD", decode_text(utf16(u"한글 abc") + "a", "", 0.2).value().text)
      << "cut in the middle of a unit";
}

TEST(Encoding, UndeclaredTextsOfEveryEncoding) {
  for (const TextInCharset& sample : kTextsInCharsets) {
    const auto decoded = decode_text(std::string(sample.bytes), "");
    ASSERT_TRUE(decoded.ok()) << sample.charset << " " << sample.text;
    EXPECT_EQ(sample.text, decoded.value().text) << sample.charset << " read as " << decoded.value().encoding;
    EXPECT_EQ(sample.text, decode_text(std::string(sample.bytes), sample.charset).value().text)
        << sample.charset << " declared";
  }
}

// Names and words that detectors of others are reported to get wrong (libchardet, chardet, jschardet).
TEST(Encoding, ShortKoreanWords) {
  const std::pair<const char*, const char*> kWords[] = {
      {"\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4", "안녕하세요"},
      {"\xB1\xE8\xBC\xBA\xBD\xC4", "김성식"},
      {"\xC7\xD1\xB1\xB9\xBE\xEE.txt", "한국어.txt"},
      {"\x8C\x63\xB9\xE6\xB0\xA2\xC7\xCF, \x94\xEE", "똠방각하, 뷁"},
  };
  for (const auto& [bytes, word] : kWords) EXPECT_EQ(word, decode_text(bytes, "").value().text);
}

TEST(Encoding, OneBadByteIsReplacedAndCounted) {
  std::string korean, text;
  for (int i = 0; i < 50; ++i) korean += "\xBE\xC8\xB3\xE7\xC7\xCF\xBC\xBC\xBF\xE4 ", text += "안녕하세요 ";
  const std::pair<std::string, std::string> kLong[] = {
      {text + "\xFF" + text, text + "\uFFFD" + text},        // UTF-8
      {korean + "\xFF " + korean, text + "\uFFFD " + text},  // windows-949
      {"\xEF\xBB\xBF" + text + "\xC0" + text, text + "\uFFFD" + text},
      {text + "\xED\x95", text + "\uFFFD"},  // cut in the middle of a character
  };
  for (const auto& [bytes, expected] : kLong)
    for (const char* declared : {"", "utf-8", "euc-kr"}) {
      const auto decoded = decode_text(bytes, declared);
      ASSERT_TRUE(decoded.ok()) << decoded.error().message;
      EXPECT_EQ(expected, decoded.value().text);
      EXPECT_EQ(1, decoded.value().replaced);
    }
  EXPECT_EQ(0, decode_text(text, "").value().replaced);
  const auto refused = decode_text("한글 \xff\xff 깨짐", "");
  ASSERT_FALSE(refused.ok());
  EXPECT_THAT(refused.error().message,
              HasSubstr("2 of 8 characters are bytes without a meaning, expected at most 0.5 %"));
  EXPECT_EQ("한글 \uFFFD\uFFFD 깨짐", decode_text("한글 \xff\xff 깨짐", "", 0.5).value().text) << "as the recipe wants";
  EXPECT_FALSE(decode_text(std::string(kCp949) + "\xff\xff", "euc-kr").ok());
}

TEST(Encoding, GarbageIsRefused) {
  Random random(1);
  int accepted = 0;
  for (int i = 0; i < 200; ++i) {
    std::string bytes = "\xff";
    for (int k = 0; k < 200; ++k) bytes += static_cast<char>(1 + random.below(255));
    accepted += decode_text(bytes, "utf-8").ok();
    accepted += decode_text(bytes, "").ok();
  }
  EXPECT_EQ(0, accepted);
}

TEST(Encoding, Binaries) {
  EXPECT_TRUE(
      looks_binary("\x7f"
                   "ELF\2\1\1\0\0\0\0"s));
  EXPECT_TRUE(looks_binary("%PDF-1.7\n% text, as it seems\n"));
  EXPECT_TRUE(looks_binary("PK\x03\x04 a DOCX or HWPX"));
  EXPECT_TRUE(looks_binary("{\\rtf1 text}"));
  EXPECT_TRUE(looks_binary("a\0b"s)) << "one in three";
  EXPECT_FALSE(looks_binary(std::string(2000, 'a') + "\0"s + std::string(2000, 'b'))) << "one stray zero";
  EXPECT_FALSE(looks_binary("text"));
  EXPECT_FALSE(looks_binary("PK is short for pack"));
  EXPECT_FALSE(looks_binary(""));
}

TEST(Charset, LabelsMeanWhatBrowsersRead) {
  const std::pair<const char*, const char*> kLabels[] = {{"gb2312", "gbk"},
                                                         {"GB_2312-80", "gbk"},
                                                         {"x-gbk", "gbk"},
                                                         {"gb18030", "gb18030"},
                                                         {"latin1", "windows-1252"},
                                                         {"ISO-8859-1", "windows-1252"},
                                                         {"us-ascii", "windows-1252"},
                                                         {" utf8 ", "utf-8"},
                                                         {"ks_c_5601-1987", "euc-kr"},
                                                         {"KSC5601", "euc-kr"},
                                                         {"cp949", "euc-kr"},
                                                         {"windows-949", "euc-kr"},
                                                         {"shift-jis", "shift_jis"},
                                                         {"x-sjis", "shift_jis"},
                                                         {"windows-31j", "shift_jis"},
                                                         {"x-euc-jp", "euc-jp"},
                                                         {"big5-hkscs", "big5"},
                                                         {"tis-620", "windows-874"},
                                                         {"iso-8859-9", "windows-1254"},
                                                         {"latin5", "windows-1254"},
                                                         {"koi8-ru", "koi8-u"},
                                                         {"866", "ibm866"},
                                                         {"iso-2022-kr", "replacement"},
                                                         {"unicode", "utf-16le"},
                                                         {"utf-16", "utf-16le"},
                                                         {"mac", "macintosh"},
                                                         {"logical", "iso-8859-8-i"},
                                                         {"iso-8859-16", "iso-8859-16"},
                                                         {"", ""},
                                                         {"no-such", ""},
                                                         {"utf", ""},
                                                         {"utf-8 utf-16", ""},
                                                         {"8859-1", ""},
                                                         {"\nutf-8\t", "utf-8"}};
  for (const auto& [label, name] : kLabels) EXPECT_EQ(name, charset_of_label(label)) << label;
}

TEST(Charset, Declarations) {
  const std::string far(3000, ' ');
  const std::pair<std::string, const char*> kPages[] = {
      {"<html><meta http-equiv='Content-Type' content='text/html; charset=EUC-KR'>", "euc-kr"},
      {"<meta charset=\"utf-8\">", "utf-8"},
      {"<?xml version='1.0' encoding='euc-kr'?><a charset='x'/>", "euc-kr"},
      {"<?xml version='1.0' encoding='euc-kr'?><meta charset='gbk'>", "gbk"},
      {"no declaration", ""},
      // what once won because it stood first
      {"<script>var charset = 'x'; f('charset=utf-7')</script><meta charset=euc-kr>", "euc-kr"},
      {"<!-- charset=utf-8 --><meta charset=euc-kr>", "euc-kr"},
      {"<style>@charset 'latin1';</style><meta charset=shift_jis>", "shift_jis"},
      {"<meta name=description content='how to write charset=gbk'><meta charset=euc-kr>", "euc-kr"},
      {"<script src=a.js charset=utf-8></script><meta charset=euc-kr>", "euc-kr"},
      {"<a title='>' charset=gbk><meta charset=big5>", "big5"},
      // behind the prescan's reach
      {"<!-- " + far + " --><meta charset=euc-kr>", "euc-kr"},
      {far + "<script>'<meta charset=gbk>'</script><meta charset=euc-kr>", "euc-kr"},
      {far + "<!-- <meta charset=gbk> --><meta charset=euc-kr>", "euc-kr"},
      {far + "<textarea><meta charset=gbk></textarea><title><meta charset=big5></title>", ""},
      // parts of the standard
      {"<meta charset=utf-16le>", "utf-8"},
      {"<meta charset=x-user-defined>", "windows-1252"},
      {"<meta content='text/html; charset=gbk'>", ""},
      {"<meta charset=bogus><meta charset=gbk>", "gbk"},
      {"<META/CHARSET=gbk/>", ""},
      {"<META/CHARSET=gbk >", "gbk"},
      {"<meta charset='gbk", ""},
      {"<meta http-equiv=content-type content='charset charset = \"gbk\"'>", "gbk"},
      {"</meta charset=gbk><? <meta charset=big5> ?><meta charset=euc-jp>", "euc-jp"},
  };
  for (const auto& [page, charset] : kPages) EXPECT_EQ(charset, declared_charset(page)) << page.substr(0, 80);
}

// The suite of the people who wrote the standard's parsers; where nothing is declared it expects the default.
TEST(Charset, Html5libSuite) {
  const fs::path folder = "../shared/data/suites/html5lib/encoding";
  if (!fs::exists(folder)) GTEST_SKIP() << "../shared/data/suites/html5lib";
  int cases = 0;
  for (const char* name : {"tests1.dat", "tests2.dat", "test-yahoo-jp.dat"}) {
    const std::string file = read_file(folder / name);
    for (size_t at = file.find("#data\n"); at != std::string::npos;) {
      const size_t middle = file.find("\n#encoding\n", at), end = std::min(file.find('\n', middle + 11), file.size());
      const std::string page = file.substr(at + 6, middle - at - 5);
      const std::string_view expected = charset_of_label(file.substr(middle + 11, end - middle - 11));
      std::string_view found = page.starts_with("\xEF\xBB\xBF") ? "utf-8" : declared_charset(page);
      EXPECT_EQ(expected, found.empty() ? "windows-1252" : found) << name << ": " << page.substr(0, 200);
      ++cases;
      at = file.find("#data\n", end);
    }
  }
  EXPECT_EQ(82, cases);
  const auto big5 = decode_text(read_file(folder / "chardet/test_big5.txt"), "");
  ASSERT_TRUE(big5.ok());
  EXPECT_EQ("big5", big5.value().encoding);
}

}  // namespace
}  // namespace maru::data
