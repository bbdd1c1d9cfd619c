// A model directory made ready to serve: weights, tokenizer, key-value pages. What `maru serve`, `maru chat` and
// `maru generate` share.
#pragma once
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/file.h"
#include "infer/decoder_runner.h"
#include "models/adapter.h"
#include "text/chat_template.h"
#include "text/tokenizer.h"

namespace maru::infer {

struct LoadOptions {
  fs::path adapter;                        // a PEFT adapter's directory, used beside the weights; empty: none
  std::optional<Dtype> dtype;              // none: the model's own
  int64_t cache_bytes = int64_t{1} << 30;  // of key-value memory at most; no more than max_sequences can fill is taken
  int64_t max_sequences = 1;
};

/// Owned by one thread until an Engine uses it; must outlive that engine.
class LoadedModel {
 public:
  /// Throws what load_model, attach_adapter, Tokenizer::load and DecoderRunner throw; kInvalidArgument when the
  /// tokenizer has more tokens than the model.
  LoadedModel(const fs::path& directory, Stream stream, const LoadOptions& options);
  StepModel& runner() { return *runner_; }
  const Decoder& decoder() const { return *decoder_; }
  const text::Tokenizer& tokenizer() const { return tokenizer_; }
  /// Null: the model was not made to chat.
  const text::ChatTemplate* chat_template() const { return chat_template_ ? &*chat_template_ : nullptr; }
  /// What ends an answer: eos of generation_config.json and of the tokenizer, and the end of a chat turn.
  const std::vector<int32_t>& end_tokens() const { return end_tokens_; }
  /// The directory's name.
  const std::string& name() const { return name_; }

 private:
  std::string name_;
  std::unique_ptr<Decoder> decoder_;
  std::unique_ptr<Adapter> adapter_;  // attached to it, or null
  text::Tokenizer tokenizer_;
  std::optional<text::ChatTemplate> chat_template_;
  std::vector<int32_t> end_tokens_;
  std::unique_ptr<DecoderRunner> runner_;
};

}  // namespace maru::infer
