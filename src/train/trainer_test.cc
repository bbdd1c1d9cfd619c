#include "train/trainer.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/loader.h"
#include "train/objectives/next_token.h"
#include "train/test_tokens.h"
#include "train/validate.h"

namespace maru::train {
namespace {

TrainConfig tiny_config() {
  TrainConfig c;
  c.model = maru::resolve({.vocab_size = TestTokens::kVocabulary,
                           .hidden_size = 32,
                           .intermediate_size = 64,
                           .num_hidden_layers = 2,
                           .num_attention_heads = 4,
                           .num_key_value_heads = 2,
                           .max_position_embeddings = 64});
  c.sequence_length = 32, c.micro_batch_tokens = 256, c.batch_tokens = 512, c.steps = 40;
  c.optimizer.lr = 5e-3;
  return c;
}

class TrainerTest : public testing::Test {
 protected:
  struct Setup {
    Decoder model;
    ThreadPool pool;
    CpuDevice device;
    NextToken objective;
    Trainer trainer;
    Loader loader;
    Setup(const TrainConfig& c, const formats::TokenDataset& data, int threads = 2)
        : model(c.model, parse_dtype(c.dtype)),
          pool(threads),
          device(&pool),
          objective((prepare(model, c), model)),
          trainer(objective, c, device),
          loader(data, c.sequence_length, 1) {}
    static void prepare(Decoder& model, const TrainConfig& c) {
      model.recompute = c.recompute;
      allocate_values(model);
      initialise(model, 3);
    }
    double run(const TrainConfig& c, int64_t steps, size_t micro_batches = 2) {
      std::vector<MicroBatch> batches(micro_batches);
      double loss = 0;
      for (int64_t step = 1; step <= steps; ++step) {
        for (MicroBatch& b : batches) loader.next(b, c.batch_tokens / static_cast<int64_t>(micro_batches));
        loss = trainer.step(batches, step, c.steps).loss;
      }
      return loss;
    }
    std::string bits() {
      std::string all;
      for (Parameter* parameter : model.parameters())
        all.append(parameter->value.data<char>(), parameter->value.bytes());
      return all;
    }
  };
  TestTokens tokens_{200, 11};
  formats::TokenDataset data_{tokens_.directory(), "train"};
};

TEST_F(TrainerTest, LearnsInEveryPrecisionAndOptimizer) {
  for (const char* dtype : {"f32", "bf16"})
    for (const char* name : {"adamw", "muon"}) {
      TrainConfig c = tiny_config();
      c.dtype = dtype;
      c.optimizer.name = name;
      const double loss = Setup(c, data_).run(c, 40);
      EXPECT_LT(loss, 0.75 * std::log(64.0)) << dtype << " " << name << ": a uniform guess has ln 64 = 4.16";
    }
}

TEST_F(TrainerTest, SameBitsForEveryThreadCount) {
  const TrainConfig c = tiny_config();
  std::string first;
  for (int threads : {1, 2, 3}) {
    Setup s(c, data_, threads);
    s.run(c, 5);
    if (first.empty()) first = s.bits();
    EXPECT_EQ(first, s.bits()) << threads << " threads";
  }
}

TEST_F(TrainerTest, RecomputationChangesNoBitAndSavesMemory) {
  TrainConfig c = tiny_config();
  c.model.num_hidden_layers = 8;
  Setup stored(c, data_);
  stored.run(c, 3);
  c.recompute = true;
  Setup recomputed(c, data_);
  recomputed.run(c, 3);
  EXPECT_EQ(stored.bits(), recomputed.bits());
  EXPECT_LT(recomputed.trainer.planned().step, stored.trainer.planned().step * 2 / 3);
}

TEST_F(TrainerTest, MixturesOfExpertsLearnWithTheSameBitsHoweverComputed) {
  for (const char* scoring : {"softmax", "sigmoid"}) {
    TrainConfig c = tiny_config();
    c.model.num_experts = 4, c.model.num_experts_per_tok = 2, c.model.moe_intermediate_size = 32;
    c.model.n_shared_experts = 1, c.model.router_scoring = scoring;
    c.model = maru::resolve(c.model);
    Setup stored(c, data_);
    EXPECT_LT(stored.run(c, 40), 0.75 * std::log(64.0)) << scoring;
    c.recompute = true;
    Setup recomputed(c, data_, 3);
    recomputed.run(c, 40);
    EXPECT_EQ(stored.bits(), recomputed.bits()) << scoring << ", recomputed by three threads";
  }
}

TEST_F(TrainerTest, AccumulationEqualsOneBatch) {
  TrainConfig c = tiny_config();
  c.dtype = "f32";
  Setup two(c, data_);
  const double split = two.run(c, 1, 2);
  c.micro_batch_tokens = 512;
  Setup one(c, data_);
  // The cut between micro-batches shortens one piece's context, so the losses are close, not equal.
  EXPECT_NEAR(split, one.run(c, 1, 1), 0.02);
}

TEST_F(TrainerTest, SaysWhatMemoryItHoldsBeforeItTakesIt) {
  class SmallDevice final : public CpuDevice {
   public:
    SmallDevice(ThreadPool* pool, size_t bytes) : CpuDevice(pool), bytes_(bytes) {}
    size_t memory_bytes() const override { return bytes_; }

   private:
    const size_t bytes_;
  };
  for (const char* dtype : {"f32", "bf16"})
    for (const char* name : {"adamw", "muon"}) {
      TrainConfig c = tiny_config();
      c.dtype = dtype, c.optimizer.name = name;
      Setup setup(c, data_);
      const TrainingMemory& planned = setup.trainer.planned();
      size_t state = 0, weights = 0, gradients = 0;
      for (const NamedTensor& tensor : setup.trainer.optimizer().state()) state += tensor.tensor.bytes();
      for (const Parameter* p : setup.model.parameters()) weights += p->value.bytes(), gradients += p->gradient.bytes();
      EXPECT_EQ(state, planned.optimizer) << dtype << " " << name;
      EXPECT_EQ(weights, planned.weights);
      EXPECT_EQ(gradients, planned.gradients);
      for (const size_t room : {planned.all() - 1, planned.weights}) {
        SmallDevice small(&setup.pool, room);
        EXPECT_THROW(Trainer(setup.objective, c, small), Failure) << room;
      }
      SmallDevice enough(&setup.pool, planned.all());
      EXPECT_NO_THROW(Trainer(setup.objective, c, enough));
    }
}

TEST_F(TrainerTest, RefusesToUpdateFromBrokenGradients) {
  const TrainConfig c = tiny_config();
  Setup s(c, data_);
  s.run(c, 1);
  s.model.parameters()[2]->value.data<bfloat16>()[0] = to_bfloat16(INFINITY);
  const std::string before = s.bits();
  EXPECT_THROW(s.run(c, 1), Failure);
  EXPECT_EQ(before, s.bits());
}

TEST_F(TrainerTest, ValidationDoesNotDependOnBatching) {
  const TrainConfig c = tiny_config();
  Setup s(c, data_);
  const formats::TokenDataset held_out(tokens_.directory(), "held_out");
  StepMemory wide(s.device);
  const ValidationResult a = validate(wide, s.model, held_out, 32, 64, 1 << 20),
                         b = validate(wide, s.model, held_out, 32, 4096, 1 << 20);
  EXPECT_EQ(a.nats, b.nats);
  EXPECT_EQ(held_out.num_tokens() - held_out.num_documents(), a.tokens)
      << "every token but the first of a document is predicted";
  EXPECT_EQ(held_out.source_bytes(), a.bytes);
  EXPECT_NEAR(std::log(64.0), a.loss(), 0.3);
  const ValidationResult overlapped = validate(wide, s.model, held_out, 32, 4096, 1 << 20, 16);
  EXPECT_EQ(a.tokens, overlapped.tokens) << "overlap is context, not counted twice";
}

}  // namespace
}  // namespace maru::train
