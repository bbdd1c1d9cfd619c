// Runs a text encoder: many texts in, one vector or one score each out. Texts are packed end to end into batches of
// about `batch_tokens` tokens, without padding. A text's numbers do not depend on the others, nor on the batch size.
// Owned by one thread.
#pragma once
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "models/sentence_encoder.h"
#include "ops/step_memory.h"

namespace maru::infer {

/// A text or a pair of texts as the model reads it, special tokens included.
struct EncoderInput {
  std::vector<int32_t> tokens;
  std::vector<int32_t> types;  // empty: all 0
};

class EncoderRunner {
 public:
  /// The model, which is placed on the device, and the device must outlive this.
  EncoderRunner(SentenceEncoder& model, Device& device, int64_t batch_tokens = 4096);

  /// One vector per input, normalised if the model says so.
  ///
  /// Throws   kInvalidArgument when an input is empty or too long for the model, or an id is out of range.
  std::vector<std::vector<float>> embed(std::span<const EncoderInput> inputs);
  /// The classifier's outputs (logits) of every input.
  ///
  /// Throws   as above; kInvalidArgument when the model has no classifier.
  std::vector<std::vector<float>> classify(std::span<const EncoderInput> inputs);
  /// A reranker's scores: the only logit of each input, through a sigmoid if the model says so.
  ///
  /// Throws   as above; kInvalidArgument when the model has several labels.
  std::vector<double> score(std::span<const EncoderInput> inputs);

 private:
  using Head = Tensor (SentenceEncoder::*)(Context&, const EncoderBatch&);
  std::vector<std::vector<float>> run(std::span<const EncoderInput> inputs, Head head);
  void run_batch(Head head, std::vector<std::vector<float>>& results);

  SentenceEncoder& model_;
  const int64_t batch_tokens_;
  EncoderBatchBuilder builder_;
  StepMemory memory_;
};

}  // namespace maru::infer
