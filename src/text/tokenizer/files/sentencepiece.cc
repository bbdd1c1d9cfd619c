#include "text/tokenizer/files/sentencepiece.h"

#include <algorithm>
#include <cmath>
#include <unordered_set>

#include "text/tokenizer/byte_tokens.h"
#include "text/tokenizer/files/spelled_merges.h"

namespace maru::text {
namespace {

using Proto = SentencePieceProto;
using Type = Proto::PieceType;

class Converter {
 public:
  Converter(const Proto& proto, std::string name, const SentencePieceOptions& options)
      : proto_(proto), name_(std::move(name)), options_(options) {}

  TokenizerSpec convert() {
    if (!proto_.denormalizer_charsmap.empty()) unsupported("denormalizer_spec");
    read_pieces();
    switch (proto_.model_type) {
      case Proto::ModelType::kUnigram: make_unigram(); break;
      case Proto::ModelType::kBpe: make_bpe(); break;
      case Proto::ModelType::kWord: unsupported("a model of words");
      case Proto::ModelType::kChar: unsupported("a model of characters");
    }
    spec_.normalizer.steps.push_back(normalizer());
    spec_.normalizer.sequence = true;  // written as several steps
    spec_.decoder = sentencepiece_decoder(proto_.add_dummy_prefix && !proto_.whitespace_as_suffix);
    wrap();
    return std::move(spec_);
  }

 private:
  [[noreturn]] void unsupported(const std::string& what) const {
    throw Failure(ErrorCode::kUnimplemented, name_ + ": " + what + " is not supported yet");
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw Failure(ErrorCode::kInvalidArgument, name_ + ": " + what);
  }
  static int32_t id_of(size_t index) { return static_cast<int32_t>(index); }

  void read_pieces() {
    std::unordered_set<std::string_view> seen;
    for (size_t i = 0; i < proto_.pieces.size(); ++i) {
      const Proto::Piece& piece = proto_.pieces[i];
      const std::string place = "pieces[" + std::to_string(i) + "]";
      if (!seen.insert(piece.piece).second) fail(place + ": \"" + piece.piece + "\" is there already");
      if (!std::isfinite(piece.score)) fail(place + ".score: expected a finite number");
      if (piece.type == Type::kByte && !byte_of_token(piece.piece))
        fail(place + ": not a byte: \"" + piece.piece + "\"");
      if (piece.type == Type::kUnknown && unk_) fail(place + ": a second unknown piece");
      if (piece.type == Type::kUnknown) unk_ = id_of(i);
      if (piece.type == Type::kUnknown || piece.type == Type::kControl)
        spec_.added_tokens.push_back({.id = id_of(i), .content = piece.piece, .special = true});
      if (piece.type == Type::kUserDefined) user_defined_.push_back(id_of(i));
      spec_.vocabulary.emplace_back(id_of(i), piece.piece);
    }
  }

  void make_unigram() {
    UnigramSpec model;
    for (size_t i = 0; i < proto_.pieces.size(); ++i) {
      const Proto::Piece& piece = proto_.pieces[i];
      model.scores.push_back(piece.score);
      if (piece.type != Type::kNormal && piece.type != Type::kUserDefined) model.unmatched.push_back(id_of(i));
    }
    model.unk_id = unk_;
    model.user_defined = user_defined_;
    model.byte_fallback = proto_.byte_fallback;
    model.sentencepiece = true;
    spec_.model = std::move(model);
  }

  void make_bpe() {
    BpeSpec model;
    std::vector<MergeableToken> tokens;
    for (size_t i = 0; i < proto_.pieces.size(); ++i) {
      const Proto::Piece& piece = proto_.pieces[i];
      if (piece.type == Type::kUnused) unsupported("the unused piece \"" + piece.piece + "\" in BPE");
      if (piece.type == Type::kNormal) tokens.push_back({id_of(i), piece.piece, -static_cast<double>(piece.score)});
    }
    spell_merges(std::move(tokens), model);
    if (unk_) model.unk_token = proto_.pieces[*unk_].piece;
    model.fuse_unk = true;
    model.byte_fallback = proto_.byte_fallback;
    spec_.model = std::move(model);
  }

  normalizers::SentencePiece normalizer() const {
    normalizers::SentencePiece step{
        proto_.charsmap,           proto_.add_dummy_prefix,     proto_.remove_extra_whitespaces,
        proto_.escape_whitespaces, proto_.whitespace_as_suffix, {}};
    for (const int32_t id : user_defined_) step.user_defined.push_back(proto_.pieces[id].piece);
    return step;
  }

  void wrap() {
    std::vector<post_processors::SpecialToken> before, behind;
    const auto add = [&](const char* token, std::vector<post_processors::SpecialToken>& to) {
      for (const AddedToken& added : spec_.added_tokens)
        if (added.content == token) to.push_back({token, {added.id}, {token}});
    };
    if (options_.add_bos) add("<s>", before), add("<bos>", before);
    if (options_.add_eos) add("</s>", behind), add("<eos>", behind);
    if (!before.empty() || !behind.empty()) spec_.post_processor.steps.push_back(around(before, behind));
  }

  const Proto& proto_;
  std::string name_;
  SentencePieceOptions options_;
  TokenizerSpec spec_;
  std::optional<int32_t> unk_;
  std::vector<int32_t> user_defined_;
};

}  // namespace

StepList<DecoderStep> sentencepiece_decoder(bool strip_first_space) {
  StepList<DecoderStep> list;
  list.sequence = true;
  list.steps = {decoders::Replace{{"\u2581", false}, " "}, decoders::ByteFallback{}, decoders::Fuse{}};
  if (strip_first_space) list.steps.push_back(decoders::Strip{' ', 1, 0});
  return list;
}

Result<TokenizerSpec> sentencepiece_spec(const SentencePieceProto& proto, std::string_view name,
                                         const SentencePieceOptions& options) {
  try {
    return Converter(proto, std::string(name), options).convert();
  } catch (const Failure& failure) {
    return failure.error();
  }
}

Result<TokenizerSpec> parse_sentencepiece(std::string_view bytes, std::string_view name,
                                          const SentencePieceOptions& options) {
  Result<SentencePieceProto> proto = parse_sentencepiece_proto(bytes, name);
  if (!proto.ok()) return proto.error();
  return sentencepiece_spec(proto.value(), name, options);
}

}  // namespace maru::text
