#include "text/tokenizer/files/named_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>

#include "base/json.h"
#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/tokenizer_json.h"

namespace maru::text {
namespace {

constexpr std::array<const char*, 7> kRoles{"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};
constexpr std::array<const char*, 2> kLists{"additional_special_tokens", "extra_special_tokens"};

Json read_object(const fs::path& path) {
  if (!fs::exists(path)) return Json::object();
  Json json = read_json(path);
  if (!json.is_object()) throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected an object");
  return json;
}

std::optional<int32_t> id_in(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

bool flag_in(const Json& token, const char* name, bool otherwise) {
  const auto it = token.find(name);
  return it != token.end() && it->is_boolean() ? it->get<bool>() : otherwise;
}

/// Text, or an object with a content and flags. `usual` has what an object leaves open.
AddedToken token_in(const Json& json, AddedToken usual, const std::string& where) {
  const auto content = json.is_object() ? json.find("content") : json.end();
  const bool named = json.is_object() && content != json.end() && content->is_string();
  if (!json.is_string() && !named)
    throw Failure(ErrorCode::kInvalidArgument,
                  where + ": expected a token or an object with its content, got " + json.dump().substr(0, 80));
  if (json.is_string()) {
    usual.content = json.get<std::string>();
    return usual;
  }
  const bool special = flag_in(json, "special", usual.special);
  return {.id = usual.id,
          .content = content->get<std::string>(),
          .special = special,
          .normalized = flag_in(json, "normalized", !special),
          .single_word = flag_in(json, "single_word", false),
          .lstrip = flag_in(json, "lstrip", false),
          .rstrip = flag_in(json, "rstrip", false)};
}

/// What is known of each token while the files are read.
class Completion {
 public:
  explicit Completion(TokenizerSpec& spec)
      : spec_(spec), in_raw_text_(find_step<normalizers::SentencePiece>(spec.normalizer) != nullptr) {
    for (size_t i = 0; i < spec.vocabulary.size(); ++i) {
      by_spelling_.emplace(spec.vocabulary[i].second, i);
      by_id_.emplace(spec.vocabulary[i].first, i);
    }
    for (size_t i = 0; i < spec.added_tokens.size(); ++i) added_.emplace(spec.added_tokens[i].content, i);
  }

  /// A token with the id that a file gives it; the tokenizer's own id for the same spelling wins.
  void put(AddedToken token, const std::string& where) {
    token.normalized &= !in_raw_text_;
    if (const auto it = added_.find(token.content); it != added_.end()) {
      token.id = spec_.added_tokens[it->second].id;
      spec_.added_tokens[it->second] = std::move(token);
      return;
    }
    if (knows(token.id)) return;  // one of the tokenizer's list that the file renamed
    if (const auto place = in_vocabulary(token.content)) token.id = spec_.vocabulary[*place].first;
    const auto taken = by_id_.find(token.id);
    if (taken != by_id_.end() && in_vocabulary(token.content) != taken->second)
      throw Failure(ErrorCode::kInvalidArgument, where + ": \"" + token.content + "\" has the id " +
                                                     std::to_string(token.id) + ", which is that of \"" +
                                                     spec_.vocabulary[taken->second].second + "\" in the vocabulary");
    append(std::move(token));
  }

  /// A token that the vocabulary or the list should know already.
  void mark_special(AddedToken token, bool with_flags) {
    token.special = true;
    token.normalized &= !in_raw_text_;
    if (const auto it = added_.find(token.content); it != added_.end()) {
      AddedToken& known = spec_.added_tokens[it->second];
      token.id = known.id;
      if (with_flags)
        known = std::move(token);
      else if (!known.special)
        known.special = true, known.normalized = false;
      return;
    }
    const auto place = in_vocabulary(token.content);
    if (!place) return;
    token.id = spec_.vocabulary[*place].first;
    append(std::move(token));
  }

  bool knows(int32_t id) const {
    return std::any_of(spec_.added_tokens.begin(), spec_.added_tokens.end(),
                       [&](const AddedToken& token) { return token.id == id; });
  }

 private:
  /// Its place there, spelled as the file spells it.
  std::optional<size_t> in_vocabulary(const std::string& content) const {
    const auto it = by_spelling_.find(spec_.byte_level ? alphabet_.to_bytes(content).value_or(content) : content);
    return it == by_spelling_.end() ? std::nullopt : std::optional(it->second);
  }
  void append(AddedToken token) {
    if (const auto place = in_vocabulary(token.content)) spec_.vocabulary[*place].second = token.content;
    added_.emplace(token.content, spec_.added_tokens.size());
    spec_.added_tokens.push_back(std::move(token));
  }

  const ByteAlphabet alphabet_;
  TokenizerSpec& spec_;
  bool in_raw_text_;  // SentencePiece's own tokens never see the normalised text
  std::unordered_map<std::string, size_t> by_spelling_, added_;
  std::unordered_map<int32_t, size_t> by_id_;
};

void read_decoder_list(const Json& list, const std::string& where, Completion& to) {
  if (!list.is_object())
    throw Failure(ErrorCode::kInvalidArgument, where + ": expected an object, got " + list.dump().substr(0, 80));
  for (const auto& [key, value] : list.items()) {
    const auto id = id_in(key);
    if (!id || !value.is_object())
      throw Failure(ErrorCode::kInvalidArgument, where + "." + key + ": expected an id and an object with a content");
    to.put(token_in(value, {.id = *id, .content = "", .special = false}, where + "." + key), where + "." + key);
  }
}

void read_added_tokens(const fs::path& path, Completion& to) {
  const Json list = read_object(path);
  for (const auto& [content, value] : list.items()) {
    const std::string where = path.string() + ": \"" + content + "\"";
    const auto id = value.is_number_integer() ? id_in(value.dump()) : std::nullopt;
    if (!id) throw Failure(ErrorCode::kInvalidArgument, where + ": expected an id, got " + value.dump().substr(0, 80));
    to.put({.id = *id, .content = content, .special = false, .normalized = true}, where);
  }
}

/// The tokens that a file says are special: those with a role, and those in its lists.
void mark_named(const Json& config, const std::string& where, Completion& to) {
  const AddedToken usual{.id = 0, .content = "", .special = true};
  const auto mark = [&](const Json& json, const std::string& place) {
    if (json.is_null()) return;
    const AddedToken token = token_in(json, usual, place);
    if (!token.content.empty()) to.mark_special(token, json.is_object());
  };
  for (const char* key : kRoles)
    if (config.contains(key)) mark(config[key], where + ": " + key);
  for (const char* key : kLists) {
    if (!config.contains(key)) continue;
    if (config[key].is_string()) mark(config[key], where + ": " + key);
    if (config[key].is_structured())
      for (const auto& [name, value] : config[key].items()) mark(value, where + ": " + key + "." + name);
  }
}

}  // namespace

void add_named_tokens(const fs::path& folder, TokenizerSpec& spec) {
  const fs::path config_path = folder / "tokenizer_config.json", map_path = folder / "special_tokens_map.json";
  const Json config = read_object(config_path);
  Completion completion(spec);
  const auto decoder = config.find("added_tokens_decoder");
  if (decoder != config.end() && !decoder->is_null())
    read_decoder_list(*decoder, config_path.string() + ": added_tokens_decoder", completion);
  else
    read_added_tokens(folder / "added_tokens.json", completion);
  mark_named(read_object(map_path), map_path.string(), completion);
  mark_named(config, config_path.string(), completion);
  if (!spec.byte_level) find_byte_level(spec);
}

}  // namespace maru::text
