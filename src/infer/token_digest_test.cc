#include "infer/token_digest.h"

#include <gtest/gtest.h>

#include <numeric>

#include "base/hash.h"

namespace maru::infer {
namespace {

std::vector<int32_t> counted(size_t size) {
  std::vector<int32_t> tokens(size);
  std::iota(tokens.begin(), tokens.end(), 1000);
  return tokens;
}

// hashlib.sha256(numpy.array([1, 258, 2**31 - 1], "<u4").tobytes())
TEST(TokenDigest, IsOfFourBytesTheLowestFirst) {
  const std::vector<int32_t> tokens{1, 258, 2147483647};
  EXPECT_EQ(sha256_hex(std::string("\1\0\0\0\2\1\0\0\xff\xff\xff\x7f", 12)), sha256_of_tokens(tokens));
  EXPECT_EQ(tokens, digest_of(tokens).tokens);
  EXPECT_EQ(sha256_of_tokens(tokens), digest_of(tokens).sha256);
  EXPECT_EQ(sha256_hex(""), digest_of({}).sha256);
}

TEST(TokenDigest, MarksTellWhereAnswersPart) {
  EXPECT_TRUE(digest_of(counted(63)).marks.empty());
  std::vector<int32_t> tokens = counted(200);
  const TokenDigest digest = digest_of(tokens);
  ASSERT_EQ(3u, digest.marks.size());
  EXPECT_EQ(digest_of(counted(64)).sha256.substr(0, 16), digest.marks[0]);
  tokens[100] ^= 1;
  const TokenDigest other = digest_of(tokens);
  EXPECT_EQ(digest.marks[0], other.marks[0]);
  EXPECT_NE(digest.marks[1], other.marks[1]);
  EXPECT_NE(digest.marks[2], other.marks[2]) << "what came before counts";
  EXPECT_NE(digest.sha256, other.sha256);
}

}  // namespace
}  // namespace maru::infer
