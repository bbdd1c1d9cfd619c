// Losses and gradients against TRL's own and the paper's equation: tests/golden/distillation.json, which
// tests/reference/make_distillation_golden.py writes. The teacher is the model with o_proj and down_proj times −0.5.
#include <gtest/gtest.h>

#include <cmath>

#include "base/json.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/distillation.h"

namespace maru::train {
namespace {

constexpr double kClose = 1e-5;  // relative

MicroBatch batch_of(const Json& sequences) {
  MicroBatch batch;
  for (const Json& sequence : sequences) {
    auto tokens = sequence["prompt"].get<std::vector<int32_t>>();
    const size_t prompt = tokens.size();
    for (const Json& token : sequence["answer"]) tokens.push_back(token.get<int32_t>());
    for (size_t t = 1; t < tokens.size(); ++t) batch.targets.push_back(t >= prompt ? tokens[t] : -1);
    tokens.pop_back();
    batch.builder.add(tokens);
  }
  for (const int32_t target : batch.targets) batch.counted += target >= 0;
  return batch;
}

class DistillationGolden : public testing::Test {
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
    for (Parameter* p : teacher_->parameters())
      if (p->name.find("o_proj") != std::string::npos || p->name.find("down_proj") != std::string::npos)
        for (int64_t i = 0; i < p->value.size(); ++i) p->value.data<float>()[i] *= -0.5F;
    allocate_gradients(device_, *model_);
  }
  // Every gradient is zero behind it.
  void compare(const Json& gradients, const std::string& what) {
    for (Parameter* p : model_->parameters()) {
      auto* const g = p->gradient.data<float>();
      const int64_t size = p->gradient.size();
      if (gradients.contains(p->name)) {
        const Json& expected = gradients[p->name];
        const int64_t step = size / static_cast<int64_t>(expected["elements"].size());
        double squares = 0;
        for (int64_t i = 0; i < size; ++i) squares += static_cast<double>(g[i]) * static_cast<double>(g[i]);
        const auto norm = expected["norm"].get<double>(), largest = expected["largest"].get<double>();
        EXPECT_NEAR(norm, std::sqrt(squares), kClose * norm) << what;
        for (size_t i = 0; i < expected["elements"].size(); ++i)
          EXPECT_NEAR(expected["elements"][i].get<double>(), g[static_cast<int64_t>(i) * step + 7], kClose * largest)
              << what << " " << p->name << " " << i;
      }
      std::fill_n(g, size, 0.0F);
    }
  }

  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  std::unique_ptr<Decoder> model_ = load(), teacher_ = load();
};

TEST_F(DistillationGolden, LossesAndGradientsAreTrls) {
  const Json golden = read_json("tests/golden/distillation.json");
  const MicroBatch batch = batch_of(golden["sequences"]);
  ASSERT_EQ(13u, golden["cases"].size());
  for (const Json& expected : golden["cases"]) {
    const std::string what = expected["distill"].dump();
    Distillation objective(*model_, *teacher_, from_json<DistillConfig>(expected["distill"], "golden"));
    Arena arena(device_, 1 << 25);
    Tape tape;
    Context ctx{device_, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(batch.counted));
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, static_cast<double>(*loss.data<float>()), kClose * std::abs(value)) << what;
    compare(expected["gradients"], what);
  }
}

}  // namespace
}  // namespace maru::train
