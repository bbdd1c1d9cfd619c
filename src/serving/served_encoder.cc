#include "serving/served_encoder.h"

#include <utility>

#include "base/unix_time.h"
#include "models/weights.h"

namespace maru::serving {

ServedEncoder::ServedEncoder(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder,
                             infer::EncoderEngineOptions options)
    : id_(std::move(id)),
      created_(unix_seconds()),
      encoder_(std::move(encoder)),
      bytes_(value_bytes(encoder_->model().model())),
      engine_(encoder_->runner(), std::move(options)) {}

bool ServedEncoder::is_reranker() const {
  return encoder_->model().is_classifier() && encoder_->model().num_labels() == 1;
}

std::string ServedEncoder::prefix(const std::string& kind) const {
  const auto& prompts = encoder_->model().prompts();
  // sentence-transformers calls passages so, or documents.
  for (const std::string& name : {kind, std::string(kind == "passage" ? "document" : kind)})
    if (const auto it = prompts.find(name); it != prompts.end()) return it->second;
  return "";
}

infer::EncoderInput ServedEncoder::input_of(std::string_view text, infer::Truncation truncation) const {
  std::lock_guard lock(tokenizer_);
  return encoder_->input_of(text, truncation);
}

infer::EncoderInput ServedEncoder::input_of(const infer::TextPair& pair) const {
  std::lock_guard lock(tokenizer_);
  return encoder_->input_of(pair);
}

}  // namespace maru::serving
