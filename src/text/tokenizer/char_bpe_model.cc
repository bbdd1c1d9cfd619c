#include "text/tokenizer/char_bpe_model.h"

#include "base/error.h"
#include "base/utf8.h"

namespace maru::text {

struct CharBpeModel::Scratch final : SubwordScratch {
  LongBpe merger;
  std::vector<int32_t> symbols;
  std::string marked;
};

CharBpeModel::CharBpeModel(const BpeSpec& spec, std::shared_ptr<const TokenTable> tokens,
                           const std::vector<int32_t>& frozen)
    : tokens_(std::move(tokens)),
      table_(spec.merges, spec.ranks),
      prefix_(spec.continuing_subword_prefix.value_or("")),
      suffix_(spec.end_of_word_suffix.value_or("")),
      ignore_merges_(spec.ignore_merges),
      fuse_unk_(spec.fuse_unk),
      byte_fallback_(spec.byte_fallback) {
  if (byte_fallback_) byte_tokens_ = ByteTokens(*tokens_);
  for (const int32_t id : frozen) frozen_.add(tokens_->bytes(id), id);
  if (!spec.unk_token) return;
  unk_ = tokens_->find(*spec.unk_token);
  if (!unk_) throw Failure(ErrorCode::kInvalidArgument, "the unknown token \"" + *spec.unk_token + "\" is no token");
}

std::unique_ptr<SubwordScratch> CharBpeModel::make_scratch() const { return std::make_unique<Scratch>(); }

/// Turns a piece into the symbols that merging begins with.
class CharBpeModel::Speller {
 public:
  Speller(const CharBpeModel& model, Scratch& scratch) : m_(model), scratch_(scratch) { scratch_.symbols.clear(); }

  void spell(std::string_view piece) {
    const char *p = piece.data(), *const end = p + piece.size();
    while (p < end) {
      const uint32_t frozen = take_frozen(p, end);
      if (frozen > 0) {
        p += frozen;
        continue;
      }
      const uint32_t length = decode_utf8(p, end).length;
      add({p, length}, p == piece.data(), p + length == end);
      p += length;
    }
    flush_unknown();
  }

 private:
  // Bytes taken by the longest frozen token here.
  uint32_t take_frozen(const char* begin, const char* end) {
    uint32_t node = ByteTrie::kRoot, length = 0;
    int32_t id = -1;
    for (const char* p = begin; p < end && (node = m_.frozen_.child(node, *p)) != ByteTrie::kNone; ++p)
      if (m_.frozen_.value(node) >= 0) {
        id = m_.frozen_.value(node);
        length = static_cast<uint32_t>(p + 1 - begin);
      }
    if (length > 0) {
      flush_unknown();
      scratch_.symbols.push_back(id);
    }
    return length;
  }

  void add(std::string_view character, bool first, bool last) {
    const std::string_view symbol = marked(character, first, last);
    if (const auto id = m_.tokens_->find(symbol)) {
      flush_unknown();
      scratch_.symbols.push_back(*id);
      return;
    }
    // An unknown token that waits stays behind the bytes, as in the reference.
    if (m_.byte_fallback_ && m_.byte_tokens_.append(symbol, scratch_.symbols)) return;
    if (!m_.fuse_unk_) flush_unknown();
    unknown_ = m_.unk_.has_value();
  }

  std::string_view marked(std::string_view character, bool first, bool last) {
    const bool with_prefix = !first && !m_.prefix_.empty(), with_suffix = last && !m_.suffix_.empty();
    if (!with_prefix && !with_suffix) return character;
    scratch_.marked = with_prefix ? m_.prefix_ : "";
    scratch_.marked += character;
    if (with_suffix) scratch_.marked += m_.suffix_;
    return scratch_.marked;
  }

  void flush_unknown() {
    if (unknown_) scratch_.symbols.push_back(*m_.unk_);
    unknown_ = false;
  }

  const CharBpeModel& m_;
  Scratch& scratch_;
  bool unknown_ = false;
};

void CharBpeModel::encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const {
  if (ignore_merges_)
    if (const auto id = tokens_->find(piece)) return ids.push_back(*id);
  Scratch& s = static_cast<Scratch&>(scratch);
  Speller(*this, s).spell(piece);
  s.merger.encode(std::span<const int32_t>(s.symbols), table_, ids);
}

}  // namespace maru::text
