#include "text/chat/chat_files.h"

#include <algorithm>
#include <array>

#include "base/json.h"

namespace maru::text {
namespace {

constexpr uint64_t kMaxTemplateBytes = 1 << 20, kMaxConfigBytes = 64 << 20;
constexpr std::array<const char*, 7> kTokenNames{"bos_token", "eos_token", "unk_token", "sep_token",
                                                 "pad_token", "cls_token", "mask_token"};

Json read_object(const fs::path& path) {
  if (!fs::exists(path)) return Json::object();
  Json json = parse_json(read_file(path, kMaxConfigBytes), path.string()).value();
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected an object");
  return json;
}

NamedTemplate read_template(const fs::path& path, std::string name) {
  return {std::move(name), read_file(path, kMaxTemplateBytes), path.string()};
}

std::string string_field(const Json& entry, const char* key, const std::string& place) {
  if (!entry.is_object() || !entry.contains(key) || !entry[key].is_string())
    throw Failure(ErrorCode::kInvalidArgument, place + "." + key + ": expected a string");
  return entry[key].get<std::string>();
}

/// tokenizer_config.json: a string, or a list of {"name", "template"}.
void add_configured(const fs::path& directory, std::vector<NamedTemplate>& to) {
  const fs::path path = directory / "tokenizer_config.json";
  const Json config = read_object(path);
  const auto it = config.find("chat_template");
  if (it == config.end() || it->is_null()) return;
  const std::string place = path.string() + ": chat_template";
  if (it->is_string()) return void(to.push_back({"default", it->get<std::string>(), place}));
  if (!it->is_array()) throw Failure(ErrorCode::kInvalidArgument, place + ": expected a string or a list of templates");
  for (size_t i = 0; i < it->size(); ++i) {
    const std::string entry = place + "[" + std::to_string(i) + "]";
    to.push_back({string_field((*it)[i], "name", entry), string_field((*it)[i], "template", entry), entry});
  }
}

/// The spelling of a token: a string, or an object with "content".
std::string spelling_of(const Json& token) {
  if (token.is_string()) return token.get<std::string>();
  const bool named = token.is_object() && token.contains("content") && token["content"].is_string();
  return named ? token["content"].get<std::string>() : "";
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
  const Json config = read_object(directory / "tokenizer_config.json"),
             map = read_object(directory / "special_tokens_map.json");
  std::vector<std::pair<std::string, std::string>> tokens;
  for (const char* name : kTokenNames) {
    std::string spelling = config.contains(name) ? spelling_of(config[name]) : "";
    if (spelling.empty() && map.contains(name)) spelling = spelling_of(map[name]);
    if (const auto id = role_of(tokenizer, name); spelling.empty() && id) spelling = tokenizer.spelling_of(*id);
    if (!spelling.empty()) tokens.emplace_back(name, std::move(spelling));
  }
  return tokens;
}

}  // namespace maru::text
