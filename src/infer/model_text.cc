#include "infer/model_text.h"

#include <algorithm>
#include <utility>

#include "base/json_node.h"
#include "formats/weight_files.h"
#include "text/tokenizer/files/gguf_vocabulary.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/turn_ends.h"

namespace maru::infer {
namespace {

void add_end_token(std::vector<int32_t>& to, std::optional<int32_t> id) {
  if (id && std::find(to.begin(), to.end(), *id) == to.end()) to.push_back(*id);
}

// --- directories ---------------------------------------------------------------------------------------------------

/// Hugging Face: one id or a list of them. What is below 0 is nobody's, as configurations of old write "none".
void add_configured(std::vector<int32_t>& to, const fs::path& file) {
  const JsonFile config = JsonFile::optional(file);
  const JsonNode ids = config["eos_token_id"];
  for (const Json& id : ids.is_array() ? ids.json() : Json::array({ids.json()})) {
    if (id.is_null()) continue;
    if (!id.is_number_integer() || (id.is_number_unsigned() && !std::in_range<int32_t>(id.get<uint64_t>())))
      ids.fail("a token id or a list of them");
    if (id.get<int64_t>() >= 0) add_end_token(to, id.get<int32_t>());
  }
}

/// Turns that end by a token which no configuration names: known by its spelling.
void add_turn_ends(ModelText& text) {
  for (const int32_t id : text::turn_ends_of(text.tokenizer)) add_end_token(text.end_tokens, id);
}

ModelText text_of_directory(const fs::path& directory) {
  ModelText text{text::load_tokenizer(directory), std::nullopt, {}};
  text.chat_template = text::ChatTemplate::load(directory, text.tokenizer);
  for (const char* file : {"generation_config.json", "config.json", "tokenizer_config.json"})
    add_configured(text.end_tokens, directory / file);
  add_end_token(text.end_tokens, text.tokenizer.eos());
  add_turn_ends(text);
  return text;
}

// --- GGUF ------------------------------------------------------------------------------------------------------------

/// The metadata below `tokenizer.ggml.`.
class VocabularyKeys {
 public:
  explicit VocabularyKeys(const formats::GgufFile& file) : file_(file) {}

  std::string text(const char* key) const { return file_.text(named(key)).value_or(""); }
  std::optional<bool> flag(const char* key) const { return file_.boolean(named(key)); }
  std::optional<int32_t> id(const char* key) const {
    const auto value = file_.integer(named(key));
    if (!value || std::in_range<int32_t>(*value))
      return value ? std::optional(static_cast<int32_t>(*value)) : std::nullopt;
    misfit(key, "a token id");
  }
  std::vector<std::string> texts(const char* key) const {
    const auto views = list(key, "an array of strings", &formats::GgufValue::as_texts);
    return {views.begin(), views.end()};
  }
  template <class T>
  std::vector<T> numbers(const char* key) const {
    const auto values = list(key, "an array of numbers", &formats::GgufValue::as_numbers);
    std::vector<T> result;
    for (const double value : values) {
      if (std::is_integral_v<T> && !(value >= INT32_MIN && value <= INT32_MAX))
        misfit(key, "an array of small integers");
      result.push_back(static_cast<T>(value));
    }
    return result;
  }
  std::string bytes(const char* key) const {
    const formats::GgufValue* value = file_.find(named(key));
    if (value == nullptr) return "";
    const bool is_bytes = value->element == formats::GgufType::kU8 || value->element == formats::GgufType::kI8;
    if (value->type != formats::GgufType::kArray || !is_bytes) misfit(key, "an array of bytes");
    return {reinterpret_cast<const char*>(value->bytes.data()), value->bytes.size()};
  }

