#include "text/tokenizer/tokenizer.h"

#include "text/tokenizer/char_bpe_model.h"
#include "text/tokenizer/encoder.h"
#include "text/tokenizer/tokenizer_check.h"
#include "text/tokenizer/unigram_model.h"
#include "text/tokenizer/word_models.h"

namespace maru::text {
namespace {

std::array<int32_t, 256> byte_ids_of(const TokenTable& tokens) {
  std::array<int32_t, 256> ids{};
  for (int b = 0; b < 256; ++b) {
    const char byte = static_cast<char>(b);
    const auto id = tokens.find({&byte, 1});
    if (!id)
      throw Failure(ErrorCode::kInvalidArgument,
                    "model.vocab: expected a token for each of the 256 bytes, byte " + std::to_string(b) + " has none");
    ids[b] = *id;
  }
  return ids;
}

std::vector<int32_t> ids_of(const std::vector<std::string>& pieces, const TokenTable& tokens) {
  std::vector<int32_t> ids;
  for (const std::string& piece : pieces)
    if (const auto id = tokens.find(piece)) ids.push_back(*id);
  return ids;
}

using Model = std::shared_ptr<const SubwordModel>;

struct BuildModel {
  const TokenizerSpec& spec;
  std::shared_ptr<const TokenTable> tokens;  // of the model

