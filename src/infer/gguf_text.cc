#include "infer/gguf_text.h"

#include <algorithm>

#include "base/json.h"
#include "text/chat/tokenizer_directory.h"
#include "text/tokenizer/files/gguf_split.h"
#include "text/tokenizer/files/load_tokenizer.h"
#include "text/tokenizer/files/script_lines.h"
#include "text/tokenizer/files/sentencepiece_proto.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/vocabulary_files.h"

namespace maru::infer {
namespace {

using text::GgufVocabulary;
using text::SentencePieceProto;

SplitTrial as_trial(const text::GgufTrial& t) {
  return {t.pre.empty() ? "default" : t.pre, t.lines, t.differing, t.tokens, t.tokens_in_gguf};
}

// --- tokenizers that are, or can be, a tokenizer.json --------------------------------------------------------------

/// The directory's tokenizer.json with the tokens that its other files name; or one made of what there is.
Json tokenizer_json(const fs::path& file, const text::Tokenizer& tokenizer) {
  const Json whole = parse_json(text::write_tokenizer_json(tokenizer.spec()), file.string()).value();
  if (file.filename() != "tokenizer.json") return whole;
  Json json = read_json(file);
  json["added_tokens"] = whole.at("added_tokens");
  return json;
}

/// tokenizer_config.json, with the roles that it leaves to other files.
Json config_of(const fs::path& directory, const text::Tokenizer& tokenizer) {
  const fs::path file = directory / "tokenizer_config.json";
  Json config = fs::exists(file) ? read_json(file) : Json::object();
  const Json roles = parse_json(text::special_tokens_map_json(tokenizer), file.string()).value();
  for (const auto& [key, value] : roles.items())
    if (!config.contains(key) || config[key].is_null()) config[key] = value;
  return config;
}

TokenizerExport put_json(formats::GgufWriter& writer, const fs::path& file, const text::Tokenizer& tokenizer,
                         const std::string& chat_template, int64_t vocab_size) {
  const Json json = tokenizer_json(file, tokenizer), config = config_of(file.parent_path(), tokenizer);
  const auto nearest = [&](const ByteLevelTokens& t) {
    const GgufVocabulary vocabulary{.model = "gpt2", .tokens = t.tokens, .token_types = t.types, .merges = t.merges};
    return as_trial(text::choose_gguf_split(tokenizer, vocabulary, text::script_lines()));
  };
  return put_tokenizer(writer, {.tokenizer = json,
                                .config = config,
                                .chat_template = chat_template,
                                .vocab_size = vocab_size,
                                .nearest_split = nearest});
}

// --- SentencePiece
// -----------------------------------------------------------------------------------------------------

constexpr float kScoreOfAdded = -1000;  // as llama.cpp's converter has it
constexpr int32_t kControl = 3, kUserDefined = 4, kUnused = 5, kByte = 6;

bool begins_with(const std::vector<int32_t>& ids, std::optional<int32_t> id) {
  return id && !ids.empty() && ids.front() == *id;
}
bool ends_with(const std::vector<int32_t>& ids, std::optional<int32_t> id) {
  return id && !ids.empty() && ids.back() == *id;
}

/// The file's pieces, what other files add, and "[PAD…]" up to the model's size.
GgufVocabulary vocabulary_of(const SentencePieceProto& proto, const text::Tokenizer& tokenizer, int64_t vocab_size) {
  const bool unigram = proto.model_type == SentencePieceProto::ModelType::kUnigram;
  GgufVocabulary v{.model = unigram ? "t5" : "llama", .pre = "default"};
  for (const auto& piece : proto.pieces) {
    v.tokens.push_back(piece.piece);
    v.scores.push_back(piece.score);
    v.token_types.push_back(static_cast<int32_t>(piece.type));
  }
  const auto size = static_cast<size_t>(std::max<int64_t>(vocab_size, tokenizer.vocab_size()));
  for (size_t id = v.tokens.size(); id < size; ++id) v.tokens.push_back("[PAD" + std::to_string(id) + "]");
  v.scores.resize(size, kScoreOfAdded);
  v.token_types.resize(size, kUnused);
  for (const text::AddedToken& token : tokenizer.spec().added_tokens) {
    const auto id = static_cast<size_t>(token.id);
    if (id < proto.pieces.size() && proto.pieces[id].type != SentencePieceProto::PieceType::kNormal) continue;
    v.tokens[id] = token.content;
    v.token_types[id] = token.special ? kControl : kUserDefined;
  }
  const text::TokenRoles& roles = tokenizer.roles();
  v.bos = roles.bos, v.eos = roles.eos, v.unk = roles.unk, v.pad = roles.pad;
  const std::vector<int32_t> around = tokenizer.encode("", {.add_special_tokens = true});
  v.add_bos = begins_with(around, roles.bos), v.add_eos = ends_with(around, roles.eos);
  v.add_space_prefix = proto.add_dummy_prefix;
  v.remove_extra_whitespaces = proto.remove_extra_whitespaces;
  v.precompiled_charsmap = proto.charsmap;
  return v;
}

void put_vocabulary(formats::GgufWriter& writer, const GgufVocabulary& v) {
  const std::string prefix = "tokenizer.ggml.";
  const auto id = [&](const char* key, std::optional<int32_t> value) {
    if (value) writer.set(prefix + key, static_cast<uint32_t>(*value));
  };
  writer.set(prefix + "model", v.model);
  writer.set(prefix + "pre", v.pre);
  writer.set(prefix + "tokens", v.tokens);
  writer.set(prefix + "scores", v.scores);
  writer.set(prefix + "token_type", v.token_types);
  id("bos_token_id", v.bos), id("eos_token_id", v.eos), id("unknown_token_id", v.unk), id("padding_token_id", v.pad);
  writer.set(prefix + "add_bos_token", *v.add_bos);
  writer.set(prefix + "add_eos_token", *v.add_eos);
  writer.set(prefix + "add_space_prefix", *v.add_space_prefix);
  writer.set(prefix + "remove_extra_whitespaces", *v.remove_extra_whitespaces);
  if (!v.precompiled_charsmap.empty()) writer.set_bytes(prefix + "precompiled_charsmap", v.precompiled_charsmap);
}

/// llama.cpp neither normalises the characters of "llama" nor drops extra spaces, and "t5" has no bytes there for
/// characters without a piece.
TokenizerExport try_pieces(GgufVocabulary v, const text::Tokenizer& tokenizer) {
  if (v.model == "llama") v.precompiled_charsmap.clear(), v.remove_extra_whitespaces = false;
  if (v.model == "t5") std::replace(v.token_types.begin(), v.token_types.end(), kByte, kUnused);
  const SplitTrial trial = as_trial(text::try_gguf(tokenizer, v, text::script_lines()));
  return {.model = v.model, .pre = v.pre, .exact = trial.differing == 0, .trial = trial};
}

TokenizerExport put_pieces(formats::GgufWriter& writer, const fs::path& file, const text::Tokenizer& tokenizer,
                           const std::string& chat_template, int64_t vocab_size) {
  const SentencePieceProto proto = text::parse_sentencepiece_proto(read_file(file), file.string()).value();
  if (proto.whitespace_as_suffix || !proto.escape_whitespaces)
    throw Failure(ErrorCode::kUnimplemented, file.string() +
                                                 ": treat_whitespace_as_suffix and plain spaces in pieces "
                                                 "cannot be exported to GGUF");
  if (vocab_size < tokenizer.vocab_size())
    throw Failure(ErrorCode::kInvalidArgument, file.string() + ": " + std::to_string(tokenizer.vocab_size()) +
                                                   " tokens, expected at most the model's " +
                                                   std::to_string(vocab_size));
  const GgufVocabulary vocabulary = vocabulary_of(proto, tokenizer, vocab_size);
  put_vocabulary(writer, vocabulary);
  if (!chat_template.empty()) writer.set("tokenizer.chat_template", chat_template);
  return try_pieces(vocabulary, tokenizer);
}

}  // namespace

TokenizerExport put_text(formats::GgufWriter& writer, const fs::path& directory, const std::string& chat_template,
                         int64_t vocab_size) {
  const fs::path file = text::tokenizer_file(directory);
  const text::Tokenizer tokenizer = text::load_tokenizer(directory);
  const bool pieces = text::find_step<text::normalizers::SentencePiece>(tokenizer.spec().normalizer) != nullptr;
  return pieces ? put_pieces(writer, file, tokenizer, chat_template, vocab_size)
                : put_json(writer, file, tokenizer, chat_template, vocab_size);
}

}  // namespace maru::infer
