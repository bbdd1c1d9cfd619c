#include "train/objectives/next_token.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>

#include "base/random.h"
#include "models/test_adapter.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/checkpoint.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

// Counting in steps of two, which the model never saw.
MicroBatch counting(uint64_t seed) {
  MicroBatch batch;
  Random random(seed);
  for (int i = 0; i < 8; ++i) {
    std::vector<int32_t> text{static_cast<int32_t>(random.below(64))};
    for (int n = 0; n < 15; ++n) text.push_back((text.back() + 2) % 64);
    batch.targets.insert(batch.targets.end(), text.begin() + 1, text.end());
    text.pop_back();
    batch.builder.add(text);
  }
  batch.counted = static_cast<int64_t>(batch.targets.size());
  return batch;
}

class NextTokenTest : public testing::Test {
 protected:
  struct Tuned {
    Decoder model;
    std::unique_ptr<Adapter> adapter;
    std::unique_ptr<NextToken> objective;
    std::unique_ptr<Trainer> trainer;
    Tuned(Device& device, const TrainConfig& c, const fs::path& home, const std::string& only = "")
        : model(c.model, parse_dtype(c.dtype)) {
      allocate_values(model);
      initialise(model, 3);
      model.recompute = c.recompute;
      write_test_adapter(home, model, 5, 0, only);
      adapter = std::make_unique<Adapter>(device, model, home);
      objective = std::make_unique<NextToken>(model, *adapter);
      trainer = std::make_unique<Trainer>(*objective, c, device);
    }
    double run(int64_t first, int64_t last) {
      double loss = 0;
      for (int64_t step = first; step <= last; ++step) {
        std::vector<MicroBatch> batches{counting(static_cast<uint64_t>(step))};
        loss = trainer->step(batches, step, 60).loss;
      }
      return loss;
    }
  };
  static std::string bits(Model& model) {
    std::string all;
    for (const Parameter* p : model.parameters()) all.append(p->value.data<char>(), p->value.bytes());
    return all;
  }
  void TearDown() override { fs::remove_all(home_); }

  TrainConfig config_ = [] {
    TrainConfig c;
    c.model = maru::resolve({.vocab_size = 64,
                             .hidden_size = 32,
                             .intermediate_size = 64,
                             .num_hidden_layers = 2,
                             .num_attention_heads = 4,
                             .num_key_value_heads = 2,
                             .max_position_embeddings = 64,
                             .initializer_range = 0.3});
    c.sequence_length = 16, c.micro_batch_tokens = 128, c.batch_tokens = 128, c.steps = 60;
    c.optimizer.lr = 0.02;
    return c;
  }();
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  const fs::path home_ = fs::temp_directory_path() / ("maru_next_token_" + std::to_string(::getpid()));
};

TEST_F(NextTokenTest, AnAdapterLearnsAndTheModelStaysAsItIs) {
  for (const char* dtype : {"f32", "bf16"}) {
    config_.dtype = dtype;
    Tuned tuned(device_, config_, home_);
    const std::string model = bits(tuned.model), adapter = bits(*tuned.adapter);
    const double before = tuned.run(1, 1), after = tuned.run(2, 60);
    EXPECT_LT(after, 0.5 * before) << dtype;
    EXPECT_EQ(model, bits(tuned.model));
    EXPECT_NE(adapter, bits(*tuned.adapter));
    for (const Parameter* p : tuned.model.parameters()) EXPECT_FALSE(p->gradient) << p->name;
  }
}

// Also where one projection learns alone, in a block whose input nobody wants a gradient of.
TEST_F(NextTokenTest, RecomputationAndThreadsChangeNoBitOfAnAdapter) {
  ThreadPool three(3);
  CpuDevice other(&three);
  for (const char* only : {"", "q_proj", "k_proj", "v_proj", "up_proj", "gate_proj", "layers.1."}) {
    config_.recompute = false;
    Tuned stored(device_, config_, home_, only);
    const double loss = stored.run(1, 5);
    config_.recompute = true;
    Tuned recomputed(other, config_, home_, only);
    EXPECT_EQ(loss, recomputed.run(1, 5)) << only;
    EXPECT_EQ(bits(*stored.adapter), bits(*recomputed.adapter)) << only;
  }
}

TEST_F(NextTokenTest, AnAdapterIsCheckpointedAsAnyModelIs) {
  Tuned whole(device_, config_, home_), first(device_, config_, home_), second(device_, config_, home_);
  whole.run(1, 12);
  first.run(1, 7);
  ledger::Manifest manifest;
  manifest.kind = "checkpoint", manifest.name = "step-00000007";
  save_checkpoint(home_, {.step = 7, .steps = 60}, *first.adapter, first.trainer->optimizer(), manifest, 1);
  const auto state = restore_newest(home_, *second.adapter, second.trainer->optimizer(), [](const std::string&) {});
  ASSERT_EQ(7, state->step);
  EXPECT_EQ(bits(*first.adapter), bits(*second.adapter));
  second.run(8, 12);
  EXPECT_EQ(bits(*whole.adapter), bits(*second.adapter));
}

// A weight of 0 is as no target, of 2 as the text twice.
TEST_F(NextTokenTest, TokensAreWeighted) {
  Decoder model(config_.model, Dtype::kF32);
  allocate_values(model);
  initialise(model, 3);
  place(device_, model);
  allocate_gradients(device_, model);
  NextToken objective(model);
  Arena arena(device_, 1 << 24);
  const auto gradients_of = [&](const MicroBatch& batch, double scale) {
    Tape tape;
    Context ctx{device_, arena, &tape};
    tape.backward(ctx, objective.loss(ctx, batch, scale));
    std::vector<float> all;
    for (const Parameter* p : model.parameters()) {
      float* const g = p->gradient.data<float>();
      all.insert(all.end(), g, g + p->gradient.size());
      std::fill(g, g + p->gradient.size(), 0.0f);
    }
    return all;
  };
  MicroBatch weighted = counting(4), masked = counting(4);
  weighted.weights.assign(weighted.targets.size(), 2);
  for (size_t i = 0; i < masked.targets.size(); i += 3) weighted.weights[i] = 0, masked.targets[i] = -1;
  EXPECT_EQ(gradients_of(masked, 0.5), gradients_of(weighted, 0.25));
}

}  // namespace
}  // namespace maru::train
