#include "infer/gguf_tokenizer.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "base/json_node.h"
#include "text/tokenizer/files/named_tokens.h"

namespace maru::infer {
namespace {

enum TokenType : int32_t { kNormal = 1, kUnknown = 2, kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6 };

struct Split {
  std::string_view pattern, pre;
};

// Patterns of tokenizer.json for which llama.cpp has the same split.
constexpr std::array<Split, 2> kSplits{
    {{R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      "llama-bpe"},
     {R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)",
      "qwen2"}}};

/// The steps of a normalizer, pre_tokenizer or decoder, sequences laid out flat.
std::vector<JsonNode> steps_of(const JsonNode& node) {
  if (node.is_null()) return {};
  if (node["type"].string() != "Sequence") return {node};
  std::vector<JsonNode> all;
  for (const char* key : {"normalizers", "pretokenizers", "decoders", "processors"})
    if (const JsonNode list = node[key]; !list.is_null())
      for (const JsonNode& step : list.elements())
        for (const JsonNode& inner : steps_of(step)) all.push_back(inner);
  return all;
}

bool has_step(const JsonNode& node, std::string_view type) {
  for (const JsonNode& step : steps_of(node))
    if (step["type"].string() == type) return true;
  return false;
}

// Which of llama.cpp's splits this is, or nothing.
std::string pre_of(const JsonNode& tokenizer) {
  for (const JsonNode& step : steps_of(tokenizer["normalizer"]))
    if (step["type"].string() != "NFC") return "";
  std::string pattern, kinds;
  bool gpt2 = false;
  for (const JsonNode& step : steps_of(tokenizer["pre_tokenizer"])) {
    const std::string& type = step["type"].string();
    kinds += type + " ";
    if (type == "Split" && step["pattern"].is_object()) pattern = step["pattern"]["Regex"].string("");
    if (type == "ByteLevel") gpt2 = step["use_regex"].boolean(true);
    if (step["add_prefix_space"].boolean(false) || step["invert"].boolean(false)) return "";
  }
  if (kinds == "ByteLevel " && gpt2) return "gpt-2";
  if (kinds == "Digits ByteLevel " && gpt2) return "starcoder";
  if (kinds != "Split ByteLevel " || gpt2) return "";
  const bool ignore_merges = tokenizer["model"]["ignore_merges"].boolean(false);
  for (const Split& split : kSplits)
    if (split.pattern == pattern && (split.pre == "llama-bpe") == ignore_merges) return std::string(split.pre);
  return pattern == kSplits[0].pattern ? "dbrx" : "";  // Llama 3's split, but merges are always followed
}

/// The tokens by id, and what each is.
class Vocabulary {
 public:
  Vocabulary(const JsonNode& tokenizer, int64_t vocab_size) : types_(static_cast<size_t>(vocab_size), kUnused) {
    for (size_t i = 0; i < types_.size(); ++i) tokens_.push_back(fmt::format("[PAD{}]", i));
    for (const auto& [token, id] : tokenizer["model"]["vocab"].members()) add(token, id, kNormal);
    const std::string unknown = tokenizer["model"]["unk_token"].string("");
    if (const JsonNode added = tokenizer["added_tokens"]; !added.is_null())
      for (const JsonNode& token : added.elements())
        add(token["content"].string(), token["id"], token["special"].boolean(false) ? kControl : kUserDefined);
    if (const auto it = ids_.find(unknown); it != ids_.end()) types_[static_cast<size_t>(it->second)] = kUnknown;
  }

  const std::vector<std::string>& tokens() const { return tokens_; }
  std::vector<int32_t>& types() { return types_; }
  const std::map<std::string, int32_t>& ids() const { return ids_; }

