// Byte-pair encoding over characters, as SentencePiece-style and older vocabularies have it: a piece begins as its
// characters, marked with a prefix inside words and a suffix at their end where the vocabulary wants that; characters
// that are no token become their bytes' tokens or the unknown token. Immutable; share between threads.
#pragma once
#include <memory>
#include <optional>

#include "text/tokenizer/bpe_long.h"
#include "text/tokenizer/byte_tokens.h"
#include "text/tokenizer/byte_trie.h"

namespace maru::text {

class CharBpeModel final : public SubwordModel {
 public:
  /// `frozen` are tokens that are found before all else (SentencePiece's user-defined pieces); no merge names them.
  ///
  /// Throws   kInvalidArgument when the unknown token is not in the vocabulary.
  CharBpeModel(const BpeSpec& spec, std::shared_ptr<const TokenTable> tokens, const std::vector<int32_t>& frozen = {});
  std::unique_ptr<SubwordScratch> make_scratch() const override;
  void encode_piece(std::string_view piece, SubwordScratch& scratch, std::vector<int32_t>& ids) const override;

 private:
  struct Scratch;
  class Speller;
  std::shared_ptr<const TokenTable> tokens_;
  MergeTable table_;
  ByteTrie frozen_;
  ByteTokens byte_tokens_;
  std::optional<int32_t> unk_;
  std::string prefix_, suffix_;
  bool ignore_merges_, fuse_unk_, byte_fallback_;
};

}  // namespace maru::text
