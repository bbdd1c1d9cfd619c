// The vocabulary that a GGUF file carries, as plain fields, and the tokenizer that it describes. Filled by whoever
// reads the file; nothing here knows the format.
#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

/// The keys below `tokenizer.ggml.`, with their names.
struct GgufVocabulary {
  std::string model;                 // "llama", "gpt2", "bert" or "t5"
  std::string pre;                   // of "gpt2": the split pattern (split_patterns.h)
  std::vector<std::string> tokens;   // by id
  std::vector<float> scores;         // of "llama" and "t5"
  std::vector<int32_t> token_types;  // 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; or empty
  std::vector<std::string> merges;   // of "gpt2": "left right"
  std::optional<int32_t> bos, eos, unk, sep, pad, cls, mask;  // …_token_id
  std::optional<bool> add_bos, add_eos, add_sep, add_space_prefix, remove_extra_whitespaces;
  std::string precompiled_charsmap;  // of "t5"; of "llama" only we write and read it, and remove_extra_whitespaces
};

/// kUnimplemented for other models and names of patterns, kInvalidArgument where fields do not fit together. `name`
/// stands in the errors.
///
/// Source   llama.cpp, llama_vocab::impl::load and its tokenizers
Result<TokenizerSpec> gguf_tokenizer_spec(const GgufVocabulary& vocabulary, const std::string& name);
/// The same as a tokenizer with its roles.
Result<Tokenizer> gguf_tokenizer(const GgufVocabulary& vocabulary, const std::string& name);

}  // namespace maru::text
