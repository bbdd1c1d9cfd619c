// The tokens of an answer as hashes: what a receipt says of them.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace maru::infer {

inline constexpr size_t kMarkTokens = 64, kMarkDigits = 16;

struct TokenDigest {
  std::vector<int32_t> tokens;
  std::string sha256;
  /// One for every whole 64 tokens, which tells where two answers part: 16 hexadecimal digits of the SHA-256 of the
  /// 32 bytes of the one before (the first: of none) and of these 64 tokens.
  std::vector<std::string> marks;
};

/// SHA-256 of the ids, each as four bytes, the lowest first. Token ids are not negative.
std::string sha256_of_tokens(std::span<const int32_t> tokens);
TokenDigest digest_of(std::span<const int32_t> tokens);

}  // namespace maru::infer
