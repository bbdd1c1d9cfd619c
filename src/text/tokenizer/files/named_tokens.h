// Added tokens that a directory names beside its vocabulary: tokenizer_config.json, added_tokens.json and
// special_tokens_map.json say which spellings are tokens of their own in a text, and which of them are special.
#pragma once
#include "base/file.h"
#include "base/json_node.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// Completes `spec` as `transformers` does when it loads the directory: `added_tokens_decoder` gives ids, contents and
/// flags, and wins over the tokenizer's own list; without it `added_tokens.json` gives contents and ids; the tokens
/// that bos_token, eos_token and their like, additional_special_tokens and extra_special_tokens name become special
/// ones where the vocabulary knows them. A name without an id stays unknown.
///
/// Throws   kInvalidArgument naming file and field when one is no token, or has an id that is another token's.
void add_named_tokens(const fs::path& folder, TokenizerSpec& spec);

/// The spelling of a token that a file gives as text or as an object with its content; empty for null. Throws Failure.
std::string token_content(const JsonNode& node);

}  // namespace maru::text
