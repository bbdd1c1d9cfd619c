// Losses and gradients against TRL's own: tests/golden/preference.json, which tests/reference/make_preference_golden.py
// writes. The reference is the model with o_proj and down_proj times −0.5.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/preference.h"

namespace maru::train {
namespace {

constexpr double kClose = 1e-5;  // relative

MicroBatch batch_of(const Json& pairs) {
  MicroBatch batch;
  for (const Json& pair : pairs)
    for (const char* side : {"chosen", "rejected"}) {
      auto tokens = pair["prompt"].get<std::vector<int32_t>>();
      const size_t prompt = tokens.size();
      for (const Json& token : pair[side]) tokens.push_back(token.get<int32_t>());
      for (size_t t = 1; t < tokens.size(); ++t) batch.targets.push_back(t >= prompt ? tokens[t] : -1);
      tokens.pop_back();
      batch.builder.add(tokens);
    }
  batch.counted = static_cast<int64_t>(pairs.size());
  return batch;
}

class PreferenceGolden : public testing::Test {
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
    golden_ = read_json("tests/golden/preference.json");
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
  void compare(const Json& expected, const Tensor& gradient, const std::string& what) {
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

  Json golden_;
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  std::unique_ptr<Decoder> model_ = load(), reference_ = load();
};

TEST_F(PreferenceGolden, LossesAndGradientsAreTrls) {
  const MicroBatch batch = batch_of(golden_["pairs"]);
  const double pairs = static_cast<double>(batch.counted);
  ASSERT_GE(golden_["cases"].size(), 30u);
  for (const Json& expected : golden_["cases"]) {
    const std::string what = expected["preference"].dump();
    Preference objective(*model_, *reference_, from_json<PreferenceConfig>(expected["preference"], "golden"));
    Arena arena(device_, 1 << 25);
    Tape tape;
    Context ctx{device_, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / pairs);
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, *loss.data<float>(), kClose * std::abs(value)) << what;
    const PreferenceFigures figures = objective.take_figures();
    EXPECT_NEAR(expected["accuracies"].get<double>(), figures.accuracy(), 1e-6) << what;
    EXPECT_NEAR(expected["margins"].get<double>(), figures.mean_margin(), 1e-5) << what;
    for (const auto& item : expected["gradients"].items())
      compare(item.value(), parameter(item.key()).gradient, what + " " + item.key());
    for (Parameter* p : model_->parameters()) std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
  }
}

}  // namespace
}  // namespace maru::train
