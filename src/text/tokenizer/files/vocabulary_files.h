// Tokenizers that do not come as tokenizer.json: tiktoken files, vocab.json with merges.txt, BERT's vocab.txt; and the
// choice among all kinds for a path.
#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "base/file.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

struct TiktokenOptions {
  std::string pattern;                                          // how text is split
  std::vector<std::pair<std::string, int32_t>> special_tokens;  // with their ids
};
/// Lines of `base64 rank`. Neighbours join whose bytes together have the lowest rank.
Result<TokenizerSpec> parse_tiktoken(std::string_view text, std::string_view name, const TiktokenOptions& options);
/// Whether a file looks like one.
bool is_tiktoken(std::string_view text);

/// GPT-2's two files. `patterns` split the text (none: GPT-2's own), with or without `nfc` before.
Result<TokenizerSpec> parse_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                             std::string_view name, const std::vector<std::string>& patterns, bool nfc);

struct BertOptions {
  bool lowercase = true, handle_chinese_chars = true;
  std::optional<bool> strip_accents;
};
/// One token per line.
Result<TokenizerSpec> parse_bert_vocabulary(std::string_view vocab_txt, std::string_view name,
                                            const BertOptions& options = {});

/// The file of a directory that its tokenizer is read from. Throws kNotFound when there is none.
fs::path tokenizer_file(const fs::path& directory);

/// Any tokenizer file, or a directory: tokenizer.json, tokenizer.model and its other names, a .tiktoken file,
/// vocab.json with merges.txt, or vocab.txt; what these leave open is read from tokenizer_config.json beside them, and
/// named_tokens.h says which other files name tokens. Ranks of a tiktoken file say nothing of how text is split: they
/// are known by their digest, or by a name that is the split's (cl100k_base.tiktoken).
///
/// Throws   kNotFound, kInvalidArgument, kUnimplemented.
TokenizerSpec read_tokenizer_spec(const fs::path& file_or_directory);

}  // namespace maru::text
