// Which of llama.cpp's splits comes nearest to a tokenizer's own: by trying them all on lines of every script.
#pragma once
#include <cstdint>
#include <span>
#include <string>

#include "text/tokenizer/files/gguf_vocabulary.h"

namespace maru::text {

/// What a GGUF file's readers make of lines of text, beside the tokenizer that the file was made of.
struct GgufTrial {
  std::string pre;             // of the vocabulary that was tried
  int64_t lines = 0;           // that were compared
  int64_t differing = 0;       // of these, with other ids
  int64_t tokens = 0;          // of the tokenizer
  int64_t tokens_in_gguf = 0;  // of the file's readers, on the same lines
};

/// Compares a vocabulary as it stands.
GgufTrial try_gguf(const Tokenizer& tokenizer, const GgufVocabulary& vocabulary, std::span<const std::string> lines);

/// The best of the splits that llama.cpp knows for a byte-level vocabulary, whose `pre` is not looked at: that with the
/// fewest differing lines, then the nearest number of tokens, then the first by fame.
///
/// Cost     builds up to 20 tokenizers; stops at the first without a difference
GgufTrial choose_gguf_split(const Tokenizer& tokenizer, GgufVocabulary vocabulary, std::span<const std::string> lines);

}  // namespace maru::text
