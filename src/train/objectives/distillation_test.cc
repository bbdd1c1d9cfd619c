#include "train/objectives/distillation.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "base/random.h"
#include "models/quantize.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/test_differences.h"

namespace maru::train {
namespace {

DecoderConfig shape(int64_t hidden, int64_t vocabulary, double softcap = 0) {
  return maru::resolve({.vocab_size = vocabulary,
                        .hidden_size = hidden,
                        .intermediate_size = 2 * hidden,
                        .num_hidden_layers = 2,
                        .num_attention_heads = 4,
                        .num_key_value_heads = 2,
                        .max_position_embeddings = 64,
                        .initializer_range = 0.2,
                        .final_logit_softcapping = softcap});
}

// Sequences whose first tokens do not count.
MicroBatch texts(uint64_t seed, int count = 5) {
  MicroBatch batch;
  Random random(seed);
  for (int i = 0; i < count; ++i) {
    std::vector<int32_t> text;
    for (uint64_t n = 3 + random.below(20); n > 0; --n) text.push_back(static_cast<int32_t>(random.below(60)));
    for (size_t t = 1; t < text.size(); ++t) batch.targets.push_back(t > 1 ? text[t] : -1);
    text.pop_back();
    batch.builder.add(text);
  }
  for (const int32_t target : batch.targets) batch.counted += target >= 0;
  return batch;
}

class DistillationTest : public testing::Test {
 protected:
  std::unique_ptr<Decoder> make(Device& device, const DecoderConfig& config, Dtype dtype, uint64_t seed) {
    auto model = std::make_unique<Decoder>(config, dtype);
    allocate_values(*model);
    initialise(*model, seed);
    place(device, *model);
    return model;
  }
  // The loss; gradients are added.
  double learn(Device& device, Objective& objective, const MicroBatch& batch, double scale) {
    Arena arena(device, 1 << 25);
    Tape tape;
    Context ctx{device, arena, &tape};
    const Tensor loss = objective.loss(ctx, batch, scale);
    tape.backward(ctx, loss);
    return loss.dtype() == Dtype::kF64 ? *loss.data<double>() : static_cast<double>(*loss.data<float>());
  }
  static std::string gradients(Model& model) {
    std::string all;
    for (const Parameter* p : model.parameters()) all.append(p->gradient.data<char>(), p->gradient.bytes());
    return all;
  }
  ThreadPool pool_{1}, three_{3};
  CpuDevice device_{&pool_}, wide_{&three_};
};

// Of a larger teacher with some tokens more; the student's logits are capped.
TEST_F(DistillationTest, GradientsAreThoseOfDifferences) {
  const auto student = make(device_, shape(16, 60, 5), Dtype::kF64, 3);
  const auto teacher = make(device_, shape(32, 64), Dtype::kF64, 9);
  allocate_gradients(device_, *student);
  Distillation objective(*student, *teacher, {.beta = 0.3, .temperature = 0.8, .next_token = 0.4});
  const MicroBatch batch = texts(2);
  learn(device_, objective, batch, 0.25);
  expect_gradients_of_differences(objective, device_, batch, 0.25, student->parameters(), 1e-7);
}

TEST_F(DistillationTest, OfItsOwnTeacherThereIsNothingToLearn) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16})
    for (const bool recompute : {false, true})
      for (const double beta : {0.0, 0.1, 0.5, 1.0}) {
        const auto student = make(device_, shape(16, 64), dtype, 3), teacher = make(device_, shape(16, 64), dtype, 3);
        student->recompute = recompute;
        allocate_gradients(device_, *student);
        Distillation objective(*student, *teacher, {.beta = beta});
        EXPECT_EQ(0, learn(device_, objective, texts(1), 1)) << beta;
        EXPECT_NEAR(
            0,
            [&] {
              double most = 0;
              for (const Parameter* p : student->parameters())
                for (int64_t i = 0; i < p->gradient.size(); ++i)
                  most = std::max(most, static_cast<double>(std::abs(p->gradient.data<float>()[i])));
              return most;
            }(),
            1e-5)
            << beta;
      }
}

