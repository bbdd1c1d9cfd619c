// KTO, ORPO and CPO on a tiny decoder: gradients, what a micro-batch is to each, traps, same bits.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "models/quantize.h"
#include "train/objectives/cpo.h"
#include "train/objectives/kto.h"
#include "train/objectives/next_token.h"
#include "train/objectives/orpo.h"
#include "train/objectives/test_answers.h"
#include "train/objectives/test_differences.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

constexpr int64_t kLongest = 16;

struct Method {
  std::string name;
  std::function<std::unique_ptr<AnswerObjective>(const AnswerModels&)> make;
  std::function<MicroBatch(uint64_t seed)> batch;
};

Method kto(const KtoConfig& c) {
  return {c.loss_type, [c](const AnswerModels& m) { return std::make_unique<Kto>(m, c, kLongest); },
          [](uint64_t seed) { return test_labelled(seed); }};
}
Method orpo(const OrpoConfig& c = {}) {
  return {"orpo", [c](const AnswerModels& m) { return std::make_unique<Orpo>(m, c); },
          [](uint64_t seed) { return test_pairs(seed); }};
}
Method cpo(const CpoConfig& c) {
  return {c.loss_type, [c](const AnswerModels& m) { return std::make_unique<Cpo>(m, c); },
          [](uint64_t seed) { return test_pairs(seed); }};
}

std::vector<Method> all_methods() {
  return {kto({}), kto({.loss_type = "apo_zero_unpaired", .beta = 0.5}), orpo({.beta = 0.7}), cpo({}),
          cpo({.loss_type = "simpo", .beta = 2, .cpo_alpha = 0.5})};
}

class AnswersTest : public AnswerTest {
 protected:
  // Losses and gradients of micro-batches that are one step.
  double learn_step(AnswerObjective& objective, const std::vector<MicroBatch>& batches, double scale) {
    double loss = 0;
    objective.begin_step(batches);
    for (const MicroBatch& batch : batches) loss += learn(objective, batch, scale);
    return loss;
  }
};

// z of kto has no gradient: here the model has gone back from the reference, and z is 0.
TEST_F(AnswersTest, GradientsAreThoseOfDifferences) {
  for (const Method& method : all_methods()) {
    const auto model = make(Dtype::kF64, 9), reference = make(Dtype::kF64);
    allocate_gradients(device_, *model);
    const auto objective = method.make({*model, nullptr, reference.get()});
    const MicroBatch batch = method.batch(2);
    learn(*objective, batch, 0.25);
    const auto figures = objective->take_figures();
    ASSERT_EQ(0, figures.contains("kl") ? figures.at("kl") : 0);
    expect_gradients_of_differences(*objective, device_, batch, 0.25, model->parameters(), 2e-7, method.name + " ");
  }
}

// Packed is as alone, accumulated as one batch; not kto, whose z is of its micro-batch.
TEST_F(AnswersTest, AStepIsTheSameHoweverItIsCut) {
  for (const Method& method : all_methods()) {
    if (method.name == "kto") continue;
    const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
    allocate_gradients(device_, *model);
    const auto objective = method.make({*model, nullptr, reference.get()});
    const MicroBatch whole = method.batch(2);
    const double loss = learn_step(*objective, {whole}, 1);
    const std::vector<double> gradients = take_gradients(*model);
    const auto figures = objective->take_figures();
    std::vector<MicroBatch> alone, halves{part_of(whole, 0, 4), part_of(whole, 4, 12)};
    const size_t each = whole.values.empty() ? 2 : 1;
    for (size_t i = 0; i < 12; i += each) alone.push_back(part_of(whole, i, i + each));
    for (const std::vector<MicroBatch>* parts : {&alone, &halves}) {
      EXPECT_NEAR(loss, learn_step(*objective, *parts, 1), 2e-5) << method.name;
      const std::vector<double> other = take_gradients(*model);
      for (size_t i = 0; i < other.size(); ++i) ASSERT_NEAR(gradients[i], other[i], 2e-5) << method.name;
      const auto again = objective->take_figures();
      for (const auto& [name, number] : figures) EXPECT_NEAR(number, again.at(name), 1e-5) << method.name << name;
    }
  }
}

