// Unigram: of all ways to cut a piece into tokens the one with the largest sum of scores (Kudo 2018), found from left
// to right by dynamic programming over bytes; of equal sums the one found first. Characters that no token spells cost
// the lowest score less 10, and neighbours among them become one unknown token or the tokens of their bytes.
//
// Linear in the piece times the longest token. Immutable; share between threads.
//
// Source   tokenizers, Unigram::encode_optimized; SentencePiece, unigram::Model::EncodeOptimized.
#pragma once
#include <memory>
#include <optional>

#include "text/tokenizer/byte_tokens.h"
#include "text/tokenizer/byte_trie.h"
#include "text/tokenizer/subword_model.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

class UnigramModel final : public SubwordModel {
 public:
  /// `tokens` has the ids 0 to scores.size() - 1, and may have more.
  UnigramModel(const UnigramSpec& spec, std::shared_ptr<const TokenTable> tokens);
  std::unique_ptr<SubwordScratch> make_scratch() const override;
  /// Throws   kInvalidArgument for a character that no token spells where the model has no unknown token.
  void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const override;

 private:
  struct Node {
    double score;    // of the best way to here
    uint32_t begin;  // where its last token begins; kNowhere: no way found yet
    int32_t id;
  };
  struct Scratch;
  static constexpr uint32_t kNowhere = UINT32_MAX;
  void extend(std::string_view piece, size_t from, uint32_t length, std::vector<Node>& nodes, size_t& frontier) const;
  void offer(Node& node, double score, size_t begin, int32_t id) const;
  void rebase(std::vector<Node>& nodes, size_t from, size_t frontier) const;
  void append_unknown(std::string_view text, std::vector<int32_t>& ids) const;
  void append_path(std::string_view piece, Scratch& scratch, std::vector<int32_t>& ids) const;
  double score_of(int32_t id, size_t length) const;

  std::shared_ptr<const TokenTable> tokens_;
  ByteTrie trie_;
  ByteTokens byte_tokens_;
  std::vector<double> scores_;
  std::vector<bool> user_defined_;
  std::optional<int32_t> unk_;
  double unknown_score_ = 0;
  bool byte_fallback_, sentencepiece_;
};

}  // namespace maru::text
