// Answers to prompts, sampled and judged.
#pragma once
#include <string>
#include <vector>

#include "train/metrics.h"
#include "tune/advantages.h"
#include "tune/prompts.h"
#include "tune/rewards/reward.h"
#include "tune/rollouts.h"

namespace maru::tune {

struct JudgedAnswers {
  std::vector<int64_t> prompts;                 // of a PromptSet
  std::vector<std::vector<Rollout>> rollouts;   // of each prompt
  std::vector<std::string> texts;               // of all answers, in order
  std::vector<std::vector<Score>> scores;       // [reward][answer]
  std::vector<std::vector<std::string>> words;  // [reward][answer], of rewards that say some; the others' are empty
  double seconds_generating = 0, seconds_judging = 0;
  int64_t size() const { return static_cast<int64_t>(texts.size()); }
};

/// The answer as rewards see it: special tokens as they are spelled, the one that ended it left out.
std::string text_of(const text::Tokenizer& tokenizer, const Rollout& rollout);

/// Judges what is already sampled. Throws   what rewards throw.
void judge(JudgedAnswers& answers, const PromptSet& prompts, const text::Tokenizer& tokenizer, RewardSet& rewards);

/// reward, each reward by its name, completion_length (mean, tokens), truncated (share), seconds of both.
train::Figures figures_of(const JudgedAnswers& answers, const train::GroupPolicyConfig& config);

}  // namespace maru::tune
