#include "infer/logits_processor.h"

#include <algorithm>
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

AllowedTokens::AllowedTokens(std::vector<int32_t> allowed) : allowed_(std::move(allowed)) {
  std::sort(allowed_.begin(), allowed_.end());
}

void AllowedTokens::process(std::span<float> logits) {
  size_t next = 0;
  for (const int32_t token : allowed_) {
    const auto id = static_cast<size_t>(token);
    for (; next < id; ++next) logits[next] = -std::numeric_limits<float>::infinity();
    next = id + 1;
  }
  for (; next < logits.size(); ++next) logits[next] = -std::numeric_limits<float>::infinity();
}

void BadWords::process(std::span<float> logits) {
  for (const std::vector<int32_t>& word : words_) {
    const size_t before = word.size() - 1;
    if (before > said_.size() || !std::equal(word.begin(), word.end() - 1, said_.end() - static_cast<int64_t>(before)))
      continue;
    logits[static_cast<size_t>(word.back())] = -std::numeric_limits<float>::infinity();
  }
}

}  // namespace maru::infer
