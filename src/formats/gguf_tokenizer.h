// A Hugging Face tokenizer as GGUF metadata. Names and meanings are llama.cpp's: byte-level BPE becomes "gpt2", BPE
// over characters with byte fallback becomes "llama". Pure function, thread-safe.
#pragma once
#include <string>

#include "base/json_fwd.h"
#include "formats/gguf_writer.h"

namespace maru::formats {

struct TokenizerSource {
  const Json& tokenizer;      // tokenizer.json
  const Json& config;         // tokenizer_config.json, or an empty object
  std::string chat_template;  // Jinja, or empty
  int64_t vocab_size = 0;     // of the model: ids without a token are filled up
};

struct TokenizerExport {
  std::string model, pre;  // "gpt2", "llama-bpe"
  bool exact = true;       // llama.cpp splits text as this tokenizer does
};

/// Writes tokenizer.*. When llama.cpp has no such way to split text, `pre` is "default" and the whole tokenizer.json
/// goes into tokenizer.huggingface.json, for programs that read it.
///
/// Throws   kUnimplemented for models other than BPE; kInvalidArgument for ids beyond vocab_size.
TokenizerExport put_tokenizer(GgufWriter& writer, const TokenizerSource& source);

}  // namespace maru::formats
