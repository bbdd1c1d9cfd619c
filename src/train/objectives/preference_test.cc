#include "train/objectives/preference.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <utility>

#include "models/quantize.h"
#include "train/objectives/test_answers.h"
#include "train/objectives/test_differences.h"

namespace maru::train {
namespace {

PreferenceConfig preference(std::vector<std::string> types, double beta = 0.1) {
  PreferenceConfig c;
  c.loss_type = std::move(types), c.beta = beta;
  return c;
}

using PreferenceTest = AnswerTest;

// Of sppo_hard with beta 0.1 every pair costs 5² + 5² exactly where all log-ratios are 0.
TEST_F(PreferenceTest, BeforeAnythingIsLearntTheModelIsTheReferenceToTheBit) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool recompute : {false, true}) {
      const auto model = make(dtype), reference = make(dtype);
      model->recompute = recompute;
      allocate_gradients(device_, *model);
      Preference objective({*model, nullptr, reference.get()}, preference({"sppo_hard"}));
      EXPECT_EQ(50, learn(objective, test_pairs(1), 1.0 / 6));
      EXPECT_EQ(0, objective.take_figures().at("margin"));
    }
}

TEST_F(PreferenceTest, BeforeAnythingIsLearntAnAdapterChangesNoBitBesideQuantizedWeightsEither) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool recompute : {false, true})
      for (const char* weights : {"plain", "int8", "int4"}) {
        const auto model = make(dtype);
        model->recompute = recompute;
        if (weights != std::string("plain"))
          quantize_weights(device_, *model,
                           weights == std::string("int8") ? QuantizedKind::kInt8 : QuantizedKind::kInt4);
        Adapter adapter(device_, *model, LoraConfig{.rank = 3}, 5);
        allocate_gradients(device_, adapter);
        Preference objective({*model, &adapter, model.get()}, preference({"sppo_hard"}));
        EXPECT_EQ(50, learn(objective, test_pairs(1), 1.0 / 6)) << weights << (recompute ? ", recomputed" : "");
        const auto trained = objective.take_figures();
        EXPECT_EQ(0, trained.at("margin")) << weights;
        StepMemory memory(device_);
        memory.run([&](Context& ctx) { objective.score(ctx, test_pairs(1)); });
        EXPECT_EQ(trained.at("loss"), objective.take_figures().at("loss")) << weights << ": measured as it is trained";
      }
}

TEST_F(PreferenceTest, GradientsAreThoseOfDifferences) {
  const auto model = make(Dtype::kF64), reference = make(Dtype::kF64, 9);
  allocate_gradients(device_, *model);
  PreferenceConfig config = preference({"sigmoid", "aot_unpaired", "sft"}, 0.5);
  config.loss_weights = {1, 0.5, 0.25}, config.ld_alpha = 0.3;
  Preference objective({*model, nullptr, reference.get()}, config);
  const MicroBatch batch = test_pairs(2);
  learn(objective, batch, 0.25);
  expect_gradients_of_differences(objective, device_, batch, 0.25, model->parameters(), 1e-7);
}

// Packed is as alone, accumulated as one batch: for losses that are sums over pairs.
TEST_F(PreferenceTest, PairsDoNotSeeEachOther) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  Preference objective({*model, nullptr, reference.get()}, preference({"sigmoid", "apo_down"}, 0.5));
  const MicroBatch together = test_pairs(2);
  const double loss = learn(objective, together, 1);
  const std::vector<double> gradients = take_gradients(*model);
  const auto figures = objective.take_figures();
  double sum = 0;
  const auto& sequences = together.builder.sequences();
  for (size_t i = 0; i < sequences.size(); i += 2) {
    MicroBatch alone;
    for (const size_t side : {i, i + 1}) {
      const auto first = sequences[side].first_row, last = first + sequences[side].rows;
      alone.builder.add(
          std::span(together.builder.tokens()).subspan(static_cast<size_t>(first), static_cast<size_t>(last - first)));
      alone.targets.insert(alone.targets.end(), together.targets.begin() + first, together.targets.begin() + last);
    }
    alone.counted = 1;
    sum += learn(objective, alone, 1);
  }
  EXPECT_NEAR(loss, sum, 1e-5);
  const std::vector<double> parts = take_gradients(*model);
  for (size_t i = 0; i < parts.size(); ++i) ASSERT_NEAR(gradients[i], parts[i], 1e-5);
  const auto again = objective.take_figures();
  EXPECT_EQ(figures.at("accuracy"), again.at("accuracy"));
  EXPECT_EQ(figures.at("margin"), again.at("margin")) << "a row's loss has the same bits whatever the other rows are";
}

