// Merges of vocabularies that have none: in SentencePiece's BPE and in tiktoken any two neighbours join whose bytes
// together are a token, best token first. Written out as pairs with ranks, so that one model serves all.
#pragma once
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// A token that merging may join or make, and its priority: lower goes first, equal ones leftmost first.
struct MergeableToken {
  int32_t id = 0;
  std::string bytes;
  double priority = 0;
};

/// Fills merges and ranks with every way to put a token together from two.
///
/// Cost     Linear in the bytes of the vocabulary.
void spell_merges(std::vector<MergeableToken> tokens, BpeSpec& bpe);

}  // namespace maru::text
