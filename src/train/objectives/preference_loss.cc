#include "train/objectives/preference_loss.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <numeric>

#include "train/objectives/dual.h"
#include "train/objectives/preference_formulas.h"

namespace maru::train {
namespace {

using Pairs = std::span<const PreferencePair>;

/// Adds weight · loss, a function of the chosen answer of one pair and the rejected one of another or the same.
void add(PreferenceLoss& to, double weight, const Dual& loss, size_t chosen, size_t rejected) {
  to.sum += weight * loss.value;
  to.pairs[chosen].chosen += weight * loss.first;
  to.pairs[rejected].rejected += weight * loss.second;
}

/// Places of the pairs in ascending order of a number of each.
template <class F>
std::vector<size_t> order_by(Pairs pairs, const F& number) {
  std::vector<size_t> order(pairs.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::ranges::stable_sort(order, {}, [&](size_t i) { return number(pairs[i]); });
  return order;
}

void add_each(PreferenceLoss& to, const PreferenceConfig& c, std::string_view type, double weight, Pairs pairs) {
  for (size_t i = 0; i < pairs.size(); ++i) {
    const AnswerLikelihood &chosen = pairs[i].chosen, &rejected = pairs[i].rejected;
    const PairTerm<Dual> term{{chosen.log_ratio(), 1, 0},
                              {rejected.log_ratio(), 0, 1},
                              std::max(1.0, static_cast<double>(chosen.tokens)),
                              std::max(1.0, static_cast<double>(rejected.tokens))};
    add(to, weight * pairs[i].weight, pair_loss(c, type, term), i, i);
  }
}

// The k-th largest margin of the model against the k-th largest of the reference.
void add_aot(PreferenceLoss& to, const PreferenceConfig& c, double weight, Pairs pairs) {
  const auto policy = [](const PreferencePair& p) { return p.chosen.policy - p.rejected.policy; };
  const auto reference = [](const PreferencePair& p) { return p.chosen.reference - p.rejected.reference; };
  const std::vector<size_t> ours = order_by(pairs, policy), theirs = order_by(pairs, reference);
  for (size_t k = 0; k < pairs.size(); ++k) {
    const Dual delta{policy(pairs[ours[k]]) - reference(pairs[theirs[k]]), 1, -1};
    add(to, weight, aot_loss(c, delta), ours[k], ours[k]);
  }
}

// The k-th largest log-ratio of chosen answers against the k-th largest of rejected ones.
void add_aot_unpaired(PreferenceLoss& to, const PreferenceConfig& c, double weight, Pairs pairs) {
  const auto chosen = order_by(pairs, [](const PreferencePair& p) { return p.chosen.log_ratio(); });
  const auto rejected = order_by(pairs, [](const PreferencePair& p) { return p.rejected.log_ratio(); });
  for (size_t k = 0; k < pairs.size(); ++k) {
    const Dual delta{pairs[chosen[k]].chosen.log_ratio() - pairs[rejected[k]].rejected.log_ratio(), 1, -1};
    add(to, weight, aot_loss(c, delta), chosen[k], rejected[k]);
  }
}

// Of every pair: the mean over the tokens of all chosen answers, −Σ log π(chosen) / Σ |c| (Pang et al. 2024 (RPO),
// arXiv:2404.19733, has it beside sigmoid).
void add_sft(PreferenceLoss& to, double weight, Pairs pairs) {
  double nll = 0, tokens = 0;
  for (const PreferencePair& pair : pairs) nll += pair.chosen_nll, tokens += static_cast<double>(pair.chosen.tokens);
  const double slope = weight * static_cast<double>(pairs.size()) / std::max(1.0, tokens);
  to.sum += slope * nll;
  to.chosen_nll += slope;
}

[[noreturn]] void refuse(const std::string& field, const std::string& why) {
  throw Failure(ErrorCode::kInvalidArgument, "recipe: preference." + field + ": " + why);
}

bool has_any(const PreferenceConfig& c, std::initializer_list<std::string_view> types) {
  return std::ranges::any_of(c.loss_type, [&](const std::string& type) { return std::ranges::count(types, type) > 0; });
}

void check_divergence(const PreferenceConfig& c) {
  if (c.f_divergence_type == "reverse_kl") return;
  for (const std::string& type : c.loss_type)
    if (has_any({.loss_type = {type}},
                {"nca_pair", "bco_pair", "sppo_hard", "aot", "aot_unpaired", "apo_zero", "apo_down"}))
      refuse("f_divergence_type", fmt::format("{} is defined for reverse_kl alone, got {}", type, c.f_divergence_type));
}

void check_smoothing(const PreferenceConfig& c) {
  if (has_any(c, {"exo_pair"}) && (c.label_smoothing == 0 || c.label_smoothing == 1))
    refuse("label_smoothing", fmt::format("exo_pair takes its logarithm: expected a number between 0 and 1, such as "
                                          "1e-3, got {}",
                                          c.label_smoothing));
  if (has_any(c, {"robust"}) && c.label_smoothing >= 0.5)
    refuse("label_smoothing", fmt::format("robust expects less than 0.5, got {}", c.label_smoothing));
  if (c.label_smoothing > 0 && !has_any(c, {"exo_pair", "robust", "aot", "aot_unpaired"}))
    refuse("label_smoothing",
           fmt::format("is not used by {}: expected 0, or one of exo_pair, robust, aot, aot_unpaired "
                       "as loss_type",
                       fmt::join(c.loss_type, ", ")));
}

}  // namespace

void check(const PreferenceConfig& c) {
  if (c.loss_type.empty()) refuse("loss_type", "expected at least one");
  if (!c.loss_weights.empty() && c.loss_weights.size() != c.loss_type.size())
    refuse("loss_weights",
           fmt::format("expected {}, one for each loss_type, got {}", c.loss_type.size(), c.loss_weights.size()));
  check_divergence(c);
  check_smoothing(c);
  if (c.use_weighting && has_any(c, {"aot", "aot_unpaired", "sft"}))
    refuse("use_weighting", "aot, aot_unpaired and sft are of many pairs together: none has a loss to be weighted");
}

PreferenceLoss preference_loss(const PreferenceConfig& c, std::span<const PreferencePair> pairs) {
  PreferenceLoss loss;
  loss.pairs.resize(pairs.size());
  for (size_t i = 0; i < c.loss_type.size(); ++i) {
    const std::string& type = c.loss_type[i];
    const double weight = c.loss_weights.empty() ? 1 : c.loss_weights[i];
    if (type == "aot")
      add_aot(loss, c, weight, pairs);
    else if (type == "aot_unpaired")
      add_aot_unpaired(loss, c, weight, pairs);
    else if (type == "sft")
      add_sft(loss, weight, pairs);
    else
      add_each(loss, c, type, weight, pairs);
  }
  return loss;
}

}  // namespace maru::train
