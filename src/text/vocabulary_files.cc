#include "text/vocabulary_files.h"

#include <algorithm>
#include <charconv>

#include "base/json.h"
#include "text/base64.h"
#include "text/scanner.h"
#include "text/sentencepiece.h"
#include "text/spelled_merges.h"
#include "text/split_patterns.h"
#include "text/tokenizer_json.h"
#include "text/tokenizer_json_parts.h"

namespace maru::text {
namespace {

constexpr uint64_t kMaxFileBytes = uint64_t{1} << 30;

/// Calls f(line, number) for each line, without its end.
template <class F>
void each_line(std::string_view text, const F& f) {
  for (int64_t number = 1; !text.empty(); ++number) {
    const size_t end = std::min(text.find('\n'), text.size());
    std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    f(line, number);
  }
}

[[noreturn]] void fail_at(std::string_view name, int64_t line, const std::string& what) {
  throw Failure(ErrorCode::kInvalidArgument, std::string(name) + ":" + std::to_string(line) + ": " + what);
}

std::optional<int32_t> number_of(std::string_view text) {
  int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  const bool whole = error == std::errc() && end == text.data() + text.size() && value >= 0;
  return whole ? std::optional(value) : std::nullopt;
}

MergeableToken tiktoken_line(std::string_view line, std::string_view name, int64_t number) {
  const size_t space = std::min(line.find(' '), line.size());
  const auto bytes = from_base64(line.substr(0, space));
  const auto rank = space < line.size() ? number_of(line.substr(space + 1)) : std::nullopt;
  if (!bytes || bytes->empty() || !rank) fail_at(name, number, "expected base64, a space and a rank");
  return {*rank, *bytes, static_cast<double>(*rank)};
}

TokenizerSpec read_tiktoken(std::string_view text, std::string_view name, const TiktokenOptions& options) {
  TokenizerSpec spec = byte_level_spec({options.pattern});
  std::vector<MergeableToken> tokens;
  each_line(text, [&](std::string_view line, int64_t number) {
    if (!line.empty()) tokens.push_back(tiktoken_line(line, name, number));
  });
  for (const MergeableToken& token : tokens) spec.vocabulary.emplace_back(token.id, token.bytes);
  std::sort(spec.vocabulary.begin(), spec.vocabulary.end());
  BpeSpec model;
  model.ignore_merges = true;
  spell_merges(std::move(tokens), model);
  spec.model = std::move(model);
  for (const auto& [content, id] : options.special_tokens)
    spec.added_tokens.push_back({.id = id, .content = content, .special = true});
  return spec;
}

TokenizerSpec read_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt, const std::string& name,
                                    const std::vector<std::string>& patterns, bool nfc) {
  TokenizerSpec spec = byte_level_spec(patterns, patterns.empty());
  spec.byte_level = false;  // until the vocabulary's spelling is looked at
  if (nfc) spec.normalizer.steps = {normalizers::Unicode{}};
  Json model{{"type", "BPE"}, {"merges", Json::array()}};
  model["vocab"] = parse_json(vocab_json, name).value();
  each_line(merges_txt, [&](std::string_view line, int64_t) {
    if (!line.empty() && !line.starts_with("#version")) model["merges"].push_back(std::string(line));
  });
  read_model(Node(model, name + ": "), 4096, spec);
  return spec;
}

TokenizerSpec read_bert_vocabulary(std::string_view vocab_txt, std::string_view name, const BertOptions& options) {
  TokenizerSpec spec;
  each_line(vocab_txt, [&](std::string_view line, int64_t number) {
    spec.vocabulary.emplace_back(static_cast<int32_t>(number - 1), std::string(line));
  });
  const auto id_of = [&](std::string_view token) {
    const auto it = std::find_if(spec.vocabulary.begin(), spec.vocabulary.end(),
                                 [&](const auto& entry) { return entry.second == token; });
    if (it == spec.vocabulary.end())
      throw Failure(ErrorCode::kInvalidArgument, std::string(name) + ": expected the token " + std::string(token));
    return it->first;
  };
  for (const char* token : {"[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"})
    spec.added_tokens.push_back({.id = id_of(token), .content = token, .special = true});
  spec.model = WordPieceSpec{};
  spec.normalizer.steps = {
      normalizers::Bert{true, options.handle_chinese_chars, options.strip_accents, options.lowercase}};
  spec.pre_tokenizer.steps = {pre_tokenizers::Bert{}};
  spec.post_processor.steps = {post_processors::Bert{{"[SEP]", id_of("[SEP]")}, {"[CLS]", id_of("[CLS]")}}};
  spec.decoder.steps = {decoders::WordPiece{}};
  return spec;
}

template <class F>
Result<TokenizerSpec> caught(const F& f) {
  try {
    return f();
  } catch (const Failure& failure) {
    return failure.error();
  }
}

// ---- directories

/// tokenizer_config.json beside the vocabulary; an empty object if there is none.
class Config {
 public:
  explicit Config(const fs::path& folder) : json_(Json::object()) {
    const fs::path path = folder / "tokenizer_config.json";
    if (!fs::exists(path)) return;
    json_ = read_json(path);
    if (!json_.is_object()) throw Failure(ErrorCode::kInvalidArgument, path.string() + ": expected an object");
  }
  bool flag(const char* key, bool otherwise) const {
    const auto it = json_.find(key);
    return it != json_.end() && it->is_boolean() ? it->get<bool>() : otherwise;
  }
  std::optional<bool> optional_flag(const char* key) const {
    const auto it = json_.find(key);
    return it != json_.end() && it->is_boolean() ? std::optional(it->get<bool>()) : std::nullopt;
  }
  /// "Qwen2" for Qwen2Tokenizer and Qwen2TokenizerFast.
  std::string family() const {
    const auto it = json_.find("tokenizer_class");
    std::string name = it != json_.end() && it->is_string() ? it->get<std::string>() : "";
    if (name.ends_with("Fast")) name.resize(name.size() - 4);
    if (name.ends_with("Tokenizer")) name.resize(name.size() - 9);
    return name;
  }
  /// Appends the tokens of added_tokens_decoder that are not there yet.
  void add_tokens(TokenizerSpec& spec) const {
    const auto it = json_.find("added_tokens_decoder");
    if (it == json_.end() || !it->is_object()) return;
    for (const auto& [key, value] : it->items()) {
      const auto id = number_of(key);
      const auto content = value.is_object() ? value.find("content") : value.end();
      if (!id || !value.is_object() || content == value.end() || !content->is_string())
        throw Failure(ErrorCode::kInvalidArgument, "tokenizer_config.json: added_tokens_decoder." + key +
                                                       ": expected an id and an object with a content");
      const auto flag = [&](const char* name) {
        const auto found = value.find(name);
        return found != value.end() && found->is_boolean() && found->get<bool>();
      };
      const auto same = [&](const AddedToken& token) { return token.id == *id; };
      if (std::any_of(spec.added_tokens.begin(), spec.added_tokens.end(), same)) continue;
      spec.added_tokens.push_back({*id, content->get<std::string>(), flag("special"), flag("normalized"),
                                   flag("single_word"), flag("lstrip"), flag("rstrip")});
    }
  }