TEST_F(DistillationTest, ThreadsAndRecomputationChangeNoBit) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    const auto teacher = make(device_, shape(32, 64), dtype, 9);
    const auto one = make(device_, shape(16, 64), dtype, 3), other = make(wide_, shape(16, 64), dtype, 3);
    other->recompute = true;
    allocate_gradients(device_, *one), allocate_gradients(wide_, *other);
    Distillation here(*one, *teacher, {.next_token = 0.5}), there(*other, *teacher, {.next_token = 0.5});
    EXPECT_EQ(learn(device_, here, texts(1), 0.1), learn(wide_, there, texts(1), 0.1));
    EXPECT_EQ(gradients(*one), gradients(*other));
  }
}

TEST_F(DistillationTest, PackedTextsAreAsTheyAreAlone) {
  const auto teacher = make(device_, shape(32, 64), Dtype::kF32, 9);
  const auto student = make(device_, shape(16, 64), Dtype::kF32, 3);
  allocate_gradients(device_, *student);
  Distillation objective(*student, *teacher, {});
  Random random(4);
  double apart = 0;
  MicroBatch all;
  for (int i = 0; i < 4; ++i) {
    const MicroBatch one = texts(static_cast<uint64_t>(i), 1);
    apart += learn(device_, objective, one, 1);
    std::vector<int32_t> text;
    Random again(static_cast<uint64_t>(i));
    for (uint64_t n = 3 + again.below(20); n > 0; --n) text.push_back(static_cast<int32_t>(again.below(60)));
    text.pop_back();
    all.builder.add(text);
    all.targets.insert(all.targets.end(), one.targets.begin(), one.targets.end());
  }
  EXPECT_NEAR(apart, learn(device_, objective, all, 1), 1e-5 * apart);
}

TEST_F(DistillationTest, AnAdapterLearnsBesideAndFromQuantizedWeights) {
  const auto teacher = make(device_, shape(32, 64), Dtype::kBf16, 9);
  quantize_weights(device_, *teacher, QuantizedKind::kInt8);
  const auto student = make(device_, shape(16, 64), Dtype::kBf16, 3);
  quantize_weights(device_, *student, QuantizedKind::kInt4);
  Adapter adapter(device_, *student, LoraConfig{.rank = 3}, 5);
  allocate_gradients(device_, adapter);
  Distillation objective(*student, adapter, *teacher, {});
  EXPECT_EQ(&adapter, &objective.model());
  EXPECT_GT(learn(device_, objective, texts(1), 1), 0);
  const std::string all = gradients(adapter);
  EXPECT_TRUE(std::ranges::any_of(all, [](char byte) { return byte != 0; }));
}

TEST_F(DistillationTest, WhereNothingCountsNothingIsLearnt) {
  const auto teacher = make(device_, shape(32, 64), Dtype::kF32, 9);
  const auto student = make(device_, shape(16, 64), Dtype::kF32, 3);
  allocate_gradients(device_, *student);
  Distillation objective(*student, *teacher, {.next_token = 1});
  MicroBatch batch = texts(1);
  std::ranges::fill(batch.targets, -1);
  EXPECT_EQ(0, learn(device_, objective, batch, 1));
  const std::string all = gradients(*student);
  EXPECT_TRUE(std::ranges::all_of(all, [](char byte) { return byte == 0; }));
}

// A weight of 2 is as the text twice.
TEST_F(DistillationTest, TokensAreWeighted) {
  const auto teacher = make(device_, shape(32, 64), Dtype::kF32, 9);
  const auto student = make(device_, shape(16, 64), Dtype::kF32, 3);
  allocate_gradients(device_, *student);
  Distillation objective(*student, *teacher, {});
  MicroBatch weighted = texts(1), plain = texts(1);
  weighted.weights.assign(weighted.targets.size(), 2);
  EXPECT_EQ(learn(device_, objective, plain, 0.5), learn(device_, objective, weighted, 0.25));
}

}  // namespace
}  // namespace maru::train
