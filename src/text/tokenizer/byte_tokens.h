// Byte fallback: the tokens "<0x00>" to "<0xFF>" by which models of characters spell what their vocabulary lacks.
#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "text/tokenizer/token_table.h"

namespace maru::text {

/// "<0x0A>"
std::string byte_token(uint8_t byte);
/// The byte of a token spelled so, hexadecimal digits of either case.
std::optional<uint8_t> byte_of_token(std::string_view token);

/// The ids of the byte tokens of one vocabulary. Immutable.
class ByteTokens {
 public:
  ByteTokens() { ids_.fill(-1); }
  explicit ByteTokens(const TokenTable& tokens);
  /// Appends the tokens of all bytes; false, and nothing, if the vocabulary lacks one of them.
  bool append(std::string_view bytes, std::vector<int32_t>& ids) const;

 private:
  std::array<int32_t, 256> ids_;
};

}  // namespace maru::text
