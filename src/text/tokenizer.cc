#include "text/tokenizer.h"

#include "base/json.h"
#include "text/bpe_model.h"
#include "text/encoder.h"
#include "text/scanner.h"
#include "text/tokenizer_json.h"

namespace maru::text {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

Result<std::array<int32_t, 256>> byte_ids_of(const TokenTable& tokens, const std::string& name) {
  std::array<int32_t, 256> ids{};
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    const auto id = tokens.find({&byte, 1});
    if (!id)
      return {ErrorCode::kInvalidArgument, name + ": model.vocab: expected a token for each of the 256 bytes, byte " +
                                               std::to_string(b) + " has none"};
    ids[b] = *id;
  }
  return ids;
}

// tokenizer_config.json gives a token as its content or as an object with it.
std::optional<int32_t> role_of(const Json& config, const char* key, const Tokenizer& tokenizer) {
  const auto it = config.find(key);
  if (it == config.end()) return std::nullopt;
  const Json content = it->is_object() ? it->value("content", Json()) : *it;
  return content.is_string() ? tokenizer.id_of(content.get_ref<const std::string&>()) : std::nullopt;
}

TokenRoles configured_roles(const fs::path& path, const Tokenizer& tokenizer) {
  TokenRoles roles = tokenizer.roles();
  const Json config = read_json(path);
  if (!config.is_object()) throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected an object");
  const auto take = [&](std::optional<int32_t>& role, const char* key) {
    if (const auto id = role_of(config, key, tokenizer)) role = id;
  };
  take(roles.bos, "bos_token");
  take(roles.eos, "eos_token");
  take(roles.pad, "pad_token");
  take(roles.unk, "unk_token");
  return roles;
}

}  // namespace

Result<Tokenizer> Tokenizer::create(TokenizerSpec spec, std::string_view name) {
  Tokenizer t;
  t.tokens_ = std::make_shared<const TokenTable>(spec.vocabulary);
  const auto byte_ids = byte_ids_of(*t.tokens_, std::string(name));
  if (!byte_ids.ok()) return byte_ids.error();
  std::vector<std::string> patterns = spec.split_patterns;
  if (spec.gpt2_split) patterns.emplace_back(kGpt2Pattern);
  Result<PreTokenizer> pre_tokenizer = PreTokenizer::create(patterns, std::string(name) + ": pre_tokenizer");
  if (!pre_tokenizer.ok()) return pre_tokenizer.error();
  t.pre_tokenizer_ = std::move(pre_tokenizer).value();
  t.model_ = std::make_shared<const BpeModel>(byte_ids.value(), spec.merges, spec.ignore_merges ? t.tokens_ : nullptr);
  t.spec_ = std::make_shared<const TokenizerSpec>(std::move(spec));
  t.build_matchers();
  t.guess_roles();
  return t;
}

Result<Tokenizer> Tokenizer::parse(std::string_view json, std::string_view name) {
  Result<TokenizerSpec> spec = parse_tokenizer_json(json, name);
  if (!spec.ok()) return spec.error();
  return create(std::move(spec).value(), name);
}

Tokenizer Tokenizer::load(const fs::path& file_or_directory) {
  const bool directory = fs::is_directory(file_or_directory);
  const fs::path file = directory ? file_or_directory / "tokenizer.json" : file_or_directory;
  Tokenizer tokenizer = parse(read_file(file, kMaxFileBytes), file.string()).value();
  const fs::path config = file.parent_path() / "tokenizer_config.json";
  if (fs::exists(config)) tokenizer.set_roles(configured_roles(config, tokenizer));
  return tokenizer;
}

std::string Tokenizer::to_json() const { return write_tokenizer_json(*spec_); }

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  Encoder(*this, 0).encode(text, options, ids);
  return ids;
}

std::string_view Tokenizer::bytes_of(int32_t id) const {
  if (!contains(id))
    throw Failure(ErrorCode::kInvalidArgument,
                  "token id " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(vocab_size()));
  return tokens_->bytes(id);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string bytes;
  for (const int32_t id : ids)
    if (const std::string_view token = bytes_of(id); !skip_special || !is_special(id)) bytes += token;
  return bytes;
}

void Tokenizer::build_matchers() {
  special_.assign(static_cast<size_t>(vocab_size()), false);
  std::array<std::vector<AddedToken>, 4> lists;
  for (const AddedToken& token : spec_->added_tokens) {
    special_[token.id] = token.special;
    lists[2 * token.normalized + 1].push_back(token);
    if (!token.special) lists[2 * token.normalized].push_back(token);
  }
  for (size_t i = 0; i < lists.size(); ++i) matchers_[i] = AddedTokenMatcher(lists[i]);
}

void Tokenizer::guess_roles() {
  if (!spec_->prefix.empty()) roles_.bos = spec_->prefix.front();
  const auto first_of = [&](std::initializer_list<const char*> names) -> std::optional<int32_t> {
    for (const char* name : names)
      if (const auto id = id_of(name); id && is_special(*id)) return id;
    return std::nullopt;
  };
  roles_.eos = first_of({"<|end_of_text|>", "<|endoftext|>", "</s>", "<|im_end|>"});
  roles_.pad = first_of({"<|pad|>", "<pad>", "<|endoftext|>"});
}

}  // namespace maru::text