 private:
  void add(const std::string& token, const JsonNode& id, TokenType type) {
    const uint64_t i = id.count();
    if (i >= types_.size()) id.fail(fmt::format("an id below the model's {} for \"{}\"", types_.size(), token));
    tokens_[i] = token;
    types_[i] = type;
    ids_[token] = static_cast<int32_t>(i);
  }
  std::vector<std::string> tokens_;
  std::vector<int32_t> types_;
  std::map<std::string, int32_t> ids_;
};

// "a b", or ["a", "b"] as newer files have it.
std::vector<std::string> merges_of(const JsonNode& merges) {
  std::vector<std::string> all;
  for (size_t i = 0; !merges.is_null() && i < merges.size(); ++i) {
    const JsonNode merge = merges.at(i);
    const bool pair = merge.is_array() && merge.size() == 2;
    all.push_back(pair ? merge.at(0).string() + " " + merge.at(1).string() : merge.string());
  }
  return all;
}

// llama.cpp joins the neighbours whose union has the highest score: the better a merge, the higher.
std::vector<float> scores_of(const Vocabulary& vocabulary, const std::vector<std::string>& merges) {
  std::vector<float> scores(vocabulary.tokens().size(), -static_cast<float>(merges.size()) - 1);
  for (size_t i = merges.size(); i-- > 0;) {
    std::string joined = merges[i];
    joined.erase(joined.find(' '), 1);
    if (const auto it = vocabulary.ids().find(joined); it != vocabulary.ids().end())
      scores[static_cast<size_t>(it->second)] = -static_cast<float>(i);
  }
  return scores;
}

void mark_bytes(Vocabulary& vocabulary) {
  for (int byte = 0; byte < 256; ++byte)
    if (const auto it = vocabulary.ids().find(fmt::format("<0x{:02X}>", byte)); it != vocabulary.ids().end())
      vocabulary.types()[static_cast<size_t>(it->second)] = kByte;
}

// Whether a text is given a space in front, so that its first word is like any other.
bool adds_prefix_space(const JsonNode& tokenizer) {
  for (const JsonNode& step : steps_of(tokenizer["pre_tokenizer"]))
    if (step["type"].string() == "Metaspace") return step["prepend_scheme"].string("") != "never";
  return has_step(tokenizer["normalizer"], "Prepend");
}

// What the post-processor puts before (or behind) a text.
bool template_has(const JsonNode& tokenizer, const std::string& token, bool first) {
  for (const JsonNode& step : steps_of(tokenizer["post_processor"])) {
    const JsonNode single = step["single"];
    if (step["type"].string() != "TemplateProcessing" || single.is_null() || single.size() == 0) continue;
    if (single.at(first ? 0 : single.size() - 1)["SpecialToken"]["id"].string("") == token) return true;
  }
  return false;
}

void put_special_tokens(formats::GgufWriter& writer, const JsonNode& tokenizer, const JsonNode& config,
                        const Vocabulary& vocabulary) {
  struct Part {
    const char *key, *gguf;
  };
  constexpr std::array<Part, 4> kParts{{{"bos_token", "tokenizer.ggml.bos_token_id"},
                                        {"eos_token", "tokenizer.ggml.eos_token_id"},
                                        {"unk_token", "tokenizer.ggml.unknown_token_id"},
                                        {"pad_token", "tokenizer.ggml.padding_token_id"}}};
  for (const Part& part : kParts)
    if (const auto it = vocabulary.ids().find(text::token_content(config[part.key])); it != vocabulary.ids().end())
      writer.set(part.gguf, static_cast<uint32_t>(it->second));
  const std::string bos = text::token_content(config["bos_token"]), eos = text::token_content(config["eos_token"]);
  writer.set("tokenizer.ggml.add_bos_token", !bos.empty() && template_has(tokenizer, bos, true));
  writer.set("tokenizer.ggml.add_eos_token", !eos.empty() && template_has(tokenizer, eos, false));
}

void find_nearest(const TokenizerSource& source, const ByteLevelTokens& tokens, TokenizerExport& result) {
  result.pre = "default", result.exact = false;
  if (!source.nearest_split) return;
  result.trial = source.nearest_split(tokens);
  result.pre = result.trial->pre, result.exact = result.trial->differing == 0;
}

}  // namespace

TokenizerExport put_tokenizer(formats::GgufWriter& writer, const TokenizerSource& source) {
  const JsonNode tokenizer(source.tokenizer, "tokenizer.json"), config(source.config, "tokenizer_config.json");
  const JsonNode model = tokenizer["model"];
  if (const std::string type = model["type"].string("BPE"); type != "BPE")
    throw Failure(ErrorCode::kUnimplemented, "tokenizer.json: a " + type + " model cannot be exported to GGUF");
  const bool fallback = model["byte_fallback"].boolean(false);
  if (!fallback && !has_step(tokenizer["pre_tokenizer"], "ByteLevel"))
    throw Failure(ErrorCode::kUnimplemented,
                  "tokenizer.json: only byte-level BPE and BPE with byte fallback can be exported to GGUF");
  Vocabulary vocabulary(tokenizer, source.vocab_size);
  const std::vector<std::string> merges = merges_of(model["merges"]);
  TokenizerExport result{.model = fallback ? "llama" : "gpt2", .pre = fallback ? "default" : pre_of(tokenizer)};
  const bool known = !result.pre.empty();
  if (!known) find_nearest(source, {vocabulary.tokens(), merges, vocabulary.types()}, result);
  writer.set("tokenizer.ggml.model", result.model);
  writer.set("tokenizer.ggml.pre", result.pre);
  if (fallback) mark_bytes(vocabulary);
  writer.set("tokenizer.ggml.tokens", vocabulary.tokens());
  if (fallback) writer.set("tokenizer.ggml.scores", scores_of(vocabulary, merges));
  writer.set("tokenizer.ggml.token_type", vocabulary.types());
  if (fallback)
    writer.set("tokenizer.ggml.add_space_prefix", adds_prefix_space(tokenizer));
  else
    writer.set("tokenizer.ggml.merges", merges);
  put_special_tokens(writer, tokenizer, config, vocabulary);
  if (!source.chat_template.empty()) writer.set("tokenizer.chat_template", source.chat_template);
  if (!known) writer.set("tokenizer.huggingface.json", source.tokenizer.dump());
  return result;
}

}  // namespace maru::infer
