// Hugging Face's tokenizer.json (version 1.0), byte-level BPE: reading and writing.
//
// Read: normalizer null or NFC; pre_tokenizer of Split (Isolated), Digits and ByteLevel; model BPE; post_processor
// ByteLevel and TemplateProcessing; decoder ByteLevel. Anything else is kUnimplemented, naming its place in the file.
#pragma once
#include <string>
#include <string_view>

#include "base/error.h"
#include "text/tokenizer_spec.h"

namespace maru::text {

/// `name` stands in the errors: `tokenizer.json: model.merges[12]: …`. Takes no memory that the text does not
/// justify.
Result<TokenizerSpec> parse_tokenizer_json(std::string_view text, std::string_view name);
/// What `tokenizers` reads as the same tokenizer. The same spec gives the same bytes.
std::string write_tokenizer_json(const TokenizerSpec& spec);

}  // namespace maru::text
