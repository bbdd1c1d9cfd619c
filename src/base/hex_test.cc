#include "base/hex.h"

#include <gtest/gtest.h>

namespace maru {
namespace {

TEST(Hex, GoesThereAndBack) {
  std::string all;
  for (int i = 0; i < 256; ++i) all += static_cast<char>(i);
  EXPECT_EQ("00ff10", to_hex(std::string_view("\0\xff\x10", 3)));
  EXPECT_EQ(all, from_hex(to_hex(all)));
  EXPECT_EQ("", from_hex(""));
}

TEST(Hex, HasOneSpelling) {
  for (const char* bad : {"0", "0g", "0G", "AA", "aA", " a", "a ", "0x", "aaa", "가나"})
    EXPECT_FALSE(from_hex(bad)) << bad;
  EXPECT_FALSE(from_hex(std::string_view("a\0", 2)));
}

}  // namespace
}  // namespace maru
