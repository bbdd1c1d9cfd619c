#include "text/tokenizer/files/gguf_vocabulary.h"

#include <deque>
#include <unordered_map>

#include "text/tokenizer/byte_alphabet.h"
#include "text/tokenizer/files/sentencepiece.h"
#include "text/tokenizer/files/split_patterns.h"
#include "text/tokenizer/files/tokenizer_json.h"
#include "text/tokenizer/files/turn_ends.h"

namespace maru::text {
namespace {

enum class TokenType : int32_t { kNormal = 1, kUnknown, kControl, kUserDefined, kUnused, kByte };
constexpr std::string_view kSpace = "\u2581";

class Converter {
 public:
  Converter(const GgufVocabulary& v, const std::string& name) : v_(v), where_(name + ": tokenizer.ggml.") {}

  TokenizerSpec convert() {
    if (v_.tokens.empty()) fail("tokens: expected some");
    if (!v_.scores.empty() && v_.scores.size() != v_.tokens.size()) fail("scores: expected one for each token");
    if (!v_.token_types.empty() && v_.token_types.size() != v_.tokens.size())
      fail("token_type: expected one for each token");
    if (v_.model == "llama" || v_.model == "t5") return sentencepiece();
    if (v_.model == "gpt2") return byte_level();
    if (v_.model == "bert") return word_piece();
    throw Failure(ErrorCode::kUnimplemented, where_ + "model: \"" + v_.model + "\" is not supported yet");
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Failure(ErrorCode::kInvalidArgument, where_ + what); }

  TokenType type_of(size_t id) const {
    if (v_.token_types.empty()) return is_turn_end(v_.tokens[id]) ? TokenType::kControl : TokenType::kNormal;
    const int32_t number = v_.token_types[id];
    if (number < 0 || number > 6)
      fail("token_type[" + std::to_string(id) + "]: expected 0 to 6, got " + std::to_string(number));
    const TokenType type = number == 0 ? TokenType::kNormal : static_cast<TokenType>(number);
    const bool plain = type == TokenType::kNormal || type == TokenType::kUserDefined;
    return plain && is_turn_end(v_.tokens[id]) ? TokenType::kControl : type;
  }

  TokenizerSpec sentencepiece() const {
    if (v_.scores.empty()) fail("scores: expected one for each token");
    const bool unigram = v_.model == "t5";
    SentencePieceProto proto;
    proto.model_type = unigram ? SentencePieceProto::ModelType::kUnigram : SentencePieceProto::ModelType::kBpe;
    proto.charsmap = v_.precompiled_charsmap;
    proto.add_dummy_prefix = v_.add_space_prefix.value_or(true);
    proto.remove_extra_whitespaces = v_.remove_extra_whitespaces.value_or(false);
    for (size_t id = 0; id < v_.tokens.size(); ++id) {
      auto type = static_cast<SentencePieceProto::PieceType>(type_of(id));
      proto.byte_fallback |= type == SentencePieceProto::PieceType::kByte;
      // Holes in converted vocabularies: nothing may match or make them.
      if (!unigram && type == SentencePieceProto::PieceType::kUnused) type = SentencePieceProto::PieceType::kControl;
      proto.pieces.push_back({v_.tokens[id], v_.scores[id], type});
    }
    TokenizerSpec spec = sentencepiece_spec(proto, where_.substr(0, where_.find(": "))).value();
    wrap(spec, v_.add_bos.value_or(!unigram), v_.add_eos.value_or(unigram));
    return spec;
  }

  TokenizerSpec byte_level() const {
    const auto split = split_of_gguf(v_.pre);
    if (!split) throw Failure(ErrorCode::kUnimplemented, where_ + "pre: \"" + v_.pre + "\" is not supported yet");
    TokenizerSpec spec = byte_level_spec(split->patterns);
    spec.byte_level = false;  // until the vocabulary's spelling is looked at
    BpeSpec model;
    model.ignore_merges = split->ignore_merges;
    for (size_t id = 0; id < v_.tokens.size(); ++id) add_token(id, v_.tokens[id], spec);
    read_merges(model);
    spec.model = std::move(model);
    find_byte_level(spec);
    const bool add_sep = v_.add_sep.value_or(split->add_sep);
    wrap(spec, v_.add_bos.value_or(split->add_bos || add_sep), v_.add_eos.value_or(add_sep));
    return spec;
  }

  void add_token(size_t index, const std::string& content, TokenizerSpec& spec) const {
    const int32_t id = static_cast<int32_t>(index);
    const TokenType type = type_of(index);
    spec.vocabulary.emplace_back(id, content);
    const bool special = type == TokenType::kControl || type == TokenType::kUnknown;
    const bool usable = !content.empty() && content.size() <= 1024;
    if (usable && (special || type == TokenType::kUserDefined))
      spec.added_tokens.push_back({.id = id, .content = content, .special = special});
  }