 private:
  static std::string named(const char* key) { return std::string("tokenizer.ggml.") + key; }
  [[noreturn]] void misfit(const char* key, const std::string& expected) const {
    throw Failure(ErrorCode::kDataLoss, file_.name() + ": " + named(key) + ": expected " + expected + ", got " +
                                            std::string(formats::name_of(file_.find(named(key))->type)));
  }
  template <class T>
  std::vector<T> list(const char* key, const char* expected,
                      std::optional<std::vector<T>> (formats::GgufValue::*as)() const) const {
    const formats::GgufValue* value = file_.find(named(key));
    if (value == nullptr) return {};
    auto values = (value->*as)();
    if (!values) misfit(key, expected);
    return std::move(*values);
  }
  const formats::GgufFile& file_;
};

text::GgufVocabulary vocabulary_of(const formats::GgufFile& file) {
  const VocabularyKeys keys(file);
  return {.model = keys.text("model"),
          .pre = keys.text("pre"),
          .tokens = keys.texts("tokens"),
          .scores = keys.numbers<float>("scores"),
          .token_types = keys.numbers<int32_t>("token_type"),
          .merges = keys.texts("merges"),
          .bos = keys.id("bos_token_id"),
          .eos = keys.id("eos_token_id"),
          .unk = keys.id("unknown_token_id"),
          .sep = keys.id("seperator_token_id"),  // spelled so in the format
          .pad = keys.id("padding_token_id"),
          .cls = keys.id("cls_token_id"),
          .mask = keys.id("mask_token_id"),
          .add_bos = keys.flag("add_bos_token"),
          .add_eos = keys.flag("add_eos_token"),
          .add_sep = keys.flag("add_sep_token"),
          .add_space_prefix = keys.flag("add_space_prefix"),
          .remove_extra_whitespaces = keys.flag("remove_extra_whitespaces"),
          .precompiled_charsmap = keys.bytes("precompiled_charsmap")};
}

text::Tokenizer tokenizer_of(const formats::GgufFile& file) {
  const auto whole = file.text("tokenizer.huggingface.json");
  if (!whole) return text::gguf_tokenizer(vocabulary_of(file), file.name()).value();
  text::Tokenizer tokenizer = text::parse_tokenizer(*whole, file.name() + ": tokenizer.huggingface.json").value();
  const VocabularyKeys keys(file);
  text::TokenRoles roles = tokenizer.roles();
  const auto set = [&](std::optional<int32_t>& role, const char* key) {
    if (const auto id = keys.id(key); id && tokenizer.contains(*id)) role = id;
  };
  set(roles.bos, "bos_token_id");
  set(roles.eos, "eos_token_id");
  set(roles.pad, "padding_token_id");
  set(roles.unk, "unknown_token_id");
  tokenizer.set_roles(roles);
  return tokenizer;
}

text::SpecialTokens special_tokens(const text::Tokenizer& tokenizer) {
  const text::TokenRoles& roles = tokenizer.roles();
  text::SpecialTokens tokens;
  const auto add = [&](const char* name, std::optional<int32_t> id) {
    if (id) tokens.emplace_back(name, tokenizer.spelling_of(*id));
  };
  add("bos_token", roles.bos), add("eos_token", roles.eos), add("unk_token", roles.unk), add("pad_token", roles.pad);
  add("sep_token", roles.sep), add("cls_token", roles.cls), add("mask_token", roles.mask);
  return tokens;
}

/// tokenizer.chat_template, and the further ones that tokenizer.chat_templates names; tool_use also where it does not.
std::vector<text::NamedTemplate> named_templates(const formats::GgufFile& file) {
  const std::string key = "tokenizer.chat_template";
  std::vector<text::NamedTemplate> templates;
  if (const auto source = file.text(key))
    templates.push_back({"default", std::string(*source), file.name() + ": " + key});
  std::vector<std::string> names{"tool_use"};
  if (const formats::GgufValue* list = file.find("tokenizer.chat_templates"))
    for (const std::string_view name : list->as_texts().value_or(std::vector<std::string_view>()))
      if (name != "tool_use" && name != "default") names.emplace_back(name);
  for (const std::string& name : names)
    if (const auto source = file.text(key + "." + name))
      templates.push_back({name, std::string(*source), file.name() + ": " + key + "." + name});
  return templates;
}

std::optional<text::ChatTemplate> template_of(const formats::GgufFile& file, const text::Tokenizer& tokenizer) {
  if (const auto named = named_templates(file); !named.empty())
    return text::ChatTemplate::create(named, special_tokens(tokenizer)).value();
  for (const char* token : {"<|im_start|>", "<|im_end|>"})
    if (const auto id = tokenizer.id_of(token); !id || !tokenizer.is_special(*id)) return std::nullopt;
  return text::ChatTemplate::chatml(tokenizer);
}

ModelText text_of_gguf(const fs::path& path) {
  const formats::GgufFile file = formats::GgufFile::open(path).value();
  ModelText text{tokenizer_of(file), std::nullopt, {}};
  text.chat_template = template_of(file, text.tokenizer);
  const VocabularyKeys keys(file);
  for (const char* key : {"eos_token_id", "eot_token_id", "eom_token_id"})
    if (const auto id = keys.id(key); id && text.tokenizer.contains(*id)) add_end_token(text.end_tokens, id);
  add_turn_ends(text);
  return text;
}

}  // namespace

ModelText load_text(const fs::path& path) {
  const auto gguf = formats::gguf_file_of(path);
  return gguf ? text_of_gguf(*gguf) : text_of_directory(path);
}

}  // namespace maru::infer
