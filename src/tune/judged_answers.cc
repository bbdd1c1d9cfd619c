#include "tune/judged_answers.h"

#include <chrono>

namespace maru::tune {

std::string text_of(const text::Tokenizer& tokenizer, const Rollout& rollout) {
  std::vector<int32_t> known;
  for (const int32_t token : rollout.tokens)
    if (tokenizer.contains(token)) known.push_back(token);  // a model's table may be longer than its vocabulary
  if (rollout.ended && !known.empty() && known.back() == rollout.tokens.back()) known.pop_back();
  return tokenizer.decode(known);
}

void judge(JudgedAnswers& answers, const PromptSet& prompts, const text::Tokenizer& tokenizer, RewardSet& rewards) {
  const auto start = std::chrono::steady_clock::now();
  std::vector<Json> lines;
  for (const int64_t prompt : answers.prompts) lines.push_back(prompts.line(prompt));
  answers.texts.clear();
  for (const std::vector<Rollout>& group : answers.rollouts)
    for (const Rollout& rollout : group) answers.texts.push_back(text_of(tokenizer, rollout));
  std::vector<JudgedAnswer> judged;
  for (size_t i = 0; i < lines.size(); ++i)
    for (const Rollout& rollout : answers.rollouts[i])
      judged.push_back({.line = &lines[i],
                        .where = prompts.where(answers.prompts[i]),
                        .text = answers.texts[judged.size()],
                        .tokens = rollout.tokens});
  answers.scores = rewards.score(judged);
  answers.words = rewards.take_words();
  answers.seconds_judging = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

train::Figures figures_of(const JudgedAnswers& answers, const train::GroupPolicyConfig& config) {
  train::Figures figures;
  const auto add_mean = [&](const std::string& name, const std::vector<Score>& scores) {
    if (const Spread s = spread_of(scores); s.count > 0) figures[name] = s.mean;
  };
  for (size_t r = 0; r < config.rewards.size(); ++r)
    add_mean("reward_" + config.rewards[r].figure(), answers.scores[r]);
  add_mean("reward", total_rewards(config, answers.scores));
  double tokens = 0, truncated = 0;
  for (const std::vector<Rollout>& group : answers.rollouts)
    for (const Rollout& rollout : group) {
      tokens += static_cast<double>(rollout.tokens.size());
      truncated += rollout.ended ? 0 : 1;
    }
  figures["completion_length"] = tokens / static_cast<double>(answers.size());
  figures["truncated"] = truncated / static_cast<double>(answers.size());
  figures["seconds_generating"] = answers.seconds_generating;
  figures["seconds_judging"] = answers.seconds_judging;
  return figures;
}

}  // namespace maru::tune
