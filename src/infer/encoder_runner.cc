#include "infer/encoder_runner.h"

#include <cmath>
#include <string>
#include <utility>

#include "base/map_guard.h"

namespace maru::infer {
namespace {

std::vector<float> row_of(const Tensor& y, int64_t row) {
  std::vector<float> values(static_cast<size_t>(y.cols()));
  for (size_t c = 0; c < values.size(); ++c) {
    const size_t i = static_cast<size_t>(row * y.cols()) + c;
    values[c] = y.dtype() == Dtype::kBf16 ? to_float(y.data<bfloat16>()[i]) : y.data<float>()[i];
  }
  return values;
}

// A vector of zeros stays what it is, as in PyTorch's normalize.
void normalize(std::vector<float>& vector) {
  double squares = 0;
  for (float x : vector) squares += static_cast<double>(x) * static_cast<double>(x);
  const double length = std::max(std::sqrt(squares), 1e-12);
  for (float& x : vector) x = static_cast<float>(static_cast<double>(x) / length);
}

}  // namespace

EncoderRunner::EncoderRunner(SentenceEncoder& model, Device& device, int64_t batch_tokens)
    : model_(model), batch_tokens_(batch_tokens), builder_(model.limits()), memory_(device) {
  model.place(device);
}

std::vector<std::vector<float>> EncoderRunner::embed(std::span<const EncoderInput> inputs) {
  std::vector<std::vector<float>> vectors = run(inputs, &SentenceEncoder::embed);
  if (model_.normalize)
    for (std::vector<float>& vector : vectors) normalize(vector);
  return vectors;
}

std::vector<std::vector<float>> EncoderRunner::classify(std::span<const EncoderInput> inputs) {
  if (!model_.is_classifier())
    throw Failure(ErrorCode::kInvalidArgument,
                  "the model has no classifier: expected an architecture of ForSequenceClassification");
  return run(inputs, &SentenceEncoder::classify);
}

std::vector<double> EncoderRunner::score(std::span<const EncoderInput> inputs) {
  if (model_.is_classifier() && model_.num_labels() != 1)
    throw Failure(ErrorCode::kInvalidArgument, "the model has " + std::to_string(model_.num_labels()) +
                                                   " labels: expected a reranker, which has one");
  std::vector<double> scores;
  for (const std::vector<float>& logits : classify(inputs)) {
    const double logit = static_cast<double>(logits.front());
    scores.push_back(model_.has_sigmoid() ? 1 / (1 + std::exp(-logit)) : logit);
  }
  return scores;
}

std::vector<std::vector<float>> EncoderRunner::run(std::span<const EncoderInput> inputs, Head head) {
  std::vector<std::vector<float>> results;
  results.reserve(inputs.size());
  builder_.clear();
  for (const EncoderInput& input : inputs) {
    const bool full = builder_.num_tokens() + static_cast<int64_t>(input.tokens.size()) > batch_tokens_;
    if (full && !builder_.empty()) run_batch(head, results);
    builder_.add(input.tokens, input.types);
  }
  if (!builder_.empty()) run_batch(head, results);
  return results;
}

void EncoderRunner::run_batch(Head head, std::vector<std::vector<float>>& results) {
  memory_.run([&](Context& context) {
    const Tensor there = (model_.*head)(context, builder_.batch(context));
    if (context.arena.dry()) return;
    const Tensor y = to_host(there);
    check_mapped_files();
    for (int64_t row = 0; row < y.rows(); ++row) results.push_back(row_of(y, row));
  });
  builder_.clear();
}

}  // namespace maru::infer
