// Scores of documents to a query: golden numbers of a written-out formula, slopes, figures.
#include "train/objectives/ranking.h"

#include <cmath>

#include "train/objectives/test_answers.h"
#include "train/objectives/test_golden.h"

namespace maru::train {
namespace {

TEST(RankingLoss, SlopesAreThoseOfDifferencesAndExtremesStayFinite) {
  for (const char* type : {"pairwise", "listwise"}) {
    const RankConfig config{type};
    for (const std::vector<double>& scores : {std::vector<double>{0.3, -1, 2}, {800, -900}, {-900, 800, 1}, {0, 0}}) {
      std::vector<double> slopes(scores.size(), 7), nothing(scores.size());
      EXPECT_TRUE(std::isfinite(ranking_loss(config, scores, slopes)));
      for (size_t i = 0; i < scores.size(); ++i) {
        std::vector<double> moved = scores;
        moved[i] += 1e-5;
        const double above = ranking_loss(config, moved, nothing);
        moved[i] -= 2e-5;
        EXPECT_NEAR((above - ranking_loss(config, moved, nothing)) / 2e-5, slopes[i], 1e-6) << type << " " << i;
      }
    }
  }
  EXPECT_EQ("listwise", RankConfig().loss_type);
}

TEST(RankingGolden, LossesScoresAndGradientsAreThoseOfTheFormula) {
  const Json golden = read_json("tests/golden/ranking.json");
  ThreadPool pool{2};
  CpuDevice device{&pool};
  const auto decoder = load_golden_model(device);
  RewardModel model(*decoder);
  model.initialise_score(1);
  for (int64_t i = 0; i < model.score().value.size(); ++i)
    model.score().value.data<float>()[i] = static_cast<float>(static_cast<double>(i * 7919 % 97 - 48) / 480);
  allocate_gradients(device, model);
  MicroBatch batch;
  for (const Json& group : golden["groups"]) {
    ++batch.counted;
    for (size_t i = 0; i < group.size(); ++i) {
      batch.builder.add(group[i].get<std::vector<int32_t>>());
      batch.values.push_back(i == 0 ? 1 : 2);
    }
  }
  ASSERT_EQ(2u, golden["cases"].size());
  for (const Json& expected : golden["cases"]) {
    const std::string what = expected["config"].dump();
    Ranking objective(model, from_json<RankConfig>(expected["config"], "golden"));
    Arena arena(device, 1 << 25);
    Tape tape;
    Context ctx{device, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(batch.counted));
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, *loss.data<float>(), kClose * value) << what;
    const auto figures = objective.take_figures();
    EXPECT_NEAR(value, figures.at("loss"), kClose * value);
    EXPECT_NEAR(golden["accuracy"].get<double>(), figures.at("accuracy"), 1e-12);
    EXPECT_NEAR(golden["mrr"].get<double>(), figures.at("mrr"), 1e-12);
    for (Parameter* p : model.parameters()) {
      if (expected["gradients"].contains(p->name))
        expect_gradient(expected["gradients"][p->name], p->gradient, what + " " + p->name);
      std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
    }
  }
}

class RankingTest : public AnswerTest {};

TEST_F(RankingTest, LearnsWithTheSameBitsAndHoweverAStepIsCut) {
  ThreadPool three(3);
  CpuDevice other(&three);
  const auto batch = [] {
    MicroBatch micro = test_pairs(100);  // the chosen answer is the right document
    for (int i = 0; i < 6; ++i) micro.values.insert(micro.values.end(), {1, 2});
    return micro;
  };
  const auto run = [&](CpuDevice& device, bool recompute) {
    const auto decoder = make(Dtype::kBf16);
    decoder->recompute = recompute;
    RewardModel model(*decoder);
    model.initialise_score(7);
    Ranking objective(model, {});
    TrainConfig c;
    c.model = kTestModel;
    c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192, c.optimizer.lr = 1e-2;
    Trainer trainer(objective, c, device);
    for (int64_t at = 1; at <= 20; ++at) {
      std::vector<MicroBatch> batches{batch()};
      trainer.step(batches, at, 20);
    }
    objective.take_figures();
    StepMemory memory = trainer.memory();
    memory.run([&](Context& ctx) { objective.score(ctx, batch()); });
    const auto figures = objective.take_figures();
    EXPECT_EQ(1, figures.at("accuracy")) << "of what it has learnt";
    return bits(model);
  };
  const std::string stored = run(device_, false);
  EXPECT_EQ(stored, run(other, false)) << "three threads";
  EXPECT_EQ(stored, run(device_, true)) << "recomputed";

  const auto decoder = make(Dtype::kF32);
  RewardModel model(*decoder);
  model.initialise_score(7);
  place(device_, model);
  allocate_gradients(device_, model);
  Ranking objective(model, {"pairwise"});
  const MicroBatch whole = batch();
  const double together = learn(objective, whole, 1);
  double apart = 0;
  for (size_t i = 0; i < 12; i += 2) {
    MicroBatch part = part_of(whole, i, i + 2);
    part.counted = 1;
    apart += learn(objective, part, 1);
  }
  EXPECT_NEAR(together, apart, 1e-5) << "its own documents are what a query's is told from";
}

}  // namespace
}  // namespace maru::train
