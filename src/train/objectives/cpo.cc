#include "train/objectives/cpo.h"

#include "base/error.h"

namespace maru::train {

void check(const CpoConfig& c) {
  if (c.label_smoothing > 0 && c.loss_type != "sigmoid" && c.loss_type != "simpo")
    throw Failure(ErrorCode::kInvalidArgument, "recipe: cpo.label_smoothing: is not used by " + c.loss_type +
                                                   ": expected 0, or sigmoid or simpo as loss_type");
}

ReferenceFree::Term Cpo::term_of(const LogProbability& chosen, const LogProbability& rejected) const {
  const auto dual = [&](const LogProbability& answer, double first, double second) -> Dual {
    if (!config_.of_means()) return {answer.sum, first, second};
    return {answer.mean(), first / answer.length(), second / answer.length()};
  };
  const Dual c = dual(chosen, 1, 0), r = dual(rejected, 0, 1), loss = cpo_loss(config_, c, r);
  return {loss.value, loss.first, loss.second, config_.beta * cpo_reward(config_, c).value,
          config_.beta * cpo_reward(config_, r).value};
}

}  // namespace maru::train