TEST_F(PreferenceTest, TokensBeyondTheOtherAnswerAreWeighted) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  PreferenceConfig all = preference({"sigmoid"}), none = all;
  all.ld_alpha = 1, none.ld_alpha = 0;
  MicroBatch batch = test_pairs(4), cut = test_pairs(4);
  const auto& sequences = cut.builder.sequences();
  for (size_t i = 0; i < sequences.size(); i += 2) {
    const auto counted = [&](size_t side) {
      std::vector<size_t> rows;
      for (int64_t r = sequences[side].first_row; r < sequences[side].first_row + sequences[side].rows; ++r)
        if (cut.targets[static_cast<size_t>(r)] >= 0) rows.push_back(static_cast<size_t>(r));
      return rows;
    };
    const std::vector<size_t> chosen = counted(i), rejected = counted(i + 1);
    const size_t shared = std::min(chosen.size(), rejected.size());
    for (const auto* rows : {&chosen, &rejected})
      for (size_t r = shared; r < rows->size(); ++r) cut.targets[(*rows)[r]] = -1;
  }
  const auto loss = [&](const PreferenceConfig& c, const MicroBatch& b) {
    Preference objective({*model, nullptr, reference.get()}, c);
    return learn(objective, b, 1);
  };
  EXPECT_EQ(loss(preference({"sigmoid"}), batch), loss(all, batch));
  EXPECT_EQ(loss(preference({"sigmoid"}), cut), loss(none, batch));
  EXPECT_NE(loss(all, batch), loss(none, batch));
}

// Of logits that are all alike p is 1/V for every token, and so is Σ p²: the pair weighs 1.
TEST_F(PreferenceTest, PairsWeighByHowLikelyTheyAre) {
  const auto model = make(Dtype::kF32), reference = make(Dtype::kF32, 9);
  allocate_gradients(device_, *model);
  PreferenceConfig weighted = preference({"sigmoid"});
  weighted.use_weighting = true;
  const auto loss = [&](const PreferenceConfig& c) {
    Preference objective({*model, nullptr, reference.get()}, c);
    return learn(objective, test_pairs(4), 1);
  };
  EXPECT_GT(std::abs(loss(weighted) - loss(preference({"sigmoid"}))), 1e-3);
  for (Parameter* p : model->parameters())
    if (p->role == ParameterRole::kEmbedding) std::fill_n(p->value.data<float>(), p->value.size(), 0.0F);
  EXPECT_NEAR(loss(preference({"sigmoid"})), loss(weighted), 1e-5);
  DecoderConfig capped = kTestModel;
  capped.final_logit_softcapping = 30;
  Decoder other(capped, Dtype::kF32);
  EXPECT_THROW(Preference({other, nullptr, reference.get()}, weighted), Failure);
}

TEST_F(PreferenceTest, LearnsWhatIsPreferred) {
  for (const char* type : {"sigmoid", "ipo", "apo_zero"}) {
    const auto model = make(Dtype::kF32), reference = make(Dtype::kF32);
    const std::string before = bits(*reference);
    Preference objective({*model, nullptr, reference.get()}, preference({type}));
    TrainConfig c;
    c.model = kTestModel, c.dtype = "f32";
    c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192;
    c.optimizer.lr = 3e-3, c.optimizer.weight_decay = 0;
    Trainer trainer(objective, c, device_);
    const auto step = [&](int64_t at) {
      std::vector<MicroBatch> batches{test_pairs(static_cast<uint64_t>(100 + at))};
      return trainer.step(batches, at, 40).loss;
    };
    const double first = step(1);
    EXPECT_EQ(0, objective.take_figures().at("accuracy")) << "nobody is better yet";
    for (int64_t at = 2; at <= 40; ++at) step(at);
    objective.take_figures();
    EXPECT_LT(step(41), first) << type;
    EXPECT_GT(objective.take_figures().at("accuracy"), 0.8) << type;
    EXPECT_EQ(before, bits(*reference));
  }
}

TEST_F(PreferenceTest, RecomputationAndThreadsChangeNoBit) {
  ThreadPool three(3);
  CpuDevice other(&three);
  for (const char* weights : {"plain", "int4"}) {
    const auto run = [&](CpuDevice& device, bool recompute) {
      const auto model = make(Dtype::kBf16);
      model->recompute = recompute;
      if (weights == std::string("int4")) quantize_weights(device, *model, QuantizedKind::kInt4);
      Adapter adapter(device, *model, LoraConfig{.rank = 3}, 5);
      Preference objective({*model, &adapter, model.get()}, preference({"sigmoid"}));
      TrainConfig c;
      c.model = kTestModel;
      c.sequence_length = 16, c.micro_batch_tokens = 192, c.batch_tokens = 192, c.optimizer.lr = 1e-2;
      Trainer trainer(objective, c, device);
      for (int64_t at = 1; at <= 5; ++at) {
        std::vector<MicroBatch> batches{test_pairs(static_cast<uint64_t>(100 + at))};
        trainer.step(batches, at, 40);
      }
      return bits(adapter);
    };
    const std::string stored = run(device_, false);
    EXPECT_EQ(stored, run(other, false)) << weights << ", three threads";
    EXPECT_EQ(stored, run(device_, true)) << weights << ", recomputed";
  }
}

}  // namespace
}  // namespace maru::train
