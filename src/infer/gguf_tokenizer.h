// A Hugging Face tokenizer as GGUF metadata. Names and meanings are llama.cpp's: byte-level BPE becomes "gpt2", BPE
// over characters with byte fallback becomes "llama". Pure function, thread-safe.
#pragma once
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/json_fwd.h"
#include "formats/gguf_writer.h"

namespace maru::infer {

/// How far a file's tokens are from the tokenizer's own, found by trying.
struct SplitTrial {
  std::string pre = "default";
  int64_t lines = 0, differing = 0;        // lines that were compared; those of them with other ids
  int64_t tokens = 0, tokens_in_gguf = 0;  // on all of them
};

/// A byte-level vocabulary as it stands in the file.
struct ByteLevelTokens {
  const std::vector<std::string>&tokens, &merges;
  const std::vector<int32_t>& types;
};

struct TokenizerSource {
  const Json& tokenizer;      // tokenizer.json
  const Json& config;         // tokenizer_config.json, or an empty object
  std::string chat_template;  // Jinja, or empty
  int64_t vocab_size = 0;     // of the model: ids without a token are filled up
  /// For a split that llama.cpp has by no name: the nearest that it has. None: "default", and nothing was tried.
  std::function<SplitTrial(const ByteLevelTokens&)> nearest_split = {};
};

struct TokenizerExport {
  std::string model, pre;  // "gpt2", "llama-bpe"
  bool exact = true;       // llama.cpp gives this tokenizer's ids: by its name, or on all lines that were tried
  std::optional<SplitTrial> trial;  // where no name says so
};

/// Writes tokenizer.*. When llama.cpp has no such way to split text by name, `pre` is the nearest one, and the whole
/// tokenizer.json goes into tokenizer.huggingface.json, for programs that read it.
///
/// Throws   kUnimplemented for models other than BPE; kInvalidArgument for ids beyond vocab_size.
TokenizerExport put_tokenizer(formats::GgufWriter& writer, const TokenizerSource& source);

}  // namespace maru::infer
