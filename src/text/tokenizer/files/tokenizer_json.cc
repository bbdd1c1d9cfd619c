#include "text/tokenizer/files/tokenizer_json.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/tokenizer_json_parts.h"

namespace maru::text {
namespace {

AddedToken read_added_token(const JsonNode& node) {
  AddedToken token;
  token.id = token_id(node["id"]);
  token.content = node["content"].string();
  token.special = node["special"].boolean(false);
  token.normalized = node["normalized"].boolean(true);
  token.single_word = node["single_word"].boolean(false);
  token.lstrip = node["lstrip"].boolean(false);
  token.rstrip = node["rstrip"].boolean(false);
  if (token.content.empty() || token.content.size() > 1024) node["content"].fail("1 to 1024 bytes");
  return token;
}

class AddedTokenReader {
 public:
  explicit AddedTokenReader(TokenizerSpec& spec) : spec_(spec) {
    for (const auto& [id, token] : spec.vocabulary) {
      content_of_.emplace(id, token);
      id_of_.emplace(token, id);
    }
  }

  void read(const JsonNode& list) {
    const size_t limit = 2 * (content_of_.size() + list.size()) + 65536;
    for (size_t i = 0; i < list.size(); ++i) {
      AddedToken token = read_added_token(list.at(i));
      if (static_cast<size_t>(token.id) >= limit) list.at(i)["id"].fail("an id below " + std::to_string(limit));
      check(list.at(i), token);
      spec_.added_tokens.push_back(std::move(token));
    }
  }

 private:
  void check(const JsonNode& node, const AddedToken& token) {
    if (!seen_.insert(token.content).second) node["content"].fail("a token that is not in the list already");
    const auto inside = id_of_.find(token.content);
    if (inside != id_of_.end() && inside->second != token.id)
      node["id"].fail(std::to_string(inside->second) + ", the id of this token in model.vocab");
    const auto [it, fresh] = content_of_.emplace(token.id, token.content);
    if (!fresh && it->second != token.content) node["id"].fail("an id of its own (\"" + it->second + "\" has it)");
  }
  TokenizerSpec& spec_;
  std::unordered_map<int32_t, std::string> content_of_;
  std::unordered_map<std::string, int32_t> id_of_;
  std::unordered_set<std::string> seen_;
};

std::optional<Truncation> read_truncation(const JsonNode& node) {
  if (node.is_null()) return std::nullopt;
  const Truncation usual;
  return Truncation{node["max_length"].count(usual.max_length), node["stride"].count(usual.stride),
                    node["strategy"].string(usual.strategy), node["direction"].string(usual.direction)};
}

std::optional<Padding> read_padding(const JsonNode& node) {
  if (node.is_null()) return std::nullopt;
  Padding padding;
  const JsonNode strategy = node["strategy"], multiple = node["pad_to_multiple_of"];
  if (strategy.is_object()) padding.fixed_length = strategy["Fixed"].count(0);
  if (!multiple.is_null()) padding.pad_to_multiple_of = multiple.count(0);
  padding.direction = node["direction"].string(padding.direction);
  padding.pad_token = node["pad_token"].string(padding.pad_token);
  padding.pad_id = node["pad_id"].is_null() ? 0 : token_id(node["pad_id"]);
  padding.pad_type_id = static_cast<uint32_t>(node["pad_type_id"].count(0));
  return padding;
}

constexpr JsonLimits kTokenizerJson{.max_depth = 64};

TokenizerSpec read_spec(std::string_view text, const std::string& name) {
  const Json json = parse_json(text, name, kTokenizerJson).value();
  const JsonNode root(json, name);
  if (root["version"].string() != "1.0") root["version"].unsupported("version " + root["version"].string());
  TokenizerSpec spec;
  spec.truncation = read_truncation(root["truncation"]);
  spec.padding = read_padding(root["padding"]);
  spec.normalizer = read_normalizer(root["normalizer"]);
  const JsonNode added = root["added_tokens"];
  read_model(root["model"], added.is_null() ? 0 : added.size(), spec);
  spec.pre_tokenizer = read_pre_tokenizer(root["pre_tokenizer"]);
  if (!added.is_null()) AddedTokenReader(spec).read(added);
  spec.post_processor = read_post_processor(root["post_processor"]);
  spec.decoder = read_decoder(root["decoder"]);
  find_byte_level(spec);
  return spec;
}

bool steps_are_byte_level(const TokenizerSpec& spec) {
  const auto& split = spec.pre_tokenizer.steps;
  const auto bytes = [](const PreTokenizerStep& step) {
    return std::holds_alternative<pre_tokenizers::ByteLevel>(step);
  };
  const auto rewrites = [](const PreTokenizerStep& step) {
    return std::holds_alternative<pre_tokenizers::Metaspace>(step);
  };
  if (split.empty() || !bytes(split.back()) || std::count_if(split.begin(), split.end(), bytes) != 1) return false;
  if (std::any_of(split.begin(), split.end(), rewrites)) return false;
  const bool decodes = spec.decoder.steps.size() == 1 && find_step<decoders::ByteLevel>(spec.decoder) != nullptr;
  return decodes && find_step<normalizers::ByteLevel>(spec.normalizer) == nullptr;
}

}  // namespace

int32_t token_id(const JsonNode& node) {
  const Json& json = node.json();
  if (!json.is_number_integer() || json < 0 || json > INT32_MAX) node.fail("a token id");
  return json.get<int32_t>();
}

void find_byte_level(TokenizerSpec& spec) {
  const auto* bpe = std::get_if<BpeSpec>(&spec.model);
  if (bpe == nullptr || !bpe->continuing_subword_prefix.value_or("").empty() ||
      !bpe->end_of_word_suffix.value_or("").empty() || !steps_are_byte_level(spec))
    return;
  std::unordered_set<int32_t> added;
  for (const AddedToken& token : spec.added_tokens) added.insert(token.id);
  const ByteAlphabet alphabet;
  std::vector<std::optional<std::string>> as_bytes;
  std::array<bool, 256> seen{};
  for (const auto& [id, token] : spec.vocabulary) {
    as_bytes.push_back(alphabet.to_bytes(token));
    if (!as_bytes.back() && !added.contains(id)) return;
    if (as_bytes.back() && as_bytes.back()->size() == 1) seen[static_cast<uint8_t>((*as_bytes.back())[0])] = true;
  }
  if (std::count(seen.begin(), seen.end(), true) != 256) return;
  for (size_t i = 0; i < as_bytes.size(); ++i)
    if (as_bytes[i] && !added.contains(spec.vocabulary[i].first)) spec.vocabulary[i].second = std::move(*as_bytes[i]);
  spec.byte_level = true;
}

Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view name) {
  try {
    return read_spec(text, std::string(name));
  } catch (const Failure& failure) {
    return failure.error();
  }
}

}  // namespace maru::text
