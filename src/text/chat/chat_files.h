// Where a tokenizer directory keeps its chat templates and special tokens.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "base/file.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::text {

/// All templates, "default" first if there is one.
///
/// Throws   kInvalidArgument naming file and field.
std::vector<NamedTemplate> read_chat_templates(const fs::path& directory);
/// The source of the default one; empty if there is none.
std::string read_chat_template(const fs::path& directory);
/// bos_token, eos_token and the like, from tokenizer_config.json and special_tokens_map.json, else from the tokenizer.
std::vector<std::pair<std::string, std::string>> read_special_tokens(const fs::path& directory,
                                                                     const Tokenizer& tokenizer);

}  // namespace maru::text
