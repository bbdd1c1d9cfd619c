#include "infer/token_digest.h"

#include "base/hash.h"
#include "base/hex.h"

namespace maru::infer {
namespace {

std::string bytes_of(std::span<const int32_t> tokens) {
  std::string bytes;
  bytes.reserve(4 * tokens.size());
  for (const int32_t token : tokens)
    for (int shift = 0; shift < 32; shift += 8) bytes += static_cast<char>(static_cast<uint32_t>(token) >> shift & 255);
  return bytes;
}

}  // namespace

std::string sha256_of_tokens(std::span<const int32_t> tokens) { return sha256_hex(bytes_of(tokens)); }

TokenDigest digest_of(std::span<const int32_t> tokens) {
  TokenDigest digest{.tokens = {tokens.begin(), tokens.end()}, .sha256 = sha256_of_tokens(tokens), .marks = {}};
  std::string before;
  for (size_t end = kMarkTokens; end <= tokens.size(); end += kMarkTokens) {
    const std::string link = sha256_hex(before + bytes_of(tokens.subspan(end - kMarkTokens, kMarkTokens)));
    digest.marks.push_back(link.substr(0, kMarkDigits));
    before = from_hex(link).value();
  }
  return digest;
}

}  // namespace maru::infer
