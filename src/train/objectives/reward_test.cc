// Reward models: golden numbers of a written-out formula, slopes, what a micro-batch is, same bits.
#include "train/objectives/reward.h"

#include <cmath>

#include "models/quantize.h"
#include "train/objectives/test_answers.h"
#include "train/objectives/test_complex.h"
#include "train/objectives/test_differences.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

TEST(RewardLoss, SlopesAreThoseOfAComplexStep) {
  for (const RewardModelConfig& c : {RewardModelConfig{}, RewardModelConfig{.center_rewards_coefficient = 0.3}})
    for (const double x : {-900.0, -3.0, 0.0, 0.7, 800.0})
      for (const double margin : {0.0, 1.5}) {
        const double y = 0.4;
        const Dual loss = reward_loss<Dual>(c, {x, 1, 0}, {y, 0, 1}, margin);
        const auto step = [&](double dx, double dy) {
          return reward_loss(c, Complex({x, dx}), Complex({y, dy}), margin).z.imag() / kComplexStep;
        };
        const double size = 1e-12 * (1 + std::abs(loss.first) + std::abs(loss.second));
        EXPECT_NEAR(step(kComplexStep, 0), loss.first, size);
        EXPECT_NEAR(step(0, kComplexStep), loss.second, size);
        EXPECT_TRUE(std::isfinite(loss.value));
      }
  EXPECT_FALSE(RewardModelConfig().center_rewards_coefficient) << "TRL's default";
}

// A whole conversation is scored: its last token is no target, but a row.
void add_whole(MicroBatch& batch, const Json& prompt, const Json& answer) {
  auto tokens = prompt.get<std::vector<int32_t>>();
  for (const Json& token : answer) tokens.push_back(token.get<int32_t>());
  batch.builder.add(tokens);
  batch.targets.resize(static_cast<size_t>(batch.builder.num_tokens()), -1);
}

TEST(RewardGolden, LossesScoresAndGradientsAreThoseOfTheFormula) {
  const Json golden = read_json("tests/golden/reward.json");
  ThreadPool pool{2};
  CpuDevice device{&pool};
  const auto decoder = load_golden_model(device);
  RewardModel model(*decoder);
  model.initialise_score(1);
  for (int64_t i = 0; i < model.score().value.size(); ++i)
    model.score().value.data<float>()[i] = static_cast<float>(static_cast<double>(i * 7919 % 97 - 48) / 480);
  allocate_gradients(device, model);
  MicroBatch batch;
  for (const Json& pair : golden["pairs"])
    for (const char* side : {"chosen", "rejected"}) add_whole(batch, pair["prompt"], pair[side]);
  batch.counted = static_cast<int64_t>(golden["pairs"].size());
  ASSERT_GE(golden["cases"].size(), 4u);
  for (const Json& expected : golden["cases"]) {
    const std::string what = expected["config"].dump();
    batch.values.clear();
    if (expected["margins"].get<bool>())
      for (const Json& margin : golden["margins"]) batch.values.insert(batch.values.end(), 2, margin.get<double>());
    Reward objective(model, nullptr, from_json<RewardModelConfig>(expected["config"], "golden"));
    Arena arena(device, 1 << 25);
    Tape tape;
    Context ctx{device, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(batch.counted));
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, *loss.data<float>(), kClose * value) << what;
    double sum = 0;
    for (const char* side : {"chosen", "rejected"})
      for (const Json& score : expected[side]) sum += score.get<double>();
    const auto figures = objective.take_figures();
    EXPECT_NEAR(sum / static_cast<double>(2 * batch.counted), figures.at("reward"), 1e-5);
    for (Parameter* p : model.parameters()) {
      if (expected["gradients"].contains(p->name))
        expect_gradient(expected["gradients"][p->name], p->gradient, what + " " + p->name);
      std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
    }
  }
}

class RewardTest : public AnswerTest {
 protected:
  static std::unique_ptr<RewardModel> around(Decoder& decoder, CpuDevice& device) {
    auto model = std::make_unique<RewardModel>(decoder);
    model->initialise_score(7);
    place(device, *model);
    return model;
  }
};

TEST_F(RewardTest, GradientsAreThoseOfDifferences) {
  const auto decoder = make(Dtype::kF64);
  const auto model = around(*decoder, device_);
  allocate_gradients(device_, *model);
  MicroBatch batch = test_pairs(2);
  for (int i = 0; i < 6; ++i) batch.values.insert(batch.values.end(), 2, 0.3 * i);
  Reward objective(*model, nullptr, {.center_rewards_coefficient = 0.2});
  learn(objective, batch, 0.25);
  expect_gradients_of_differences(objective, device_, batch, 0.25, model->parameters(), 1e-7);
}

TEST_F(RewardTest, AStepIsTheSameHoweverItIsCut) {
  const auto decoder = make(Dtype::kF32);
  const auto model = around(*decoder, device_);
  allocate_gradients(device_, *model);
  const MicroBatch whole = test_pairs(2);
  Reward objective(*model, nullptr, {.center_rewards_coefficient = 0.2});
  const double loss = learn(objective, whole, 1);
  const std::vector<double> gradients = take_gradients(*model);
  const auto figures = objective.take_figures();
  double sum = 0;
  for (size_t i = 0; i < 12; i += 2) sum += learn(objective, part_of(whole, i, i + 2), 1);
  EXPECT_NEAR(loss, sum, 1e-5);
  const std::vector<double> parts = take_gradients(*model);
  for (size_t i = 0; i < parts.size(); ++i) ASSERT_NEAR(gradients[i], parts[i], 1e-5);
  EXPECT_EQ(figures.at("margin"), objective.take_figures().at("margin")) << "to the bit";
}

TEST_F(RewardTest, BesideAnAdapterTheScoreIsLearntAndTheModelStays) {
  for (const char* weights : {"plain", "int4"}) {
    ThreadPool three(3);
    CpuDevice other(&three);
    const auto run = [&](CpuDevice& device, bool recompute) {
      const auto decoder = make(Dtype::kBf16);
      decoder->recompute = recompute;
      if (weights == std::string("int4")) quantize_weights(device, *decoder, QuantizedKind::kInt4);
      const auto model = around(*decoder, device);
      Adapter adapter(device, *decoder, LoraConfig{.rank = 3}, 5);
      Reward objective(*model, &adapter, {});
      const std::string before = bits(objective.model());
      TrainConfig c;
      c.model = kTestModel;
      c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192, c.optimizer.lr = 1e-2;
      Trainer trainer(objective, c, device);
      for (int64_t at = 1; at <= 20; ++at) {
        std::vector<MicroBatch> batches{test_pairs(100)};
        trainer.step(batches, at, 20);
      }
      objective.take_figures();
      EXPECT_EQ("score.weight", objective.model().parameters().back()->name);
      EXPECT_EQ(adapter.parameters().size() + 1, objective.model().parameters().size());
      EXPECT_NE(before, bits(objective.model()));
      for (const Parameter* p : decoder->parameters()) EXPECT_FALSE(p->gradient) << p->name;
      StepMemory memory = trainer.memory();
      memory.run([&](Context& ctx) { objective.score(ctx, test_pairs(100)); });
      EXPECT_EQ(1, objective.take_figures().at("accuracy")) << weights << ": of the pairs that it has learnt";
      return bits(objective.model());
    };
    const std::string stored = run(device_, false);
    EXPECT_EQ(stored, run(other, false)) << weights << ", three threads";
    EXPECT_EQ(stored, run(device_, true)) << weights << ", recomputed";
  }
}

}  // namespace
}  // namespace maru::train
