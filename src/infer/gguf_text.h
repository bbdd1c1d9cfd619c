// What a model's directory says about text, as the metadata of a GGUF file: the way back is load_text().
#pragma once
#include <string>

#include "base/file.h"
#include "infer/gguf_tokenizer.h"

namespace maru::infer {

/// Writes tokenizer.* from whatever tokenizer the directory has: byte-level ones as "gpt2" under the name of
/// llama.cpp's split that gives their ids (tried on lines of every script where none is theirs by name),
/// SentencePiece's files as "llama" or "t5" with the file's own scores.
///
/// Throws   kUnimplemented for WordPiece and WordLevel, and for what SentencePiece files say that GGUF cannot; what
///          text::load_tokenizer throws; kInvalidArgument for ids beyond vocab_size.
TokenizerExport put_text(formats::GgufWriter& writer, const fs::path& directory, const std::string& chat_template,
                         int64_t vocab_size);

}  // namespace maru::infer
