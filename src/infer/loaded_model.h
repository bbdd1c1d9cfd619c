// A model on disk made ready to serve: weights, tokenizer, key-value pages. What `maru serve`, `maru chat` and
// `maru generate` share.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "infer/decoder_runner.h"
#include "infer/model_text.h"
#include "models/adapter.h"

namespace maru::infer {

struct LoadOptions {
  fs::path adapter;                        // a PEFT adapter's directory, used beside the weights; empty: none
  std::optional<Dtype> dtype;              // none: the model's own
  int64_t cache_bytes = int64_t{1} << 30;  // of key-value memory at most; no more than max_sequences can fill is taken
  int64_t pages = 0;                       // of key-value memory, whatever their bytes; 0: as cache_bytes says
  int64_t max_sequences = 1;
  bool int8_cache = false;       // keys and values in 8 bits
  ThreadPool* loader = nullptr;  // packs weights; null: the device's own, which nothing else may use meanwhile
};

/// Bytes of its key-value memory: what the sequences can fill at most, and no more than is allowed.
int64_t cache_bytes_for(const Decoder& decoder, const LoadOptions& options);

/// What a model or an adapter on disk is called: its directory's name, or a file's without its ending.
std::string stored_name(const fs::path& path);

/// Owned by one thread until an Engine uses it; must outlive that engine.
class LoadedModel {
 public:
  /// `path` is a directory or a GGUF file. Throws what load_for_serving, Adapter, load_text and DecoderRunner
  /// throw; kInvalidArgument when the tokenizer has more tokens than the model.
  LoadedModel(const fs::path& path, Device& device, const LoadOptions& options);
  StepModel& runner() { return *runner_; }
  Decoder& decoder() { return *decoder_; }
  const Decoder& decoder() const { return *decoder_; }
  const text::Tokenizer& tokenizer() const { return text_.tokenizer; }
  /// Null: the model was not made to chat.
  const text::ChatTemplate* chat_template() const { return text_.chat_template ? &*text_.chat_template : nullptr; }
  /// What ends an answer: the ends that the model's files name, and the end of a chat turn.
  const std::vector<int32_t>& end_tokens() const { return text_.end_tokens; }
  /// The directory's name, or a file's without its ending.
  const std::string& name() const { return name_; }
  /// Of memory: weights, mapped ones too, and key-value pages.
  int64_t bytes() const;

 private:
  std::string name_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Adapter> adapter_;  // of every answer, or null
  ModelText text_;
  std::unique_ptr<DecoderRunner> runner_;
};

}  // namespace maru::infer
