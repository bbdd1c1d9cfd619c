#include "tune/group_policy_batches.h"

#include <algorithm>

namespace maru::tune {

void append_answer(train::MicroBatch& batch, const std::vector<int32_t>& prompt, const Rollout& rollout,
                   double advantage, bool counts) {
  std::vector<int32_t> tokens = prompt;
  tokens.insert(tokens.end(), rollout.tokens.begin(), rollout.tokens.end());
  for (size_t t = 1; t < tokens.size(); ++t) {
    const bool counted = counts && t >= prompt.size();
    batch.targets.push_back(counted ? tokens[t] : -1);
    batch.counted += counted;
  }
  tokens.pop_back();
  batch.builder.add(tokens);
  batch.answers.push_back({.advantage = advantage});
}

std::vector<train::MicroBatch> batches_of(const train::GroupPolicyConfig& config,
                                          const std::vector<std::vector<int32_t>>& prompts,
                                          const std::vector<std::vector<Rollout>>& rollouts,
                                          const std::vector<double>& advantages, int64_t tokens) {
  std::vector<train::MicroBatch> batches;
  const int64_t most_pieces = std::max<int64_t>(1, tokens / train::kMinMeanPiece);
  size_t answer = 0;
  for (size_t i = 0; i < prompts.size(); ++i)
    for (const Rollout& rollout : rollouts[i]) {
      const auto size = static_cast<int64_t>(prompts[i].size() + rollout.tokens.size()) - 1;
      CHECK(size <= tokens);
      if (batches.empty() || batches.back().builder.num_tokens() + size > tokens ||
          std::ssize(batches.back().answers) == most_pieces)
        batches.emplace_back();
      append_answer(batches.back(), prompts[i], rollout, advantages[answer++],
                    rollout.ended || !config.mask_truncated_completions);
    }
  for (train::MicroBatch& batch : batches)
    batch.counted = train::counted_of(config, batch.counted, std::ssize(batch.answers));
  return batches;
}

}  // namespace maru::tune
