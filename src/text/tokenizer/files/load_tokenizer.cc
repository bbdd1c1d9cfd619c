#include "text/tokenizer/files/load_tokenizer.h"

#include "text/tokenizer/files/named_tokens.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/vocabulary_files.h"

namespace maru::text {
namespace {

/// The roles that a file names, in place of those known so far.
void configure_roles(const fs::path& path, const Tokenizer& tokenizer, TokenRoles& roles) {
  const JsonFile config = JsonFile::optional(path);
  const auto take = [&](std::optional<int32_t>& role, const char* key) {
    const std::string content = token_content(config[key]);
    if (const auto id = tokenizer.id_of(content); id && !content.empty()) role = id;
  };
  take(roles.bos, "bos_token");
  take(roles.eos, "eos_token");
  take(roles.pad, "pad_token");
  take(roles.unk, "unk_token");
  take(roles.sep, "sep_token");
  take(roles.cls, "cls_token");
  take(roles.mask, "mask_token");
}

}  // namespace

Result<Tokenizer> parse_tokenizer(std::string_view json, std::string_view name) {
  Result<TokenizerSpec> spec = parse_tokenizer_json(json, name);
  if (!spec.ok()) return spec.error();
  return Tokenizer::create(std::move(spec).value(), name);
}

Tokenizer load_tokenizer(const fs::path& file_or_directory) {
  const bool directory = fs::is_directory(file_or_directory);
  const fs::path folder = directory ? file_or_directory : file_or_directory.parent_path();
  Tokenizer tokenizer = Tokenizer::create(read_tokenizer_spec(file_or_directory), file_or_directory.string()).value();
  TokenRoles roles = tokenizer.roles();
  configure_roles(folder / "special_tokens_map.json", tokenizer, roles);
  configure_roles(folder / "tokenizer_config.json", tokenizer, roles);
  tokenizer.set_roles(roles);
  return tokenizer;
}

}  // namespace maru::text
