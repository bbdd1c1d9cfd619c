// A tokenizer as the directory that `transformers` loads: tokenizer.json, tokenizer_config.json,
// special_tokens_map.json.
#pragma once
#include <cstdint>
#include <string>

#include "base/file.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

struct TokenizerFilesOptions {
  int64_t model_max_length = 1'000'000'000;
  std::string chat_template;  // Jinja; empty: chatml_jinja() where the tokenizer has its tokens, else none
};

/// tokenizer_config.json, for PreTrainedTokenizerFast.
std::string tokenizer_config_json(const Tokenizer& tokenizer, const TokenizerFilesOptions& options = {});
std::string special_tokens_map_json(const Tokenizer& tokenizer);
/// Writes the three files, each atomically; creates the directory.
void write_tokenizer_files(const fs::path& directory, const Tokenizer& tokenizer,
                           const TokenizerFilesOptions& options = {});

}  // namespace maru::text
