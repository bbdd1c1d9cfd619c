// A tokenizer from its file or directory, with the roles that the files beside it name.
#pragma once
#include <string_view>

#include "base/error.h"
#include "base/file.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

/// The text of a tokenizer.json. Roles: bos from its post_processor, the others by their usual names.
Result<Tokenizer> parse_tokenizer(std::string_view json, std::string_view name);
/// A tokenizer.json, a SentencePiece .model, a tiktoken file, or a directory with one of them or with vocabulary
/// files (vocabulary_files.h); roles also from tokenizer_config.json, then special_tokens_map.json beside it.
///
/// Throws   kNotFound, kInvalidArgument, kUnimplemented.
Tokenizer load_tokenizer(const fs::path& file_or_directory);

}  // namespace maru::text
