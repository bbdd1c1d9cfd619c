#include "base/base64_decoder.h"

#include <gtest/gtest.h>

#include "base/base64.h"
#include "base/random.h"

namespace maru {
namespace {

/// Nothing: it is not base64.
std::optional<std::string> decoded(std::string_view text, size_t piece) {
  Base64Decoder decoder;
  std::string bytes;
  for (size_t i = 0; i < text.size(); i += piece)
    if (!decoder.decode(text.substr(i, piece), bytes)) return std::nullopt;
  if (!decoder.may_end()) return std::nullopt;
  return bytes;
}

TEST(Base64Decoder, IsTheSameHoweverItIsCut) {
  Random random(5);
  for (size_t size = 0; size < 70; ++size) {
    std::string bytes;
    for (size_t i = 0; i < size; ++i) bytes += static_cast<char>(random.below(256));
    for (size_t piece = 1; piece < 12; ++piece) EXPECT_EQ(decoded(to_base64(bytes), piece), bytes) << size;
  }
}

TEST(Base64Decoder, RefusesWhatIsNone) {
  for (const char* text : {"A", "AB", "ABC", "ABCDE", "=", "A===", "====", "AB=C", "AB==CD==", "ABC=D",
                           "AB===", "ABC==", "AB\n==", "AB CD", "AB-_", "\xff\xff\xff\xff", "AB=", "ABCD="})
    for (size_t piece = 1; piece < 6; ++piece) EXPECT_FALSE(decoded(text, piece)) << text;
  EXPECT_EQ(decoded("AB==", 3), std::string(1, '\0'));
}

}  // namespace
}  // namespace maru
