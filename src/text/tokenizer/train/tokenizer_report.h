// How many bytes of each language a token carries, for several tokenizers side by side: a fair vocabulary gives every
// language about the same number of tokens for the same content.
#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "text/tokenizer/encoder.h"

namespace maru::text {

struct NamedTokenizer {
  std::string name;
  const Tokenizer* tokenizer = nullptr;
};

/// Counts texts as they come; owns one Encoder per tokenizer. Not thread-safe.
class TokenizerReport {
 public:
  struct Row {
    std::string language;
    int64_t texts = 0, bytes = 0, characters = 0;
    std::vector<int64_t> tokens;  // per tokenizer
    double bytes_per_token(size_t tokenizer) const;
    double tokens_per_character(size_t tokenizer) const;
  };
  /// The tokenizers must outlive it.
  explicit TokenizerReport(std::span<const NamedTokenizer> tokenizers);
  void add(const std::string& language, std::string_view text);
  /// One row per language, by name, and last the sum of all, called "all".
  std::vector<Row> rows() const;
  /// A readable table of bytes per token.
  std::string table() const;
  Json json() const;

 private:
  std::vector<std::string> names_;
  std::vector<Encoder> encoders_;
  std::vector<Row> rows_;  // by language
  std::vector<int32_t> ids_;
};

}  // namespace maru::text
