// A text encoder of this process: its texts, and the engine that computes them for all who ask.
#pragma once
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "infer/encoder_engine.h"
#include "infer/loaded_encoder.h"

namespace maru::serving {

/// Thread-safe.
class ServedEncoder {
 public:
  ServedEncoder(std::string id, std::unique_ptr<infer::LoadedEncoder> encoder, infer::EncoderEngineOptions options);
  const std::string& id() const { return id_; }
  int64_t created() const { return created_; }  // seconds since 1970
  int64_t max_tokens() const { return encoder_->model().max_tokens(); }
  int64_t dimension() const { return encoder_->model().dimension(); }
  /// It scores pairs of texts, with one number.
  bool is_reranker() const;
  /// Scores are the sigmoid of its logits.
  bool has_sigmoid() const { return encoder_->model().has_sigmoid(); }
  /// What the model's files put before texts of a kind ("query", "passage"); empty where they say nothing of it.
  std::string prefix(const std::string& kind) const;
  infer::EncoderInput input_of(std::string_view text, infer::Truncation truncation) const;
  infer::EncoderInput input_of(const infer::TextPair& pair) const;
  infer::EncoderEngine& engine() const { return engine_; }
  int64_t bytes() const { return bytes_; }

 private:
  const std::string id_;
  const int64_t created_;
  const std::unique_ptr<infer::LoadedEncoder> encoder_;
  const int64_t bytes_;
  mutable std::mutex tokenizer_;  // one at a time
  mutable infer::EncoderEngine engine_;
};

}  // namespace maru::serving
