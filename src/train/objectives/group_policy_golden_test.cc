// Losses and gradients against TRL's own: tests/golden/group_policy.json, which
// tests/reference/make_group_policy_golden.py writes. The reference is the model with o_proj and down_proj times −0.5.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "optim/optimizer.h"
#include "tensor/cpu_device.h"
#include "train/objectives/group_policy.h"

namespace maru::train {
namespace {

constexpr double kClose = 1e-5;  // relative

MicroBatch batch_of(const Json& answers) {
  MicroBatch batch;
  for (const Json& answer : answers) {
    auto tokens = answer["prompt"].get<std::vector<int32_t>>();
    const size_t prompt = tokens.size();
    for (const Json& token : answer["answer"]) tokens.push_back(token.get<int32_t>());
    for (size_t t = 1; t < tokens.size(); ++t) batch.targets.push_back(t >= prompt ? tokens[t] : -1);
    tokens.pop_back();
    batch.builder.add(tokens);
    batch.answers.push_back({.advantage = answer["advantage"].get<double>()});
  }
  return batch;
}

class GroupPolicyGolden : public testing::Test {
 protected:
  std::unique_ptr<Decoder> load() {
    const fs::path directory = "tests/golden/models/llama";
    auto model = std::make_unique<Decoder>(load_model(directory, Dtype::kF32)->config(), Dtype::kF32);
    allocate_values(*model);
    model->load(directory);
    place(device_, *model);
    return model;
  }
  void SetUp() override {
    golden_ = read_json("tests/golden/group_policy.json");
    for (Parameter* p : reference_->parameters())
      if (p->name.find("o_proj") != std::string::npos || p->name.find("down_proj") != std::string::npos)
        for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] *= -0.5F;
    allocate_gradients(device_, *model_);
  }
  const Parameter& parameter(const std::string& name) {
    for (const Parameter* p : model_->parameters())
      if (p->name == name) return *p;
    throw Failure(ErrorCode::kNotFound, name);
  }
  static void compare(const Json& expected, const Tensor& gradient, const std::string& what) {
    const auto* g = gradient.data<float>();
    const int64_t size = gradient.size(), step = size / static_cast<int64_t>(expected["elements"].size());
    double squares = 0, weighted = 0;
    for (int64_t i = 0; i < size; ++i) {
      squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
      weighted += static_cast<double>(g[i]) * static_cast<double>(i * 7919 % 97 - 48) / 48;
    }
    const auto norm = expected["norm"].get<double>(), largest = expected["largest"].get<double>();
    EXPECT_NEAR(norm, std::sqrt(squares), kClose * norm) << what;
    EXPECT_NEAR(expected["weighted"].get<double>(), weighted, kClose * norm * std::sqrt(static_cast<double>(size) / 3))
        << what;
    for (size_t i = 0; i < expected["elements"].size(); ++i)
      EXPECT_NEAR(expected["elements"][i].get<double>(), g[static_cast<int64_t>(i) * step + 7], kClose * largest)
          << what << " " << i;
  }
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

  Json golden_;
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  std::unique_ptr<Decoder> model_ = load(), reference_ = load();
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
      for (Parameter* p : model_->parameters()) std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
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
    for (const auto& item : expected["gradients"].items())
      compare(item.value(), parameter(item.key()).gradient, what + " " + item.key());
    for (Parameter* p : model_->parameters()) std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
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
