// For tests of grammars: a vocabulary of bytes and some longer tokens, and answers spelled through masks.
#pragma once
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"
#include "text/grammar/compile.h"
#include "text/grammar/grammar_matcher.h"
#include "text/grammar/token_trie.h"

namespace maru::text {

/// Tokens 0 to 255 are bytes; then pieces of words and of JSON; then the special token "<end>", the last.
inline const TokenTrie& test_tokens() {
  static const TokenTrie kTokens = [] {
    std::vector<std::pair<int32_t, std::string>> tokens;
    for (int32_t b = 0; b < 256; ++b) tokens.emplace_back(b, std::string(1, static_cast<char>(b)));
    for (const char* piece :
         {"{\"", "\":",   "\": ", "\",", "\", \"", "\"}", "},",  "[[",      "]]",   "true", "false", "null",     "ab",
          "abc", "  ",    "\n  ", "00",  "123",    ".5",  "e+",  "\\u",     "\\\"", "가",   "나다",  "\xED\x95", "é\"",
          "a\"", "a\": ", ",\"",  "{}",  "[]",     "],",  "\"a", "\"abc\"", "-1",   "x",    "\"}\n"}) {
      const auto id = static_cast<int32_t>(tokens.size());
      tokens.emplace_back(id, piece);
    }
    const auto end = static_cast<int32_t>(tokens.size());
    return TokenTrie(std::move(tokens), {{end, "<end>"}, {end + 1, "<tool>"}});
  }();
  return kTokens;
}
inline int32_t end_token() { return test_tokens().specials()[0].first; }
inline int32_t tool_token() { return test_tokens().specials()[1].first; }

inline bool has_bit(const std::vector<uint32_t>& mask, int32_t token) {
  return (mask[static_cast<uint32_t>(token) / 32] >> (token % 32) & 1) != 0;
}

/// Whether the text may be the answer, byte by byte through the masks; each mask is compared with what accept() says of
/// every token.
inline bool accepts(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  GrammarMatcher matcher(grammar, test_tokens(), {end_token()});
  std::vector<uint32_t> mask(test_tokens().mask_words());
  for (size_t i = 0; i < text.size(); ++i) {
    const int32_t token = static_cast<uint8_t>(text[i]);
    matcher.fill_mask(mask);
    for (int32_t other = 0; other < test_tokens().num_ids(); ++other) {
      GrammarMatcher copy = matcher;
      if (copy.accept(other) != has_bit(mask, other))
        throw std::logic_error("token " + std::to_string(other) + " is " +
                               (has_bit(mask, other) ? "only in the mask" : "only accepted") + " behind " +
                               std::string(text.substr(0, i)));
    }
    if (!has_bit(mask, token)) return false;
    if (!matcher.accept(token)) throw std::logic_error("not accepted");
  }
  return matcher.may_end();
}
/// The same without the comparison.
inline bool reaches(const std::shared_ptr<const Grammar>& grammar, std::string_view text) {
  GrammarMatcher matcher(grammar, test_tokens(), {end_token()});
  std::vector<uint32_t> mask(test_tokens().mask_words());
  for (const char byte : text) {
    matcher.fill_mask(mask);
    if (!has_bit(mask, static_cast<uint8_t>(byte))) return false;
    if (!matcher.accept(static_cast<uint8_t>(byte))) throw std::logic_error("not accepted");
  }
  return matcher.may_end();
}

inline std::shared_ptr<const Grammar> schema_grammar(std::string_view schema) {
  const Json json = parse_json(schema, "schema").value();
  return compile_json_schema(JsonNode(json, "schema"));
}

}  // namespace maru::text
