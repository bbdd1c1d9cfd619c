// WordPiece and WordLevel: models of whole words, as BERT and its relatives have them. A word that the vocabulary
// cannot spell is one unknown token. Linear in the word times the longest token. Immutable; share between threads.
#pragma once
#include <memory>
#include <optional>

#include "text/tokenizer/byte_trie.h"
#include "text/tokenizer/subword_model.h"
#include "text/tokenizer/token_table.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// The longest token that begins the word, then the longest that continues it (spelled with a prefix), and so on.
///
/// Source   Wu et al. 2016; tokenizers, WordPiece::tokenize
class WordPieceModel final : public SubwordModel {
 public:
  WordPieceModel(const WordPieceSpec& spec, const TokenTable& tokens);
  std::unique_ptr<SubwordScratch> make_scratch() const override;
  /// Throws   kInvalidArgument for a word that the vocabulary cannot spell where it has no unknown token.
  void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const override;

 private:
  bool spell(std::string_view piece, std::vector<int32_t>& ids) const;
  ByteTrie initial_, continuing_;
  std::optional<int32_t> unk_;
  uint64_t max_characters_;
};

class WordLevelModel final : public SubwordModel {
 public:
  WordLevelModel(const WordLevelSpec& spec, std::shared_ptr<const TokenTable> tokens);
  std::unique_ptr<SubwordScratch> make_scratch() const override;
  /// Throws   kInvalidArgument for a word that is no token where the vocabulary has no unknown token.
  void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const override;

 private:
  std::shared_ptr<const TokenTable> tokens_;
  std::optional<int32_t> unk_;
};

}  // namespace maru::text
