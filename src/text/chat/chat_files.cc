#include "text/chat/chat_files.h"

#include <algorithm>
#include <array>

#include "base/json_node.h"
#include "text/tokenizer/files/named_tokens.h"

namespace maru::text {
namespace {

constexpr uint64_t kMaxTemplateBytes = 1 << 20;
constexpr std::array<const char*, 7> kTokenNames{"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};

NamedTemplate read_template(const fs::path& path, std::string name) {
  return {std::move(name), read_file(path, kMaxTemplateBytes), path.string()};
}

/// tokenizer_config.json: a string, or a list of {"name", "template"}.
void add_configured(const fs::path& directory, std::vector<NamedTemplate>& to) {
  const JsonFile config = JsonFile::optional(directory / "tokenizer_config.json");
  const JsonNode all = config["chat_template"];
  if (all.is_null()) return;
  if (all.is_string()) return void(to.push_back({"default", all.string(), all.where()}));
  if (!all.is_array()) all.fail("a string or a list of templates");
  for (const JsonNode& entry : all.elements())
    to.push_back({entry["name"].string(), entry["template"].string(), entry.where()});
}

std::optional<int32_t> role_of(const Tokenizer& tokenizer, std::string_view name) {
  const TokenRoles& roles = tokenizer.roles();
  return name == "bos_token"   ? roles.bos
         : name == "eos_token" ? roles.eos
         : name == "pad_token" ? roles.pad
         : name == "unk_token" ? roles.unk
                               : std::nullopt;
}

}  // namespace

std::vector<NamedTemplate> read_chat_templates(const fs::path& directory) {
  std::vector<NamedTemplate> templates;
  if (const fs::path own = directory / "chat_template.jinja"; fs::exists(own)) {
    templates.push_back(read_template(own, "default"));
    if (const fs::path more = directory / "additional_chat_templates"; fs::is_directory(more))
      for (const fs::path& path : list_files(more))
        if (path.extension() == ".jinja") templates.push_back(read_template(path, path.stem().string()));
  } else {
    add_configured(directory, templates);
  }
  std::stable_partition(templates.begin(), templates.end(), [](const auto& t) { return t.name == "default"; });
  return templates;
}

std::string read_chat_template(const fs::path& directory) {
  const std::vector<NamedTemplate> templates = read_chat_templates(directory);
  return !templates.empty() && templates.front().name == "default" ? templates.front().source : "";
}

std::vector<std::pair<std::string, std::string>> read_special_tokens(const fs::path& directory,
                                                                     const Tokenizer& tokenizer) {
  const JsonFile config = JsonFile::optional(directory / "tokenizer_config.json");
  const JsonFile map = JsonFile::optional(directory / "special_tokens_map.json");
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const char* name : kTokenNames) {
    std::string spelling = token_content(config[name]);
    if (spelling.empty()) spelling = token_content(map[name]);
    if (const auto id = role_of(tokenizer, name); spelling.empty() && id) spelling = tokenizer.spelling_of(*id);
    if (!spelling.empty()) tokens.emplace_back(name, std::move(spelling));
  }
  return tokens;
}

}  // namespace maru::text