TEST_F(AnswersTest, KtosZIsOfItsMicroBatch) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  Kto objective({*model, nullptr, reference.get()}, {}, kLongest);
  const MicroBatch whole = test_labelled(2);
  const double loss = learn(objective, whole, 1);
  const double z = objective.take_figures().at("kl");
  EXPECT_GT(z, 0);
  learn(objective, part_of(whole, 0, 4), 1);
  EXPECT_NE(z, objective.take_figures().at("kl"));
  double expected = 0;
  Kto apo({*model, nullptr, reference.get()}, {.loss_type = "apo_zero_unpaired"}, kLongest);
  for (size_t i = 0; i < 12; ++i) {
    const MicroBatch one = part_of(whole, i, i + 1);
    learn(apo, one, 1);
    const auto figures = apo.take_figures();
    const bool good = one.values[0] == 1;
    const double a = figures.at(good ? "reward_desirable" : "reward_undesirable") / 0.1;
    expected += kto_loss<Dual>({}, good, a, z).value;
  }
  EXPECT_NEAR(expected, loss, 1e-5);
}

TEST_F(AnswersTest, KtosOtherAnswersAreThoseOfTheSequenceBefore) {
  MicroBatch batch;
  add_test_answer(batch, {{0, 10, 11}, 2, 1});  // answers 12 13, with the mask on them
  add_test_answer(batch, {{0}, 3, 5});
  add_test_answer(batch, {{0, 20}, 1, 1});
  batch.values = {1, 0, 1};
  const auto answer = [&](size_t i) {
    const Batch::Sequence& s = batch.builder.sequences()[i];
    std::vector<int32_t> targets;
    for_targets(batch.targets, s, [&](size_t row) { targets.push_back(batch.targets[row]); });
    return targets;
  };
  for (const int64_t longest : {kLongest, int64_t{3}}) {
    const MicroBatch other = mismatched(batch, longest);
    ASSERT_EQ(3u, other.builder.sequences().size());
    const std::vector<std::vector<int32_t>> prompts{{0, 10, 11}, {0}, {0, 20}};
    for (size_t i = 0; i < 3; ++i) {
      std::vector<int32_t> tokens = prompts[i], targets(prompts[i].size() - 1, -1);
      for (const int32_t token : answer((i + 2) % 3)) tokens.push_back(token), targets.push_back(token);
      tokens.pop_back();
      tokens.resize(std::min(tokens.size(), static_cast<size_t>(longest)));
      targets.resize(tokens.size());
      const Batch::Sequence& s = other.builder.sequences()[i];
      const auto* first = other.builder.tokens().data() + s.first_row;
      EXPECT_EQ(tokens, std::vector<int32_t>(first, first + s.rows));
      EXPECT_EQ(targets, std::vector<int32_t>(other.targets.begin() + s.first_row,
                                              other.targets.begin() + s.first_row + s.rows));
    }
  }
}

// A micro-batch may happen to hold good answers alone, or bad ones.
TEST_F(AnswersTest, KtoLearnsFromOneKindAlone) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  for (const double label : {0.0, 1.0}) {
    MicroBatch batch = test_labelled(2);
    std::ranges::fill(batch.values, label);
    Kto objective({*model, nullptr, reference.get()}, {}, kLongest);
    EXPECT_TRUE(std::isfinite(learn(objective, batch, 1)));
    for (const double slope : take_gradients(*model)) ASSERT_TRUE(std::isfinite(slope));
    const auto figures = objective.take_figures();
    EXPECT_EQ(label == 1, figures.contains("reward_desirable"));
    EXPECT_EQ(label == 0, figures.contains("reward_undesirable"));
  }
}

TEST_F(AnswersTest, KtoRefusesWhatSaysNothing) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  Kto objective({*model, nullptr, reference.get()}, {}, kLongest);
  const auto error_of = [&](const MicroBatch& batch) -> std::string {
    try {
      learn(objective, batch, 1);
      return "none";
    } catch (const Failure& e) {
      return e.what();
    }
  };
  EXPECT_EQ("none", error_of(test_labelled(1, 2)));
  EXPECT_THAT(error_of(test_labelled(1, 1)), HasSubstr("a micro-batch of one answer"));
  EXPECT_THAT(error_of(test_pairs(1)), HasSubstr("say of no answer whether it is good or bad"));
  MicroBatch odd = test_labelled(1);
  odd.values[3] = 0.5;
  EXPECT_THAT(error_of(odd), HasSubstr("the label of an answer is 0.5, expected 0 or 1"));
}

// Both kinds of answers cost exactly a half where all log-ratios are 0.
TEST_F(AnswersTest, BeforeAnythingIsLearntKtoIsAtItsReferenceToTheBit) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const char* weights : {"all", "plain", "int4"}) {
      const auto model = make(dtype), reference = make(dtype);
      if (weights == std::string("int4")) quantize_weights(device_, *model, QuantizedKind::kInt4);
      Adapter adapter(device_, *model, LoraConfig{.rank = 3}, 5);
      const bool all = weights == std::string("all");
      allocate_gradients(device_, all ? static_cast<Model&>(*model) : adapter);
      const AnswerModels models{*model, all ? nullptr : &adapter, all ? reference.get() : model.get()};
      Kto objective(models, {}, kLongest);
      EXPECT_EQ(0.5, learn(objective, test_labelled(1), 1.0 / 12)) << weights;
      const auto trained = objective.take_figures();
      EXPECT_EQ(0, trained.at("kl"));
      EXPECT_EQ(0, trained.at("reward_desirable"));
      EXPECT_EQ(0, trained.at("accuracy"));
      StepMemory memory(device_);
      memory.run([&](Context& ctx) { objective.score(ctx, test_labelled(1)); });
      EXPECT_EQ(trained, objective.take_figures()) << weights << ": measured as it is trained";
    }
}

