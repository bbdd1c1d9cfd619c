#include "text/tokenizer/files/vocabulary_files.h"

#include <algorithm>
#include <charconv>

#include "base/base64.h"
#include "base/hash.h"
#include "base/json.h"
#include "text/tokenizer/files/named_tokens.h"
#include "text/tokenizer/files/sentencepiece.h"
#include "text/tokenizer/files/spelled_merges.h"
#include "text/tokenizer/files/split_patterns.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/tokenizer_json_parts.h"
#include "text/tokenizer/scanner.h"

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
  read_model(JsonNode(model, name), 4096, spec);
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

JsonFile config_beside(const fs::path& vocabulary) {
  return JsonFile::optional(vocabulary.parent_path() / "tokenizer_config.json");
}

/// "Qwen2" for Qwen2Tokenizer and Qwen2TokenizerFast.
std::string family_in(const JsonFile& config) {
  std::string name = config["tokenizer_class"].string("");
  if (name.ends_with("Fast")) name.resize(name.size() - 4);
  if (name.ends_with("Tokenizer")) name.resize(name.size() - 9);
  return name;
}

std::string read(const fs::path& path) { return read_file(path, kMaxFileBytes); }

/// "<|NAME_0|>", "<|NAME_1|>", …: `count` tokens more.
void add_numbered(const std::string& name, int32_t from, int32_t count, std::vector<std::string>& to) {
  for (int32_t i = from; i < from + count; ++i) to.push_back("<|" + name + "_" + std::to_string(i) + "|>");
}

std::vector<std::string> llama3_tokens() {
  std::vector<std::string> names{"<|begin_of_text|>",
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
  add_numbered("reserved_special_token", 2, 256 - static_cast<int32_t>(names.size()), names);
  return names;
}

std::vector<std::string> qwen_tokens() {
  std::vector<std::string> names{"<|endoftext|>", "<|im_start|>", "<|im_end|>"};
  add_numbered("extra", 0, 205, names);
  return names;
}

/// Ranks that are known wherever they come from: a file of ranks does not say how text is split, nor which special
/// tokens follow. `digest` is SHA-256 of the lines `base64 rank`.
struct KnownRanks {
  std::string_view digest, name;
};
constexpr KnownRanks kKnownRanks[] = {
    {"82e9d31979e92ab929cd544440f129d9ecd797b69e327f80f17e1c50d5551b55", "llama3"},
    {"b2b1b8dfb5cc5f024bafc373121c6aba3f66f9a5a0269e243470a1de16a33186", "qwen"},
    {"306cd27f03c1a714eca7108e03d66b7dc042abe8c258b44c199a7ed9838dd930", "r50k_base"},
    {"94b5ca7dff4d00767bc256fdd1b27e5b17361d7b8a5f968547f9f23eb70d2069", "p50k_base"},
    {"223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7", "cl100k_base"},
    {"446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d", "o200k_base"},
    {"d0bdbaf59b0762c8c807617e2d8ea51420eb1b1de266df2495be755c8e0ed6ed", "Llama 4"}};

const KnownRanks* known_ranks(std::string text) {
  std::erase(text, '\r');
  if (!text.ends_with('\n')) text += '\n';
  const std::string digest = sha256_hex(text);
  const auto* it = std::find_if(std::begin(kKnownRanks), std::end(kKnownRanks),
                                [&](const KnownRanks& known) { return known.digest == digest; });
  return it == std::end(kKnownRanks) ? nullptr : it;
}

/// What follows the ranks: their ids begin where the ranks end.
TiktokenOptions tiktoken_options(std::string_view name, const std::string& pattern, std::string_view text) {
  TiktokenOptions options{pattern, {}};
  int32_t next = 0;
  each_line(text, [&](std::string_view line, int64_t) { next += !line.empty(); });
  const std::vector<std::string> tokens = name == "llama3" ? llama3_tokens() : qwen_tokens();
  if (name == "llama3" || name == "qwen")
    for (const std::string& token : tokens) options.special_tokens.emplace_back(token, next++);
  return options;
}

[[noreturn]] void refuse_ranks(const fs::path& file, const KnownRanks* known, std::string_view text) {
  const auto ranks = std::count(text.begin(), text.end(), '\n') + (text.ends_with('\n') ? 0 : 1);
  throw Failure(ErrorCode::kUnimplemented,
                file.string() + ": " + std::to_string(ranks) + " tiktoken ranks" +
                    (known != nullptr ? ", those of " + std::string(known->name) + "," : "") +
                    " whose split and special tokens are not known; expected Llama 3's, Qwen's, r50k_base, p50k_base, "
                    "cl100k_base or o200k_base, or a tokenizer.json beside them");
}

TokenizerSpec read_tiktoken_file(const fs::path& file, const std::string& text) {
  const KnownRanks* known = known_ranks(text);
  const std::string stem = file.stem().string();
  const bool named = file.extension() == ".tiktoken" && pattern_of_tiktoken(stem).has_value();  // by its name
  const std::string name = known != nullptr ? std::string(known->name) : named ? stem : "";
  const auto pattern = pattern_of_tiktoken(name);
  if (!pattern) refuse_ranks(file, known, text);
  const TiktokenOptions options = tiktoken_options(name, *pattern, text);
  TokenizerSpec spec = parse_tiktoken(text, file.string(), options).value();
  if (name == "llama3") {
    const auto& [content, id] = options.special_tokens.front();
    spec.post_processor.steps = {around({{content, {id}, {content}}}, {})};
  }
  return spec;
}

TokenizerSpec read_sentencepiece_file(const fs::path& file, const std::string& bytes) {
  const JsonFile config = config_beside(file);
  const std::string family = family_in(config);
  return parse_sentencepiece(
             bytes, file.string(),
             {config["add_bos_token"].boolean(family == "Llama"), config["add_eos_token"].boolean(family == "T5")})
      .value();
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
  const JsonFile config = config_beside(folder / "vocab.json");
  const std::string family = family_in(config);
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
      config["add_prefix_space"].boolean(false);
  if (roberta) wrap_roberta(spec);
  return spec;
}

TokenizerSpec read_bert_directory(const fs::path& folder) {
  const fs::path file = folder / "vocab.txt";
  const JsonFile config = config_beside(file);
  return parse_bert_vocabulary(read(file), file.string(),
                               {config["do_lower_case"].boolean(true), config["tokenize_chinese_chars"].boolean(true),
                                config["strip_accents"].boolean(std::nullopt)})
      .value();
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

fs::path tokenizer_file(const fs::path& directory) {
  for (const char* name : {"tokenizer.json", "tokenizer.model", "sentencepiece.bpe.model", "spiece.model",
                           "sentencepiece.model", "qwen.tiktoken"})
    if (fs::exists(directory / name)) return directory / name;
  if (fs::exists(directory / "vocab.json") && fs::exists(directory / "merges.txt")) return directory / "vocab.json";
  if (fs::exists(directory / "vocab.txt")) return directory / "vocab.txt";
  throw Failure(ErrorCode::kNotFound, directory.string() +
                                          ": no tokenizer.json, tokenizer.model, vocab.json with merges.txt, or "
                                          "vocab.txt");
}

TokenizerSpec read_tokenizer_spec(const fs::path& path) {
  const fs::path file = fs::is_directory(path) ? tokenizer_file(path) : path;
  TokenizerSpec spec = read_any_file(file);
  add_named_tokens(file.parent_path(), spec);
  return spec;
}

}  // namespace maru::text