  Model operator()(const BpeSpec& bpe) const {
    if (spec.byte_level)
      return std::make_shared<const BpeModel>(byte_ids_of(*tokens), MergeTable(bpe.merges, bpe.ranks),
                                              bpe.ignore_merges ? tokens : nullptr);
    const auto* sentencepiece = find_step<normalizers::SentencePiece>(spec.normalizer);
    return std::make_shared<const CharBpeModel>(
        bpe, tokens, sentencepiece != nullptr ? ids_of(sentencepiece->user_defined, *tokens) : std::vector<int32_t>());
  }
  Model operator()(const UnigramSpec& unigram) const { return std::make_shared<const UnigramModel>(unigram, tokens); }
  Model operator()(const WordPieceSpec& word_piece) const {
    return std::make_shared<const WordPieceModel>(word_piece, *tokens);
  }
  Model operator()(const WordLevelSpec& word_level) const {
    return std::make_shared<const WordLevelModel>(word_level, tokens);
  }
};

// The model's tokens and the added ones that the model does not have.
std::shared_ptr<const TokenTable> all_tokens(const TokenizerSpec& spec, std::shared_ptr<const TokenTable> of_model) {
  std::vector<std::pair<int32_t, std::string>> tokens = spec.vocabulary;
  for (const AddedToken& token : spec.added_tokens)
    if (!of_model->contains(token.id)) tokens.emplace_back(token.id, token.content);
  if (tokens.size() == spec.vocabulary.size()) return of_model;
  return std::make_shared<const TokenTable>(tokens);
}

}  // namespace

Result<Tokenizer> Tokenizer::create(TokenizerSpec spec, std::string_view name) {
  const std::string where = std::string(name) + ": ";
  if (const Outcome checked = check_spec(spec, std::string(name)); !checked.ok()) return checked.error();
  Tokenizer t;
  try {
    const auto model_tokens = std::make_shared<const TokenTable>(spec.vocabulary);
    t.tokens_ = all_tokens(spec, model_tokens);
    t.normalizer_ = Normalizer::create(spec.normalizer.steps, where + "normalizer").value();
    t.pre_tokenizer_ = PreTokenizer::create(spec.pre_tokenizer.steps, spec.byte_level, where + "pre_tokenizer").value();
    const bool nothing = spec.decoder.sequence && spec.decoder.steps.empty();  // tokens without spaces between them
    const std::vector<DecoderStep> fuse{decoders::Fuse{}};
    t.decoder_ = TokenDecoder::create(nothing ? fuse : spec.decoder.steps, where + "decoder").value();
    try {
      t.model_ = std::visit(BuildModel{spec, model_tokens}, spec.model);
    } catch (const Failure& failure) {
      return {failure.code(), where + failure.error().message};
    }
    t.wrapping_ = wrapping_of(spec.post_processor.steps);
    t.spec_ = std::make_shared<const TokenizerSpec>(std::move(spec));
    t.build_matchers();
  } catch (const Failure& failure) {
    return failure.error();
  }
  t.guess_roles();
  return t;
}

std::vector<int32_t> Tokenizer::encode(std::string_view text, const EncodeOptions& options) const {
  std::vector<int32_t> ids;
  Encoder(*this, 0).encode(text, options, ids);
  return ids;
}

Encoding Tokenizer::encode_pair(std::string_view first, std::string_view second, const EncodeOptions& options) const {
  Encoding encoding;
  Encoder(*this, 0).encode_pair(first, second, options, encoding);
  return encoding;
}

std::string_view Tokenizer::spelling_of(int32_t id) const {
  if (!contains(id))
    throw Failure(ErrorCode::kInvalidArgument,
                  "token id " + std::to_string(id) + " is not in the vocabulary of " + std::to_string(vocab_size()));
  return tokens_->bytes(id);
}

std::string_view Tokenizer::decoded_spelling_of(int32_t id) const {
  const auto it = normalized_spelling_.find(id);
  return it == normalized_spelling_.end() ? spelling_of(id) : it->second;
}

std::string Tokenizer::bytes_of(int32_t id) const {
  const std::string_view spelling = is_special(id) ? spelling_of(id) : decoded_spelling_of(id);
  return spec_->byte_level || is_special(id) ? std::string(spelling) : decoder_.bytes_inside(spelling);
}

std::string Tokenizer::decode(std::span<const int32_t> ids, bool skip_special) const {
  std::string text;
  DecoderRun run = spec_->byte_level ? DecoderRun({}) : decoder_.start();
  for (const int32_t id : ids)
    if (const std::string_view token = decoded_spelling_of(id); !skip_special || !is_special(id)) run.push(token, text);
  run.finish(text);
  return text;
}

void Tokenizer::build_matchers() {
  special_.assign(static_cast<size_t>(vocab_size()), false);
  std::array<std::vector<AddedToken>, 4> lists;
  for (AddedToken token : spec_->added_tokens) {
    special_[token.id] = token.special;
    if (token.normalized && !normalizer_.empty()) {
      token.content = normalizer_(token.content);
      normalized_spelling_.emplace(token.id, token.content);
    }
    lists[2 * token.normalized + 1].push_back(token);
    if (!token.special) lists[2 * token.normalized].push_back(token);
  }
  for (size_t i = 0; i < lists.size(); ++i) matchers_[i] = AddedTokenMatcher(lists[i]);
}

std::optional<int32_t> Tokenizer::unknown() const {
  if (const auto* bpe = std::get_if<BpeSpec>(&spec_->model))
    return bpe->unk_token ? id_of(*bpe->unk_token) : std::nullopt;
  if (const auto* unigram = std::get_if<UnigramSpec>(&spec_->model)) return unigram->unk_id;
  if (const auto* word_piece = std::get_if<WordPieceSpec>(&spec_->model)) return id_of(word_piece->unk_token);
  return id_of(std::get<WordLevelSpec>(spec_->model).unk_token);
}

void Tokenizer::guess_roles() {
  const auto first_of = [&](std::initializer_list<const char*> names) -> std::optional<int32_t> {
    for (const char* name : names)
      if (const auto id = id_of(name); id && is_special(*id)) return id;
    return std::nullopt;
  };
  roles_.cls = first_of({"[CLS]"});
  const Wrapping::Part& first = wrapping_.single.front();
  if (!first.ids.empty() && first.ids.front() != roles_.cls)
    roles_.bos = first.ids.front();
  else
    roles_.bos = first_of({"<s>", "<bos>", "<|begin_of_text|>"});
  roles_.eos = first_of({"<|end_of_text|>", "<|endoftext|>", "</s>", "<eos>", "<|im_end|>"});
  roles_.pad = first_of({"<|pad|>", "<pad>", "[PAD]", "<|endoftext|>"});
  roles_.unk = unknown();
  roles_.sep = first_of({"[SEP]"});
  roles_.mask = first_of({"[MASK]", "<mask>"});
}

}  // namespace maru::text
