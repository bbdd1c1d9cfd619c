// The writing half of tokenizer_json.h. Vocabulary and merges are written by hand: as a JSON value they would cost a
// hundred times the memory of the text.
#include <algorithm>
#include <unordered_set>

#include "base/json.h"
#include "text/byte_alphabet.h"
#include "text/tokenizer_json.h"
#include "text/unicode.h"

namespace maru::text {
namespace {

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"}, {"add_prefix_space", false}, {"trim_offsets", true}, {"use_regex", use_regex}};
}

Json added_tokens_json(const TokenizerSpec& spec) {
  std::vector<AddedToken> tokens = spec.added_tokens;
  std::sort(tokens.begin(), tokens.end(), [](const auto& a, const auto& b) { return a.id < b.id; });
  Json list = Json::array();
  for (const AddedToken& token : tokens)
    list.push_back({{"id", token.id},
                    {"content", token.content},
                    {"single_word", false},
                    {"lstrip", false},
                    {"rstrip", false},
                    {"normalized", token.normalized},
                    {"special", token.special}});
  return list;
}

Json pre_tokenizer_json(const TokenizerSpec& spec) {
  if (spec.split_patterns.empty()) return byte_level(spec.gpt2_split);
  Json list = Json::array();
  for (const std::string& pattern : spec.split_patterns)
    list.push_back({{"type", "Split"}, {"pattern", {{"Regex", pattern}}}, {"behavior", "Isolated"}, {"invert", false}});
  list.push_back(byte_level(spec.gpt2_split));
  return {{"type", "Sequence"}, {"pretokenizers", list}};
}

std::string content_of(const TokenizerSpec& spec, int32_t id) {
  for (const AddedToken& token : spec.added_tokens)
    if (token.id == id) return token.content;
  const auto it =
      std::find_if(spec.vocabulary.begin(), spec.vocabulary.end(), [&](const auto& t) { return t.first == id; });
  return it == spec.vocabulary.end() ? std::string() : ByteAlphabet().to_characters(it->second);
}

Json post_processor_json(const TokenizerSpec& spec) {
  if (spec.prefix.empty() && spec.suffix.empty()) return byte_level(true);
  Json single = Json::array(), tokens = Json::object();
  const auto add = [&](const std::vector<int32_t>& ids, Json& to) {
    for (const int32_t id : ids) {
      const std::string content = content_of(spec, id);
      to.push_back({{"SpecialToken", {{"id", content}, {"type_id", 0}}}});
      tokens[content] = {{"id", content}, {"ids", Json::array({id})}, {"tokens", Json::array({content})}};
    }
  };
  add(spec.prefix, single);
  single.push_back({{"Sequence", {{"id", "A"}, {"type_id", 0}}}});
  add(spec.suffix, single);
  Json pair = single;
  add(spec.prefix, pair);
  pair.push_back({{"Sequence", {{"id", "B"}, {"type_id", 1}}}});
  add(spec.suffix, pair);
  return {{"type", "TemplateProcessing"}, {"single", single}, {"pair", pair}, {"special_tokens", tokens}};
}

// Tokens in the file's spelling, by id; added tokens that no byte spells keep their content.
std::vector<std::string> spellings(const TokenizerSpec& spec) {
  const ByteAlphabet alphabet;
  int32_t last = -1;
  for (const auto& [id, bytes] : spec.vocabulary) last = std::max(last, id);
  std::vector<std::string> names(static_cast<size_t>(last + 1));
  for (const auto& [id, bytes] : spec.vocabulary) names[id] = alphabet.to_characters(bytes);
  for (const AddedToken& token : spec.added_tokens) names[token.id] = token.content;
  return names;
}

void append_vocabulary(const std::vector<std::string>& names, std::string& to) {
  to += "    \"vocab\": {";
  const char* separator = "\n";
  for (size_t id = 0; id < names.size(); ++id) {
    if (names[id].empty()) continue;
    to += separator + ("      " + Json(names[id]).dump()) + ": " + std::to_string(id);
    separator = ",\n";
  }
  to += "\n    },\n";
}

void append_merges(const TokenizerSpec& spec, const std::vector<std::string>& names, std::string& to) {
  to += "    \"merges\": [";
  const char* separator = "\n";
  for (const Merge& merge : spec.merges) {
    to += separator + ("      " + Json(names[merge.left] + " " + names[merge.right]).dump());
    separator = ",\n";
  }
  to += spec.merges.empty() ? "]\n" : "\n    ]\n";
}

}  // namespace

std::string write_tokenizer_json(const TokenizerSpec& spec) {
  const auto entry = [](const char* key, const Json& value) {
    std::string text = value.dump(2);
    for (size_t at = 0; (at = text.find('\n', at)) != std::string::npos; at += 3) text.replace(at, 1, "\n  ");
    return "  \"" + std::string(key) + "\": " + text + ",\n";
  };
  const std::vector<std::string> names = spellings(spec);
  std::string text = "{\n";
  text += entry("version", "1.0") + entry("truncation", nullptr) + entry("padding", nullptr);
  text += entry("added_tokens", added_tokens_json(spec));
  text += entry("normalizer", spec.normalizer == Normalizer::kNfc ? Json{{"type", "NFC"}} : Json(nullptr));
  text += entry("pre_tokenizer", pre_tokenizer_json(spec)) + entry("post_processor", post_processor_json(spec));
  text += entry("decoder", byte_level(true));
  text += "  \"model\": {\n    \"type\": \"BPE\",\n    \"dropout\": null,\n    \"unk_token\": null,\n";
  text += "    \"continuing_subword_prefix\": null,\n    \"end_of_word_suffix\": null,\n    \"fuse_unk\": false,\n";
  text += "    \"byte_fallback\": false,\n";
  text += std::string("    \"ignore_merges\": ") + (spec.ignore_merges ? "true" : "false") + ",\n";
  append_vocabulary(names, text);
  append_merges(spec, names, text);
  return text + "  }\n}\n";
}

}  // namespace maru::text
