// Template source to tokens, with Jinja's whitespace control: trim_blocks and lstrip_blocks are on, as in transformers.
#pragma once
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace maru::text::jinja {

enum class TokenKind : uint8_t {
  kData,
  kPrintBegin,  // {{
  kPrintEnd,
  kBlockBegin,  // {%
  kBlockEnd,
  kName,
  kString,  // its value, escapes resolved
  kInteger,
  kFloat,
  kOperator,
  kEnd,
};

struct Token {
  TokenKind kind = TokenKind::kEnd;
  std::string text;
  int line = 0;

  bool is_operator(std::string_view op) const { return kind == TokenKind::kOperator && text == op; }
  bool is_name(std::string_view name) const { return kind == TokenKind::kName && text == name; }
  /// For errors.
  std::string described() const;
};

/// Ends with a kEnd token. `name` stands in the errors.
///
/// Throws   kInvalidArgument, "NAME:LINE: …".
std::vector<Token> tokenize(std::string_view source, std::string_view name);

}  // namespace maru::text::jinja
