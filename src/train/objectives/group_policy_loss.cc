#include "train/objectives/group_policy_loss.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>

#include "train/objectives/dual.h"
#include "train/objectives/group_policy_formulas.h"

namespace maru::train {
namespace {

/// What the answer's sum over tokens is multiplied with.
double share_of(const GroupPolicyConfig& c, size_t tokens, int64_t all_tokens) {
  const double own = std::max(1.0, static_cast<double>(tokens));
  if (c.loss_type == "grpo" || c.loss_type == "sapo") return 1 / own;
  if (c.loss_type == "bnpo") return 1 / std::max(1.0, static_cast<double>(all_tokens));
  if (c.loss_type == "dr_grpo") return 1 / static_cast<double>(c.max_completion_length);
  return 1;
}

bool is_clipped(const GroupPolicyConfig& c, double ratio, double advantage) {
  if (c.loss_type == "cispo") return advantage > 0 && ratio > c.upper();
  if (c.loss_type == "sapo" || c.loss_type == "vespo") return false;
  return (advantage < 0 && ratio < 1 - c.epsilon) || (advantage > 0 && ratio > 1 + c.upper());
}

// TRL cuts each log-ratio before it sums them up.
double sum_of_cut(const std::vector<double>& log_ratios) {
  double sum = 0;
  for (const double x : log_ratios) sum += std::clamp(x, -20.0, 20.0);
  return sum;
}

std::vector<double> log_ratios_of(const PolicyAnswer& answer) {
  CHECK(answer.old.size() == answer.policy.size());
  std::vector<double> ratios(answer.policy.size());
  for (size_t t = 0; t < ratios.size(); ++t) ratios[t] = answer.policy[t] - answer.old[t];
  return ratios;
}

void add(GroupPolicyLoss& to, const GroupPolicyConfig& c, const PolicyAnswer& answer, double share) {
  const std::vector<double> ratios = log_ratios_of(answer);
  const size_t n = ratios.size();
  const bool whole = c.importance_sampling_level == "sequence";
  const double mean = std::accumulate(ratios.begin(), ratios.end(), 0.0) / std::max(1.0, static_cast<double>(n));
  const double gamma = gamma_weight(c, answer.advantage, sum_of_cut(ratios));
  std::vector<double>& slopes = to.slopes.emplace_back(n);
  double shared = 0;  // slope in the answer's mean
  for (size_t t = 0; t < n; ++t) {
    const double log_weight = whole ? mean : ratios[t];
    // First is the slope in the token's log π, second that in its log-weight.
    const PolicyTerm<Dual> term{{answer.policy[t], 1, 0}, {log_weight, 0, 1}, answer.advantage, gamma};
    Dual loss = token_loss(c, term);
    if (c.beta != 0) {
      const Dual kl = divergence(c, term, answer.reference[t]);
      to.divergence += kl.value;
      loss = loss + c.beta * kl;
    }
    to.sum += share * loss.value;
    slopes[t] += share * (loss.first + (whole ? 0 : loss.second));
    shared += whole ? share * loss.second : 0;
    to.clipped += is_clipped(c, std::exp(log_weight), answer.advantage);
    to.ratio_difference = std::max(to.ratio_difference, std::abs(std::exp(log_weight) - 1));
  }
  for (double& slope : slopes) slope += shared / static_cast<double>(n);
}

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw Failure(ErrorCode::kInvalidArgument, "recipe: group_policy." + field + ": " + why);
}

}  // namespace

void check(const GroupPolicyConfig& c) {
  if (c.rewards.empty()) refuse("rewards", "expected at least one: answers are judged by something");
  std::set<std::string> names;
  for (const RewardConfig& reward : c.rewards) {
    if (reward.kind.empty()) refuse("rewards", "kind is missing");
    if (!names.insert(reward.figure()).second)
      refuse("rewards", fmt::format("two are called {}: give one of them another name", reward.figure()));
  }
  if (c.epsilon >= 1 && c.loss_type != "cispo")
    refuse("epsilon", fmt::format("expected less than 1, got {}: ratios are above 0", c.epsilon));
  if (c.delta && *c.delta <= 1 + c.upper())
    refuse("delta", fmt::format("expected more than 1 + epsilon_high = {}, got {}", 1 + c.upper(), *c.delta));
  if (c.delta && (c.loss_type == "cispo" || c.loss_type == "sapo" || c.loss_type == "vespo"))
    refuse("delta", "is not used by " + c.loss_type);
}

GroupPolicyLoss group_policy_loss(const GroupPolicyConfig& c, std::span<const PolicyAnswer> answers) {
  GroupPolicyLoss loss;
  for (const PolicyAnswer& answer : answers) loss.tokens += static_cast<int64_t>(answer.policy.size());
  for (const PolicyAnswer& answer : answers) add(loss, c, answer, share_of(c, answer.policy.size(), loss.tokens));
  return loss;
}

int64_t counted_of(const GroupPolicyConfig& c, int64_t tokens, int64_t answers) {
  if (c.loss_type == "dapo" || c.loss_type == "cispo" || c.loss_type == "vespo") return tokens;
  return c.loss_type == "bnpo" ? 1 : answers;
}

}  // namespace maru::train
