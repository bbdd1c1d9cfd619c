#include "base/path_text.h"

#include <gtest/gtest.h>

#include "base/random.h"

namespace maru {
namespace {

TEST(PathText, IsUtf8WithoutControlCharacters) {
  const std::pair<std::string, std::string> kCases[] = {
      {"/corpus/한글 이름.txt", "/corpus/한글 이름.txt"},
      {"/corpus/\xC7\xD1\xB1\xDB.txt", "/corpus/\\xc7ѱ\\xdb.txt"},  // 한글 in windows-949, two bytes of which are UTF-8
      {"a\nb\x7f", "a\\x0ab\\x7f"},
      {"a\\b", "a\\\\b"},
      {"a\\xc7", "a\\\\xc7"},                                 // a name that looks like an escape
      {"\xED\xA0\x80\xC0\x80", "\\xed\\xa0\\x80\\xc0\\x80"},  // a surrogate, an overlong form
      {"\xF0\x9F\x98\x80", "\xF0\x9F\x98\x80"},
      {"\xEA\xB0", "\\xea\\xb0"},
      {"", ""},
  };
  for (const auto& [name, text] : kCases) {
    EXPECT_EQ(text, path_text(name));
    EXPECT_EQ(name, path_of_text(text).native());
  }
}

TEST(PathText, LosesNothing) {
  Random random(3);
  for (int i = 0; i < 2000; ++i) {
    std::string name;
    for (uint64_t k = random.below(12); k > 0; --k)
      name += random.below(3) == 0 ? '\\' : static_cast<char>(1 + random.below(255));
    EXPECT_EQ(name, path_of_text(path_text(name)).native());
  }
}

}  // namespace
}  // namespace maru
