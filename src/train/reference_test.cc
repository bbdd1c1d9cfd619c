#include "train/reference.h"

#include "train/objectives/preference.h"
#include "train/objectives/test_answers.h"
#include "train/objectives/token_losses.h"

namespace maru::train {
namespace {

using ReferenceTest = AnswerTest;

std::vector<float> values_of(Model& model) {
  std::vector<float> all;
  for (const Parameter* p : model.parameters())
    for (int64_t i = 0; i < p->value.size(); ++i)
      all.push_back(p->value.dtype() == Dtype::kF32 ? p->value.data<float>()[i]
                                                    : to_float(p->value.data<bfloat16>()[i]));
  return all;
}

// Trap: TRL's ref_model_mixup_alpha is the share of the *model* (0.6: the reference keeps 0.4 of what it was), as in
// the paper and not as in averages of weights, whose decay is the share of the old.
TEST_F(ReferenceTest, AlphaIsTheShareOfTheModelNotOfTheOldReference) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    const auto model = make(dtype, 3), reference = make(dtype, 9);
    const std::vector<float> of_model = values_of(*model), before = values_of(*reference);
    StepMemory memory(device_);
    mix_into(memory, device_, *reference, *model, 0.6);
    const std::vector<float> after = values_of(*reference);
    EXPECT_EQ(of_model, values_of(*model));
    const float rounding = dtype == Dtype::kF32 ? 1e-6f : 8e-3f;
    for (size_t i = 0; i < after.size(); ++i)
      ASSERT_NEAR(0.6f * of_model[i] + 0.4f * before[i], after[i],
                  rounding * (std::abs(of_model[i]) + std::abs(before[i])))
          << i;
    mix_into(memory, device_, *reference, *model, 1);
    EXPECT_EQ(of_model, values_of(*reference)) << "1: the model itself, to the bit";
    const auto other = make(dtype, 5);
    mix_into(memory, device_, *reference, *other, 0);
    EXPECT_EQ(of_model, values_of(*reference)) << "0: it stays";
  }
}

TEST_F(ReferenceTest, LossesThatAreKnownAreThoseOfAReferenceToTheBit) {
  for (const Dtype dtype : {Dtype::kF32, Dtype::kBf16}) {
    const auto model = make(dtype, 3), reference = make(dtype, 9);
    allocate_gradients(device_, *model);
    const PreferenceConfig config{.ld_alpha = 0.5};
    Preference with({*model, nullptr, reference.get()}, config),
        known({.policy = *model, .known_reference = true}, config);
    MicroBatch batch = test_pairs(1);
    const double loss = learn(with, batch, 1.0 / 6);
    const std::vector<double> expected = take_gradients(*model);
    StepMemory memory(device_);
    memory.run([&](Context& ctx) {
      const Tensor targets = ctx.upload(batch.targets.data(), {std::ssize(batch.targets), 1}, Dtype::kI32);
      const Batch packed = batch.builder.batch(ctx);
      const Tensor rows = losses_of_reference(ctx, *reference, packed, targets);
      if (ctx.arena.dry()) return;
      batch.reference.assign(rows.data<float>(), rows.data<float>() + rows.size());
    });
    EXPECT_EQ(loss, learn(known, batch, 1.0 / 6));
    EXPECT_EQ(expected, take_gradients(*model));
  }
}

}  // namespace
}  // namespace maru::train