// The mean loss of the next token in the chosen conversations.
double nll_of(Decoder& model, Device& device, MicroBatch pairs, bool with_prompts) {
  const auto& sequences = pairs.builder.sequences();
  for (size_t i = 0; i < sequences.size(); ++i)
    for (int64_t r = 0; r < sequences[i].rows; ++r) {
      const auto row = static_cast<size_t>(sequences[i].first_row + r);
      if (i % 2 == 1) pairs.targets[row] = -1;
      if (i % 2 == 0 && with_prompts && r + 1 < sequences[i].rows) pairs.targets[row] = pairs.builder.tokens()[row + 1];
    }
  const auto counted = std::ranges::count_if(pairs.targets, [](int32_t target) { return target >= 0; });
  NextToken objective(model);
  Arena arena(device, 1 << 25);
  Context ctx{device, arena};
  return static_cast<double>(*objective.loss(ctx, pairs, 1 / static_cast<double>(counted)).data<float>());
}

TEST_F(AnswersTest, OrpoCountsPromptTokens) {
  const auto model = make(Dtype::kF32);
  allocate_gradients(device_, *model);
  Orpo objective({*model}, {.beta = 0});
  const double loss = learn(objective, test_pairs(4), 1.0 / 6);
  const double with = nll_of(*model, device_, test_pairs(4), true);
  const double without = nll_of(*model, device_, test_pairs(4), false);
  EXPECT_NEAR(with, loss, 1e-5);
  EXPECT_NEAR(with, objective.take_figures().at("nll"), 1e-5);
  EXPECT_GT(std::abs(with - without), 1e-2);
}

TEST_F(AnswersTest, CpoCountsTheTokensOfAnswersAlone) {
  const auto model = make(Dtype::kF32);
  allocate_gradients(device_, *model);
  Cpo objective({*model}, {});
  learn(objective, test_pairs(4), 1.0 / 6);
  EXPECT_NEAR(nll_of(*model, device_, test_pairs(4), false), objective.take_figures().at("nll"), 1e-5);
}

TEST_F(AnswersTest, SimpoOfTheirPaperHasNoLikelihoodBesideIt) {
  const auto model = make(Dtype::kF32);
  allocate_gradients(device_, *model);
  const CpoConfig paper{.loss_type = "simpo", .beta = 2, .cpo_alpha = 0};
  CpoConfig trls = paper;
  trls.cpo_alpha = CpoConfig().cpo_alpha;
  Cpo a({*model}, paper), b({*model}, trls);
  const double without = learn(a, test_pairs(4), 1.0 / 6), with = learn(b, test_pairs(4), 1.0 / 6);
  EXPECT_FALSE(a.take_figures().contains("nll"));
  EXPECT_NEAR(with - without, b.take_figures().at("nll"), 1e-5);
}

TEST_F(AnswersTest, RecomputationAndThreadsChangeNoBit) {
  ThreadPool three(3);
  CpuDevice other(&three);
  for (const Method& method : all_methods())
    for (const char* weights : {"plain", "int4"}) {
      const auto run = [&](CpuDevice& device, bool recompute) {
        const auto model = make(Dtype::kBf16);
        model->recompute = recompute;
        if (weights == std::string("int4")) quantize_weights(device, *model, QuantizedKind::kInt4);
        Adapter adapter(device, *model, LoraConfig{.rank = 3}, 5);
        const auto objective = method.make({*model, &adapter, model.get()});
        TrainConfig c;
        c.model = kTestModel;
        c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192, c.optimizer.lr = 1e-2;
        Trainer trainer(*objective, c, device);
        for (int64_t at = 1; at <= 5; ++at) {
          std::vector<MicroBatch> batches{method.batch(static_cast<uint64_t>(100 + at))};
          trainer.step(batches, at, 40);
        }
        return bits(adapter);
      };
      const std::string stored = run(device_, false);
      EXPECT_EQ(stored, run(other, false)) << method.name << weights << ", three threads";
      EXPECT_EQ(stored, run(device_, true)) << method.name << weights << ", recomputed";
    }
}

}  // namespace
}  // namespace maru::train
