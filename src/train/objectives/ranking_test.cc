// Scores of documents to a query: golden numbers of a written-out formula, slopes, figures.
#include "train/objectives/ranking.h"

#include <cmath>

#include "models/encoder_files.h"
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

void fill_formula(Parameter& p, int64_t factor, double part) {
  for (int64_t i = 0; i < p.value.size(); ++i)
    p.value.data<float>()[i] = static_cast<float>(static_cast<double>(i * factor % 97 - 48) / part);
}

/// Of a model's parameters by name; all are zero again behind it.
void expect_gradients(const Json& expected, Model& model, const std::string& what) {
  size_t found = 0;
  for (Parameter* p : model.parameters()) {
    if (expected.contains(p->name)) expect_gradient(expected[p->name], p->gradient, what + " " + p->name), ++found;
    std::fill_n(p->gradient.data<float>(), p->gradient.size(), 0.0F);
  }
  EXPECT_EQ(expected.size(), found) << what;
}

/// Texts, of which what stands behind the first so many tokens has type 1 where there are types.
MicroBatch groups_of(const Json& groups, bool with_types) {
  MicroBatch batch;
  for (const Json& group : groups) {
    ++batch.counted;
    for (size_t i = 0; i < group.size(); ++i) {
      const auto tokens = group[i][0].get<std::vector<int32_t>>();
      for (size_t t = 0; t < tokens.size(); ++t)
        batch.types.push_back(with_types && t >= group[i][1].get<size_t>() ? 1 : 0);
      batch.builder.add(tokens);
      batch.values.push_back(i == 0 ? 1 : 2);
    }
  }
  return batch;
}

TEST(RankingGolden, LossesScoresAndGradientsAreThoseOfTheFormula) {
  const Json golden = read_json("tests/golden/ranking.json");
  ThreadPool pool{2};
  CpuDevice device{&pool};
  const auto decoder = load_golden_model(device);
  RewardModel model(*decoder);
  const auto texts = text_model(model);
  model.initialise_score(1);
  fill_formula(model.score(), 7919, 480);
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
    Ranking objective(*texts, nullptr, from_json<RankConfig>(expected["config"], "golden"));
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
    expect_gradients(expected["gradients"], model, what);
  }
}

// Of encoders, with PEFT's adapters of them too: tests/reference/make_reranker_golden.py.
TEST(RankingGolden, EncodersAndTheirAdaptersLearnAsTransformersAndPeft) {
  const Json golden = read_json("tests/golden/reranker.json");
  ThreadPool pool{2};
  CpuDevice device{&pool};
  ASSERT_EQ(8u, golden["cases"].size());
  for (const Json& expected : golden["cases"]) {
    const auto name = expected["encoder"].get<std::string>();
    const std::string what = name + " " + expected["config"].dump() + " " + expected["lora"].dump();
    RerankerToTrain read = load_reranker_to_train(fs::path("tests/golden/encoders") / name, Dtype::kF32, 1);
    for (Parameter* p : read.encoder->classifier()) fill_formula(*p, 7919, 480);
    std::unique_ptr<Adapter> adapter;
    if (!expected["lora"].is_null()) {
      auto config = from_json<LoraConfig>(expected["lora"], "golden");
      config.target_modules = {"query", "value", "intermediate.dense"};
      adapter = std::make_unique<Adapter>(device, *read.encoder, config, 1);
      for (Parameter* p : adapter->parameters())
        if (p->role == ParameterRole::kMatrix) fill_formula(*p, p->name.ends_with("lora_A") ? 31 : 17, 1440);
    }
    const auto texts = text_model(std::move(read.encoder), read.config);
    place(device, texts->model());
    Ranking objective(*texts, adapter.get(), from_json<RankConfig>(expected["config"], "golden"));
    allocate_gradients(device, objective.model());
    const MicroBatch batch = groups_of(golden["texts"][name], texts->limits().type_vocab_size > 1);
    Arena arena(device, 1 << 25);
    Tape tape;
    Context ctx{device, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, 1 / static_cast<double>(batch.counted));
    tape.backward(ctx, loss);
    const auto value = expected["loss"].get<double>();
    EXPECT_NEAR(value, *loss.data<float>(), kClose * value) << what;
    ASSERT_GE(expected["gradients"].size(), 4u);
    expect_gradients(expected["gradients"], objective.model(), what);
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
    const auto texts = text_model(model);
    Ranking objective(*texts, nullptr, {});
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
  const auto texts = text_model(model);
  Ranking objective(*texts, nullptr, {"pairwise"});
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
