// What a model on disk says about text: its tokenizer, its chat template, and what ends an answer. From the files of a
// Hugging Face directory, or from the metadata of a GGUF file.
#pragma once
#include <optional>
#include <vector>

#include "base/file.h"
#include "text/chat/chat_template.h"
#include "text/tokenizer/tokenizer.h"

namespace maru::infer {

struct ModelText {
  text::Tokenizer tokenizer;
  std::optional<text::ChatTemplate> chat_template;  // nothing: the model was not made to chat
  std::vector<int32_t> end_tokens;
};

/// `path` is a directory, a GGUF file, or a directory that holds one.
///
/// A GGUF file with a whole tokenizer.json in it (tokenizer.huggingface.json, which our export writes where llama.cpp
/// splits text otherwise) is read by that, others by their vocabulary.
///
/// Throws   what text::load_tokenizer and ChatTemplate::load throw; kDataLoss for metadata of the wrong type.
ModelText load_text(const fs::path& path);

}  // namespace maru::infer
