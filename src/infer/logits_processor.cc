#include "infer/logits_processor.h"

#include <limits>

namespace maru::infer {

RepetitionPenalty::RepetitionPenalty(double penalty, std::span<const int32_t> prompt)
    : penalty_(static_cast<float>(penalty)) {
  for (const int32_t token : prompt) seen_.insert(token);
}

void RepetitionPenalty::process(std::span<float> logits) {
  for (const int32_t token : seen_) {
    float& logit = logits[static_cast<size_t>(token)];
    logit = logit > 0 ? logit / penalty_ : logit * penalty_;
  }
}

void AnswerPenalties::process(std::span<float> logits) {
  for (const auto& [token, count] : counts_)
    logits[static_cast<size_t>(token)] -= static_cast<float>(presence_ + frequency_ * static_cast<double>(count));
}

void MinTokens::process(std::span<float> logits) {
  if (left_ <= 0) return;
  for (const int32_t token : end_tokens_) logits[static_cast<size_t>(token)] = -std::numeric_limits<float>::infinity();
}

void LogitBias::process(std::span<float> logits) {
  for (const auto& [token, bias] : bias_) logits[static_cast<size_t>(token)] += static_cast<float>(bias);
}

}  // namespace maru::infer
