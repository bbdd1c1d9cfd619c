// Losses and gradients against TRL's own: tests/golden/group_policy.json, which
// tests/reference/make_group_policy_golden.py writes. The reference is the model with o_proj and down_proj times −0.5.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "train/objectives/group_policy.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

MicroBatch batch_of(const Json& answers) {
  MicroBatch batch;
  for (const Json& answer : answers) {
    add_answer(batch, answer["prompt"], answer["answer"]);
    batch.answers.push_back({.advantage = answer["advantage"].get<double>()});
  }
  return batch;
}

class GroupPolicyGolden : public TrlGolden {
 protected:
  // The loss with its gradients; a sum over answers of which there is one micro-batch.
  double backward(GroupPolicy& objective, const GroupPolicyConfig& config, const MicroBatch& batch) {
    int64_t tokens = 0;
    for (const int32_t target : batch.targets) tokens += target >= 0;
    Arena arena(device_, 1 << 25);
    Tape tape;
    Context ctx{device_, arena, &tape};
    const int64_t counted = counted_of(config, tokens, std::ssize(batch.answers));
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(counted));
    tape.backward(ctx, loss);
    return static_cast<double>(*loss.data<float>());
  }

  const Json golden_ = read_json("tests/golden/group_policy.json");
};

TEST_F(GroupPolicyGolden, LossesAndGradientsAreTrls) {
  ASSERT_GE(golden_["cases"].size(), 30u);
  for (const Json& expected : golden_["cases"]) {
    const std::string what = expected["group_policy"].dump() + (expected["fresh"].get<bool>() ? " fresh" : "");
    const auto config = from_json<GroupPolicyConfig>(expected["group_policy"], "golden");
    GroupPolicy objective(*model_, reference_.get(), config);
    MicroBatch batch = batch_of(golden_["answers"]);
    if (!expected["fresh"].get<bool>()) {  // what the model finds now, and noise
      backward(objective, config, batch);
      const std::vector<std::vector<double>> now = objective.take_policy();
      for (size_t i = 0; i < now.size(); ++i)
        for (size_t t = 0; t < now[i].size(); ++t)
          batch.answers[i].old.push_back(now[i][t] + golden_["answers"][i]["noise"][t].get<double>());
      forget_gradients();
      objective.take_figures();
    }
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, backward(objective, config, batch), kClose * std::abs(value)) << what;
    const GroupPolicyFigures figures = objective.take_figures();
    const auto tokens = static_cast<double>(figures.tokens);
    if (config.importance_sampling_level == "token") {  // of a sequence TRL counts answers
      EXPECT_NEAR(expected["clipped"].get<double>(), static_cast<double>(figures.clipped) / tokens, 1e-6) << what;
    }
    EXPECT_NEAR(expected["kl"].get<double>(), figures.divergence / tokens, 1e-5 * (1 + expected["kl"].get<double>()))
        << what;
    expect_gradients(expected["gradients"], what);
  }
}

// The trap of others' documentation: beta is 0, so there is no reference, and the loss is dapo's, not grpo's.
TEST_F(GroupPolicyGolden, DefaultsAreTrls) {
  const Json ours = to_json(GroupPolicyConfig());
  EXPECT_EQ(ours["beta"], 0.0);
  EXPECT_EQ(ours["loss_type"], "dapo");
  ASSERT_GE(golden_["defaults"].size(), 20u);
  for (const auto& item : golden_["defaults"].items()) {
    if (item.key() == "learning_rate") continue;  // the optimiser's
    EXPECT_EQ(item.value(), ours.value(item.key(), Json("missing"))) << item.key();
  }
}

}  // namespace
}  // namespace maru::train
