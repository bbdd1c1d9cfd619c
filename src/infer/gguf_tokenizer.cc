#include "infer/gguf_tokenizer.h"

#include <fmt/format.h>

#include <array>
#include <map>

#include "base/json.h"

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

const Json kNothing = nullptr;

const Json& at(const Json& json, const char* key) {
  if (!json.is_object()) return kNothing;
  const auto it = json.find(key);
  return it == json.end() ? kNothing : *it;
}

std::string text_at(const Json& json, const char* key) {
  const Json& value = at(json, key);
  return value.is_string() ? value.get<std::string>() : "";
}

bool flag_at(const Json& json, const char* key, bool otherwise = false) {
  const Json& value = at(json, key);
  return value.is_boolean() ? value.get<bool>() : otherwise;
}

/// The steps of a normalizer, pre_tokenizer or decoder, sequences laid out flat.
std::vector<Json> steps_of(const Json& json) {
  if (!json.is_object()) return {};
  if (text_at(json, "type") != "Sequence") return {json};
  std::vector<Json> all;
  for (const char* key : {"normalizers", "pretokenizers", "decoders", "processors"})
    if (const Json& list = at(json, key); list.is_array())
      for (const Json& step : list)
        for (const Json& inner : steps_of(step)) all.push_back(inner);
  return all;
}

bool has_step(const Json& json, std::string_view type) {
  for (const Json& step : steps_of(json))
    if (text_at(step, "type") == type) return true;
  return false;
}

// Which of llama.cpp's splits this is, or nothing.
std::string pre_of(const Json& tokenizer) {
  for (const Json& step : steps_of(at(tokenizer, "normalizer")))
    if (text_at(step, "type") != "NFC") return "";
  std::string pattern, kinds;
  bool gpt2 = false;
  for (const Json& step : steps_of(at(tokenizer, "pre_tokenizer"))) {
    kinds += text_at(step, "type") + " ";
    if (text_at(step, "type") == "Split") pattern = text_at(at(step, "pattern"), "Regex");
    if (text_at(step, "type") == "ByteLevel") gpt2 = flag_at(step, "use_regex", true);
    if (flag_at(step, "add_prefix_space") || flag_at(step, "invert")) return "";
  }
  if (kinds == "ByteLevel " && gpt2) return "gpt-2";
  if (kinds == "Digits ByteLevel " && gpt2) return "starcoder";
  if (kinds != "Split ByteLevel " || gpt2) return "";
  const bool ignore_merges = flag_at(at(tokenizer, "model"), "ignore_merges");
  for (const Split& split : kSplits)
    if (split.pattern == pattern && (split.pre == "llama-bpe") == ignore_merges) return std::string(split.pre);
  return pattern == kSplits[0].pattern ? "dbrx" : "";  // Llama 3's split, but merges are always followed
}

/// The tokens by id, and what each is.
class Vocabulary {
 public:
  explicit Vocabulary(const TokenizerSource& source) : types_(static_cast<size_t>(source.vocab_size), kUnused) {
    for (size_t i = 0; i < types_.size(); ++i) tokens_.push_back(fmt::format("[PAD{}]", i));
    const Json& vocab = at(at(source.tokenizer, "model"), "vocab");
    if (!vocab.is_object()) fail("model.vocab: expected an object");
    for (const auto& item : vocab.items()) add(item.key(), item.value(), kNormal);
    const std::string unknown = text_at(at(source.tokenizer, "model"), "unk_token");
    for (const Json& token : at(source.tokenizer, "added_tokens"))
      add(text_at(token, "content"), at(token, "id"), flag_at(token, "special") ? kControl : kUserDefined);
    if (const auto it = ids_.find(unknown); it != ids_.end()) types_[static_cast<size_t>(it->second)] = kUnknown;
  }

  const std::vector<std::string>& tokens() const { return tokens_; }
  std::vector<int32_t>& types() { return types_; }
  const std::map<std::string, int32_t>& ids() const { return ids_; }

 private:
  [[noreturn]] static void fail(const std::string& message) {
    throw Failure(ErrorCode::kInvalidArgument, "tokenizer.json: " + message);
  }
  void add(const std::string& token, const Json& id, TokenType type) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() >= types_.size())
      fail(fmt::format("token \"{}\" has id {}, expected one below the model's {}", token, id.dump(), types_.size()));
    const auto i = id.get<size_t>();
    tokens_[i] = token;
    types_[i] = type;
    ids_[token] = static_cast<int32_t>(i);
  }
  std::vector<std::string> tokens_;
  std::vector<int32_t> types_;
  std::map<std::string, int32_t> ids_;
};

