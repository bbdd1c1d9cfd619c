// Hugging Face's tokenizer.json (version 1.0): reading and writing.
//
// Read: every kind of normaliser, pre-tokeniser, model, post-processor and decoder that `tokenizers` 0.23 writes, but
// for dropout in BPE, the decoder CTC and two post-processors that both add tokens: those are kUnimplemented, naming
// their place in the file.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer/tokenizer_spec.h"

namespace maru::text {

/// `name` stands in the errors: `tokenizer.json: model.merges[12]: …`. Takes no memory that the text does not
/// justify.
Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view name);
/// What `tokenizers` reads as the same tokenizer. The same spec gives the same bytes. SentencePiece's own normaliser is
/// written as the steps that `transformers` makes of it, which differ in rare texts.
std::string write_tokenizer_json(const TokenizerSpec& spec);

/// Sets byte_level, and turns the vocabulary's spelling into bytes, where the steps and the vocabulary allow it.
void find_byte_level(TokenizerSpec& spec);

}  // namespace maru::text
