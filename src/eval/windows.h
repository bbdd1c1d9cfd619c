// A text as windows of tokens that fit a model's context, and what a model makes of them.
#pragma once
#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "models/decoder.h"
#include "ops/step_memory.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::eval {

/// Windows of up to `length` tokens and one more, which is only predicted; the next window begins with it.
struct Windows {
  std::vector<std::vector<int32_t>> tokens;
  uint64_t bytes = 0;   // of the text that they stand for
  int64_t counted = 0;  // predicted tokens
};

/// Adds a document of tokens.
void add_document(Windows& to, std::span<const int32_t> tokens, uint64_t bytes, int64_t length);
/// Documents, whole ones until `most_tokens` (0: all) have been counted, as training reads them: bos if the tokenizer
/// has one, then the text; spellings of special tokens are plain text.
Windows windows_of(const std::vector<std::string>& documents, const text::Tokenizer& tokenizer, int64_t length,
                   int64_t most_tokens);

/// The documents of a file: the "text" of each line of JSONL, anything else is one document. Also compressed (.gz,
/// .zst, .xz). Stops behind `most_bytes`.
///
/// Throws   kNotFound; kInvalidArgument naming the line that has no "text", or when there is no text at all.
std::vector<std::string> read_documents(const fs::path& file, uint64_t most_bytes);

struct WindowScore {
  double nats = 0;
  int64_t tokens = 0;
  uint64_t bytes = 0;
  double bits_per_byte() const;
};

/// How well a model predicts windows. The same as train::validate without overlap.
WindowScore score_windows(StepMemory&, Decoder&, const Windows& windows,
                          const std::function<void(int64_t tokens)>& progress = {});

}  // namespace maru::eval