 private:
  Json json_;
};

std::string read(const fs::path& path) { return read_file(path, kMaxFileBytes); }

TiktokenOptions llama3_options(std::string_view text) {
  const auto lines = static_cast<int32_t>(std::count(text.begin(), text.end(), '\n'));
  TiktokenOptions options{*pattern_of_tiktoken("llama3"), {}};
  const char* names[] = {"<|begin_of_text|>",
                         "<|end_of_text|>",
                         "<|reserved_special_token_0|>",
                         "<|reserved_special_token_1|>",
                         "<|finetune_right_pad_id|>",
                         "<|step_id|>",
                         "<|start_header_id|>",
                         "<|end_header_id|>",
                         "<|eom_id|>",
                         "<|eot_id|>",
                         "<|python_tag|>"};
  for (const char* name : names)
    options.special_tokens.emplace_back(name, lines + static_cast<int32_t>(options.special_tokens.size()));
  for (int i = 2; options.special_tokens.size() < 256; ++i)
    options.special_tokens.emplace_back("<|reserved_special_token_" + std::to_string(i) + "|>",
                                        lines + static_cast<int32_t>(options.special_tokens.size()));
  return options;
}

TiktokenOptions qwen_options(int32_t first) {
  TiktokenOptions options{*pattern_of_tiktoken("qwen"), {{"<|endoftext|>", first}, {"<|im_start|>", first + 1}}};
  options.special_tokens.emplace_back("<|im_end|>", first + 2);
  return options;
}

TokenizerSpec read_tiktoken_file(const fs::path& file, const std::string& text) {
  const std::string stem = file.stem().string();
  const auto lines = static_cast<int32_t>(std::count(text.begin(), text.end(), '\n'));
  if (stem == "qwen") return parse_tiktoken(text, file.string(), qwen_options(lines)).value();
  if (stem == "tokenizer" && lines >= 128'000) {
    TokenizerSpec spec = parse_tiktoken(text, file.string(), llama3_options(text)).value();
    const post_processors::SpecialToken bos{"<|begin_of_text|>", {lines}, {"<|begin_of_text|>"}};
    spec.post_processor.steps = {around({bos}, {})};
    return spec;
  }
  const auto pattern = pattern_of_tiktoken(stem);
  if (!pattern)
    throw Failure(ErrorCode::kUnimplemented, file.string() + ": a tiktoken file by this name is not known, expected " +
                                                 "r50k_base, p50k_base, cl100k_base, o200k_base, qwen or Llama 3's");
  return parse_tiktoken(text, file.string(), {*pattern, {}}).value();
}

TokenizerSpec read_sentencepiece_file(const fs::path& file, const std::string& bytes) {
  const Config config(file.parent_path());
  TokenizerSpec spec = parse_sentencepiece(bytes, file.string(),
                                           {config.flag("add_bos_token", config.family() == "Llama"),
                                            config.flag("add_eos_token", config.family() == "T5")})
                           .value();
  config.add_tokens(spec);
  return spec;
}

/// RoBERTa's <s> and </s> around a text.
void wrap_roberta(TokenizerSpec& spec) {
  const auto id_of = [&](const char* token) -> std::pair<std::string, int32_t> {
    for (const auto& [id, bytes] : spec.vocabulary)
      if (bytes == token) return {token, id};
    throw Failure(ErrorCode::kInvalidArgument, std::string("vocab.json: expected the token ") + token);
  };
  spec.post_processor.steps = {post_processors::Roberta{id_of("</s>"), id_of("<s>")}};
}

TokenizerSpec read_vocab_and_merges_directory(const fs::path& folder) {
  const Config config(folder);
  const std::string family = config.family();
  const bool roberta = family == "Roberta" || family == "Bart", qwen = family == "Qwen2";
  if (!qwen && !roberta && !family.empty() && family != "GPT2")
    throw Failure(ErrorCode::kUnimplemented,
                  folder.string() + ": vocab.json with merges.txt for a " + family +
                      "Tokenizer is not supported yet, expected Qwen2, GPT2, Roberta or Bart");
  const auto patterns = qwen ? std::vector<std::string>{std::string(kQwen2Pattern)} : std::vector<std::string>();
  TokenizerSpec spec = parse_vocab_and_merges(read(folder / "vocab.json"), read(folder / "merges.txt"),
                                              (folder / "vocab.json").string(), patterns, qwen)
                           .value();
  std::get<pre_tokenizers::ByteLevel>(spec.pre_tokenizer.steps.back()).add_prefix_space =
      config.flag("add_prefix_space", false);
  config.add_tokens(spec);
  if (roberta) wrap_roberta(spec);
  return spec;
}

TokenizerSpec read_bert_directory(const fs::path& folder) {
  const Config config(folder);
  const fs::path file = folder / "vocab.txt";
  TokenizerSpec spec =
      parse_bert_vocabulary(read(file), file.string(),
                            {config.flag("do_lower_case", true), config.flag("tokenize_chinese_chars", true),
                             config.optional_flag("strip_accents")})
          .value();
  config.add_tokens(spec);
  return spec;
}

TokenizerSpec read_any_file(const fs::path& file) {
  if (file.filename() == "vocab.txt") return read_bert_directory(file.parent_path());
  if (file.filename() == "vocab.json") return read_vocab_and_merges_directory(file.parent_path());
  const std::string bytes = read(file);
  if (file.extension() == ".tiktoken" || is_tiktoken(bytes)) return read_tiktoken_file(file, bytes);
  if (file.extension() == ".model") return read_sentencepiece_file(file, bytes);
  return parse_tokenizer_json(bytes, file.string()).value();
}

}  // namespace