// "a b", or ["a", "b"] as newer files have it.
std::vector<std::string> merges_of(const Json& tokenizer) {
  std::vector<std::string> all;
  for (const Json& merge : at(at(tokenizer, "model"), "merges")) {
    const bool pair = merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string();
    if (!pair && !merge.is_string())
      throw Failure(ErrorCode::kInvalidArgument, "tokenizer.json: model.merges: expected pairs of strings");
    all.push_back(pair ? merge[0].get<std::string>() + " " + merge[1].get<std::string>() : merge.get<std::string>());
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
bool adds_prefix_space(const Json& tokenizer) {
  for (const Json& step : steps_of(at(tokenizer, "pre_tokenizer")))
    if (text_at(step, "type") == "Metaspace") return text_at(step, "prepend_scheme") != "never";
  return has_step(at(tokenizer, "normalizer"), "Prepend");
}

/// A special token of tokenizer_config.json: text, or an object with it.
std::string named_token(const Json& config, const char* key) {
  const Json& value = at(config, key);
  return value.is_string() ? value.get<std::string>() : text_at(value, "content");
}

// What the post-processor puts before (or behind) a text.
bool template_has(const Json& tokenizer, const std::string& token, bool first) {
  for (const Json& step : steps_of(at(tokenizer, "post_processor"))) {
    const Json& single = at(step, "single");
    if (text_at(step, "type") != "TemplateProcessing" || !single.is_array() || single.empty()) continue;
    if (text_at(at(first ? single.front() : single.back(), "SpecialToken"), "id") == token) return true;
  }
  return false;
}

void put_special_tokens(formats::GgufWriter& writer, const TokenizerSource& source, const Vocabulary& vocabulary) {
  struct Part {
    const char *key, *gguf;
  };
  constexpr std::array<Part, 4> kParts{{{"bos_token", "tokenizer.ggml.bos_token_id"},
                                        {"eos_token", "tokenizer.ggml.eos_token_id"},
                                        {"unk_token", "tokenizer.ggml.unknown_token_id"},
                                        {"pad_token", "tokenizer.ggml.padding_token_id"}}};
  for (const Part& part : kParts)
    if (const auto it = vocabulary.ids().find(named_token(source.config, part.key)); it != vocabulary.ids().end())
      writer.set(part.gguf, static_cast<uint32_t>(it->second));
  const std::string bos = named_token(source.config, "bos_token"), eos = named_token(source.config, "eos_token");
  writer.set("tokenizer.ggml.add_bos_token", !bos.empty() && template_has(source.tokenizer, bos, true));
  writer.set("tokenizer.ggml.add_eos_token", !eos.empty() && template_has(source.tokenizer, eos, false));
}

void find_nearest(const TokenizerSource& source, const ByteLevelTokens& tokens, TokenizerExport& result) {
  result.pre = "default", result.exact = false;
  if (!source.nearest_split) return;
  result.trial = source.nearest_split(tokens);
  result.pre = result.trial->pre, result.exact = result.trial->differing == 0;
}

}  // namespace

TokenizerExport put_tokenizer(formats::GgufWriter& writer, const TokenizerSource& source) {
  const Json& model = at(source.tokenizer, "model");
  if (const std::string type = text_at(model, "type"); !type.empty() && type != "BPE")
    throw Failure(ErrorCode::kUnimplemented, "tokenizer.json: a " + type + " model cannot be exported to GGUF");
  const bool fallback = flag_at(model, "byte_fallback");
  if (!fallback && !has_step(at(source.tokenizer, "pre_tokenizer"), "ByteLevel"))
    throw Failure(ErrorCode::kUnimplemented,
                  "tokenizer.json: only byte-level BPE and BPE with byte fallback can be exported to GGUF");
  Vocabulary vocabulary(source);
  const std::vector<std::string> merges = merges_of(source.tokenizer);
  TokenizerExport result{.model = fallback ? "llama" : "gpt2", .pre = fallback ? "default" : pre_of(source.tokenizer)};
  const bool known = !result.pre.empty();
  if (!known) find_nearest(source, {vocabulary.tokens(), merges, vocabulary.types()}, result);
  writer.set("tokenizer.ggml.model", result.model);
  writer.set("tokenizer.ggml.pre", result.pre);
  if (fallback) mark_bytes(vocabulary);
  writer.set("tokenizer.ggml.tokens", vocabulary.tokens());
  if (fallback) writer.set("tokenizer.ggml.scores", scores_of(vocabulary, merges));
  writer.set("tokenizer.ggml.token_type", vocabulary.types());
  if (fallback)
    writer.set("tokenizer.ggml.add_space_prefix", adds_prefix_space(source.tokenizer));
  else
    writer.set("tokenizer.ggml.merges", merges);
  put_special_tokens(writer, source, vocabulary);
  if (!source.chat_template.empty()) writer.set("tokenizer.chat_template", source.chat_template);
  if (!known) writer.set("tokenizer.huggingface.json", source.tokenizer.dump());
  return result;
}

}  // namespace maru::infer
