// Names that people, recipes and requests come with, for the tests of whoever takes one.
#pragma once
#include <string>
#include <vector>

namespace maru::ledger {

struct NameCase {
  std::string name;
  const char* why;  // nullptr: a good name
};

inline const std::vector<NameCase>& name_cases() {
  using namespace std::string_literals;
  static const std::vector<NameCase> kCases{
      {"", "empty"},
      {".", "dot"},
      {"..", "dot"},
      {"...", "dot"},
      {".hidden", "dot"},
      {". .", "dot"},
      {"/", "'/'"},
      {"/etc", "'/'"},
      {"a/b", "'/'"},
      {"a/", "'/'"},
      {"../../outside", "dot"},
      {"a/../..", "'/'"},
      {"./a", "dot"},
      {"a\\b", "'\\'"},
      {"..\\..\\x", "dot"},
      {"a\nb", "control"},
      {"a\tb", "control"},
      {"a\rb", "control"},
      {"a\0b"s, "control"},
      {"\0"s, "control"},
      {"a\x1b[2Jb", "control"},
      {"a\x7f", "control"},
      {"a\u0085b", "control"},
      {"a\u2028b", "control"},
      {"a\u202etxt.exe", "control"},
      {"a\u2066b", "control"},
      {"\xff\xfe", "UTF-8"},
      {"a\xc3", "UTF-8"},
      {"\xc0\xae\xc0\xae", "UTF-8"},  // ".." in an overlong form
      {"\xed\xa0\x80", "UTF-8"},      // half of a surrogate pair
      {"\xf4\x90\x80\x80", "UTF-8"},  // above U+10FFFF
      {std::string(201, 'a'), "201 bytes"},
      {std::string(100'000, 'a'), "100000 bytes"},
      {"한글" + std::string(195, 'a'), "201 bytes"},
      {"docs.tmp-1", "still writing"},
      {"docs.old-4194304", "still writing"},
      {"docs.tmp-99999999999999999999", "still writing"},
      {"docs", nullptr},
      {"a.b", nullptr},
      {"docs.1", nullptr},
      {"docs.tmp", nullptr},
      {"-rf", nullptr},
      {"~", nullptr},
      {"$HOME", nullptr},
      {"a b", nullptr},
      {"*", nullptr},
      {"한국어 모델", nullptr},
      {"日本語", nullptr},
      {"naïve", nullptr},
      {"👩‍👩‍👧", nullptr},
      {"می‌خواهم", nullptr},  // with a zero-width non-joiner, which Persian needs
      {std::string(200, 'a'), nullptr},
      {"CON", nullptr},
      {"manifest.json", nullptr}};
  return kCases;
}

}  // namespace maru::ledger
