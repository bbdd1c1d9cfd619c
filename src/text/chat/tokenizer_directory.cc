#include "text/chat/tokenizer_directory.h"

#include <algorithm>

#include "base/json.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::text {
namespace {

std::vector<AddedToken> added_by_id(const Tokenizer& tokenizer) {
  std::vector<AddedToken> tokens = tokenizer.spec().added_tokens;
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  return tokens;
}

Json flags_of(const AddedToken& token) {
  return {{"content", token.content}, {"lstrip", token.lstrip},           {"normalized", token.normalized},
          {"rstrip", token.rstrip},   {"single_word", token.single_word}, {"special", token.special}};
}

/// Roles as `transformers` names them.
void add_roles(const Tokenizer& tokenizer, Json& to) {
  const auto add = [&](const char* key, std::optional<int32_t> id) {
    if (id) to[key] = std::string(tokenizer.spelling_of(*id));
  };
  add("bos_token", tokenizer.roles().bos);
  add("eos_token", tokenizer.roles().eos);
  add("pad_token", tokenizer.roles().pad);
  add("unk_token", tokenizer.roles().unk);
  add("sep_token", tokenizer.roles().sep);
  add("cls_token", tokenizer.roles().cls);
  add("mask_token", tokenizer.roles().mask);
}

std::string template_of(const Tokenizer& tokenizer, const TokenizerFilesOptions& options) {
  if (!options.chat_template.empty()) return options.chat_template;
  const bool chatml = tokenizer.id_of("<|im_start|>") && tokenizer.id_of("<|im_end|>") && tokenizer.bos();
  return chatml ? chatml_jinja() : std::string();
}

}  // namespace

std::string tokenizer_config_json(const Tokenizer& tokenizer, const TokenizerFilesOptions& options) {
  Json config = Json::object(), decoder = Json::object();
  for (const AddedToken& token : added_by_id(tokenizer)) decoder[std::to_string(token.id)] = flags_of(token);
  config["added_tokens_decoder"] = decoder;
  add_roles(tokenizer, config);
  if (const std::string chat = template_of(tokenizer, options); !chat.empty()) config["chat_template"] = chat;
  config["clean_up_tokenization_spaces"] = false;
  config["model_max_length"] = options.model_max_length;
  config["tokenizer_class"] = "PreTrainedTokenizerFast";
  return config.dump(2) + "\n";
}

std::string special_tokens_map_json(const Tokenizer& tokenizer) {
  Json map = Json::object();
  add_roles(tokenizer, map);
  return map.dump(2) + "\n";
}

void write_tokenizer_files(const fs::path& directory, const Tokenizer& tokenizer,
                           const TokenizerFilesOptions& options) {
  fs::create_directories(directory);
  write_file(directory / "tokenizer.json", write_tokenizer_json(tokenizer.spec()));
  write_file(directory / "tokenizer_config.json", tokenizer_config_json(tokenizer, options));
  write_file(directory / "special_tokens_map.json", special_tokens_map_json(tokenizer));
}

}  // namespace maru::text
