#include "text/tokenizer/word_models.h"

#include "base/error.h"
#include "base/utf8.h"

namespace maru::text {
namespace {

int32_t require_unknown(std::optional<int32_t> unk) {
  if (!unk) throw Failure(ErrorCode::kInvalidArgument, "a word that is not in the vocabulary, and no unknown token");
  return *unk;
}

}  // namespace

WordPieceModel::WordPieceModel(const WordPieceSpec& spec, const TokenTable& tokens)
    : unk_(tokens.find(spec.unk_token)), max_characters_(spec.max_input_chars_per_word) {
  for (int32_t id = 0; id < tokens.size(); ++id) {
    if (!tokens.contains(id)) continue;
    const std::string_view token = tokens.bytes(id);
    initial_.add(token, id);
    if (token.starts_with(spec.continuing_subword_prefix))
      continuing_.add(token.substr(spec.continuing_subword_prefix.size()), id);
  }
}

std::unique_ptr<SubwordScratch> WordPieceModel::make_scratch() const { return std::make_unique<SubwordScratch>(); }

void WordPieceModel::encode_piece(std::string_view piece, SubwordScratch&, std::vector<int32_t>& ids) const {
  const size_t before = ids.size();
  if (count_code_points(piece) <= max_characters_ && spell(piece, ids)) return;
  ids.resize(before);
  ids.push_back(require_unknown(unk_));
}

bool WordPieceModel::spell(std::string_view piece, std::vector<int32_t>& ids) const {
  for (size_t at = 0; at < piece.size();) {
    const ByteTrie& trie = at == 0 ? initial_ : continuing_;
    size_t end = at;
    int32_t id = -1;
    uint32_t node = ByteTrie::kRoot;
    for (size_t i = at; i < piece.size() && (node = trie.child(node, piece[i])) != ByteTrie::kNone; ++i)
      if (trie.value(node) >= 0) id = trie.value(node), end = i + 1;
    if (id < 0) return false;
    ids.push_back(id);
    at = end;
  }
  return true;
}

WordLevelModel::WordLevelModel(const WordLevelSpec& spec, std::shared_ptr<const TokenTable> tokens)
    : tokens_(std::move(tokens)), unk_(tokens_->find(spec.unk_token)) {}

std::unique_ptr<SubwordScratch> WordLevelModel::make_scratch() const { return std::make_unique<SubwordScratch>(); }

void WordLevelModel::encode_piece(std::string_view piece, SubwordScratch&, std::vector<int32_t>& ids) const {
  const auto id = tokens_->find(piece);
  ids.push_back(id ? *id : require_unknown(unk_));
}

}  // namespace maru::text