  void read_merges(BpeSpec& model) const {
    std::unordered_map<std::string_view, int32_t> ids;
    for (size_t id = 0; id < v_.tokens.size(); ++id) ids.emplace(v_.tokens[id], static_cast<int32_t>(id));
    const ByteAlphabet alphabet;
    std::deque<std::string> spelled;  // user-defined tokens stand as plain text in the file, but not in merges
    for (size_t id = 0; id < v_.tokens.size(); ++id)
      if (type_of(id) == TokenType::kUserDefined)
        ids.emplace(spelled.emplace_back(alphabet.to_characters(v_.tokens[id])), static_cast<int32_t>(id));
    for (size_t i = 0; i < v_.merges.size(); ++i) {
      const std::string& merge = v_.merges[i];
      const size_t space = merge.find(' ', 1);
      const auto bad = [&] { fail("merges[" + std::to_string(i) + "]: expected two tokens, got \"" + merge + "\""); };
      if (space == std::string::npos) bad();
      const std::string left = merge.substr(0, space), right = merge.substr(space + 1);
      const auto l = ids.find(left), r = ids.find(right), both = ids.find(left + right);
      if (l == ids.end() || r == ids.end() || both == ids.end()) bad();
      model.merges.push_back({l->second, r->second, both->second});
    }
  }

  // Words begin with U+2581 here and continue without a mark; BERT's own vocabulary has it the other way round.
  TokenizerSpec word_piece() const {
    TokenizerSpec spec;
    WordPieceSpec model;
    for (size_t id = 0; id < v_.tokens.size(); ++id) {
      const std::string& token = v_.tokens[id];
      const TokenType type = type_of(id);
      const bool whole = type == TokenType::kControl || type == TokenType::kUnknown;
      if (whole)
        add_token(id, token, spec);
      else if (token.starts_with(kSpace))
        add_token(id, token.substr(kSpace.size()), spec);
      else
        add_token(id, model.continuing_subword_prefix + token, spec);
    }
    if (v_.unk) model.unk_token = spelled(spec, *v_.unk);
    spec.model = std::move(model);
    spec.normalizer.steps = {normalizers::Bert{}};
    spec.pre_tokenizer.steps = {pre_tokenizers::Bert{}};
    spec.decoder.steps = {decoders::WordPiece{}};
    const auto cls = v_.cls ? v_.cls : v_.bos, sep = v_.sep ? v_.sep : v_.eos;
    if (cls && sep)
      spec.post_processor.steps = {post_processors::Bert{{spelled(spec, *sep), *sep}, {spelled(spec, *cls), *cls}}};
    return spec;
  }

  std::string spelled(const TokenizerSpec& spec, int32_t id) const {
    if (id < 0 || static_cast<size_t>(id) >= spec.vocabulary.size())
      fail("…_token_id: no token has id " + std::to_string(id));
    return spec.vocabulary[id].second;
  }

  void wrap(TokenizerSpec& spec, bool add_bos, bool add_eos) const {
    std::vector<post_processors::SpecialToken> before, behind;
    const auto token = [&](int32_t id) {
      const std::string name = spelled(spec, id);
      return post_processors::SpecialToken{name, {id}, {name}};
    };
    if (add_bos && v_.bos) before.push_back(token(*v_.bos));
    if (add_eos && v_.eos) behind.push_back(token(*v_.eos));
    if (!before.empty() || !behind.empty()) spec.post_processor.steps = {around(before, behind)};
  }

  const GgufVocabulary& v_;
  std::string where_;
};

}  // namespace

Result<TokenizerSpec> gguf_tokenizer_spec(const GgufVocabulary& vocabulary, const std::string& name) {
  try {
    return Converter(vocabulary, name).convert();
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Result<Tokenizer> gguf_tokenizer(const GgufVocabulary& vocabulary, const std::string& name) {
  Result<TokenizerSpec> spec = gguf_tokenizer_spec(vocabulary, name);
  if (!spec.ok()) return spec.error();
  Result<Tokenizer> tokenizer = Tokenizer::create(std::move(spec).value(), name);
  if (!tokenizer.ok()) return tokenizer;
  const auto known = [&](std::optional<int32_t> id) {
    return id && tokenizer->contains(*id) ? id : std::optional<int32_t>();
  };
  const GgufVocabulary& v = vocabulary;
  tokenizer->set_roles(
      {known(v.bos), known(v.eos), known(v.pad), known(v.unk), known(v.sep), known(v.cls), known(v.mask)});
  return tokenizer;
}

}  // namespace maru::text