bool is_tiktoken(std::string_view text) {
  const std::string_view line = text.substr(0, std::min(text.find('\n'), text.size()));
  const size_t space = line.find(' ');
  if (space == std::string_view::npos || space == 0 || line.size() > 4096) return false;
  return from_base64(line.substr(0, space)) && number_of(line.substr(space + 1, line.find('\r') - space - 1));
}

Result<TokenizerSpec> parse_tiktoken(std::string_view text, std::string_view name, const TiktokenOptions& options) {
  return caught([&] { return read_tiktoken(text, name, options); });
}

Result<TokenizerSpec> parse_vocab_and_merges(std::string_view vocab_json, std::string_view merges_txt,
                                             std::string_view name, const std::vector<std::string>& patterns,
                                             bool nfc) {
  return caught([&] {
    TokenizerSpec spec = read_vocab_and_merges(vocab_json, merges_txt, std::string(name), patterns, nfc);
    find_byte_level(spec);
    return spec;
  });
}

Result<TokenizerSpec> parse_bert_vocabulary(std::string_view vocab_txt, std::string_view name,
                                            const BertOptions& options) {
  return caught([&] { return read_bert_vocabulary(vocab_txt, name, options); });
}

TokenizerSpec read_tokenizer_spec(const fs::path& path) {
  if (!fs::is_directory(path)) return read_any_file(path);
  for (const char* name : {"tokenizer.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model",
                           "sentencepiece.model", "qwen.tiktoken"})
    if (fs::exists(path / name)) return read_any_file(path / name);
  if (fs::exists(path / "vocab.json") && fs::exists(path / "merges.txt")) return read_vocab_and_merges_directory(path);
  if (fs::exists(path / "vocab.txt")) return read_bert_directory(path);
  throw Failure(ErrorCode::kNotFound,
                path.string() + ": no tokenizer.json, tokenizer.model, vocab.json with " + "merges.txt, or vocab.txt");
}

}  // namespace maru::text
