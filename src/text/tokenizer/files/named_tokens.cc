#include "text/tokenizer/files/named_tokens.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <string>
#include <unordered_map>

#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/tokenizer_json_parts.h"

namespace maru::text {
namespace {

constexpr std::array<const char*, 7> kRoles{"bos_token", "eos_token", "unk_token", "sep_token",
                                            "pad_token", "cls_token", "mask_token"};
constexpr std::array<const char*, 2> kLists{"additional_special_tokens", "extra_special_tokens"};

std::optional<int32_t> id_in(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

/// Text, or an object with a content and flags. `usual` has what an object leaves open.
AddedToken token_in(const JsonNode& node, AddedToken usual) {
  usual.content = token_content(node);
  if (!node.is_object()) return usual;
  const bool special = node["special"].boolean(usual.special);
  return {.id = usual.id,
          .content = std::move(usual.content),
          .special = special,
          .normalized = node["normalized"].boolean(!special),
          .single_word = node["single_word"].boolean(false),
          .lstrip = node["lstrip"].boolean(false),
          .rstrip = node["rstrip"].boolean(false)};
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
  void put(AddedToken token, const JsonNode& place) {
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
      place.refuse("\"" + token.content + "\" has the id " + std::to_string(token.id) + ", which is that of \"" +
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

void read_decoder_list(const JsonNode& list, Completion& to) {
  for (const auto& [key, token] : list.members()) {
    const auto id = id_in(key);
    if (!id || !token.is_object()) token.fail("an id and an object with a content");
    to.put(token_in(token, {.id = *id, .content = "", .special = false}), token);
  }
}

void read_added_tokens(const fs::path& path, Completion& to) {
  const JsonFile list = JsonFile::optional(path);
  for (const auto& [content, id] : list.root().members())
    to.put({.id = token_id(id), .content = content, .special = false, .normalized = true}, id);
}

void mark(const JsonNode& node, Completion& to) {
  if (node.is_null()) return;
  const AddedToken token = token_in(node, {.id = 0, .content = "", .special = true});
  if (!token.content.empty()) to.mark_special(token, node.is_object());
}

/// The tokens that a file says are special: those with a role, and those in its lists.
void mark_named(const JsonFile& config, Completion& to) {
  for (const char* key : kRoles) mark(config[key], to);
  for (const char* key : kLists) {
    const JsonNode list = config[key];
    if (list.is_string()) mark(list, to);
    if (list.is_array())
      for (const JsonNode& token : list.elements()) mark(token, to);
    if (list.is_object())
      for (const auto& [name, token] : list.members()) mark(token, to);
  }
}

}  // namespace

std::string token_content(const JsonNode& node) {
  if (node.is_null()) return "";
  if (node.is_string()) return node.string();
  if (!node.is_object() || !node["content"].is_string()) node.fail("a token or an object with its content");
  return node["content"].string();
}

void add_named_tokens(const fs::path& folder, TokenizerSpec& spec) {
  const JsonFile config = JsonFile::optional(folder / "tokenizer_config.json");
  const JsonFile map = JsonFile::optional(folder / "special_tokens_map.json");
  Completion completion(spec);
  if (const JsonNode decoder = config["added_tokens_decoder"]; !decoder.is_null())
    read_decoder_list(decoder, completion);
  else
    read_added_tokens(folder / "added_tokens.json", completion);
  mark_named(map, completion);
  mark_named(config, completion);
  if (!spec.byte_level) find_byte_level(spec);
}

}  // namespace maru::text
