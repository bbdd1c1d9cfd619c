#include "base/base64.h"

#include <gtest/gtest.h>

namespace maru {
namespace {

TEST(Base64, ThereAndBack) {
  for (const std::string text : {"", "a", "ab", "abc", "\xFF\x00\x80z"}) EXPECT_EQ(from_base64(to_base64(text)), text);
  EXPECT_EQ(to_base64("ab"), "YWI=");
  EXPECT_EQ(from_base64("YWI"), "ab");
  EXPECT_EQ(from_base64("Y"), std::nullopt);
  EXPECT_EQ(from_base64("YW I"), std::nullopt);
}

}  // namespace
}  // namespace maru
