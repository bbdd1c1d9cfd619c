// SentencePiece's .model files as TokenizerSpecs that give the same ids as the `sentencepiece` library: Unigram in
// float arithmetic, BPE by the scores of pieces, with the file's own normaliser.
//
// Control pieces become special tokens, which only EncodeOptions::parse_special finds in a text. The file does not say
// whether a model wants bos or eos around a text: SentencePieceOptions does.
#pragma once
#include <string_view>

#include "base/error.h"
#include "text/tokenizer/files/sentencepiece_proto.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

struct SentencePieceOptions {
  bool add_bos = false, add_eos = false;  // "<s>" and "</s>", where the file has them
};

/// Models of words and of characters, unused pieces in BPE and denormalisers are kUnimplemented.
Result<TokenizerSpec> parse_sentencepiece(std::string_view bytes, std::string_view name,
                                          const SentencePieceOptions& options = {});
Result<TokenizerSpec> sentencepiece_spec(const SentencePieceProto& proto, std::string_view name,
                                         const SentencePieceOptions& options = {});
/// What decodes pieces: U+2581 as a space, byte pieces, and without the space before the first word.
StepList<DecoderStep> sentencepiece_decoder(bool strip_first_space);

}  // namespace maru::text
