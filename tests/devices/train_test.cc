// Training in protected memory: the same bits as on the CPU, step by step, through checkpoints and resumption.
#include <gtest/gtest.h>

#include <sstream>

#include "base/json.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "tensor/test_device.h"
#include "train/run.h"
#include "train/test_pairs.h"
#include "train/test_tokens.h"

namespace maru::train {
namespace {

using Setting = std::tuple<std::string, std::string, bool>;  // dtype, optimiser, recompute

class TrainedOnDevice : public testing::TestWithParam<Setting> {
 protected:
  TrainConfig config() const {
    TrainConfig c;
    c.name = "m", c.tokens = tokens_.directory().string();
    c.model = {.hidden_size = 32,
               .intermediate_size = 64,
               .num_hidden_layers = 2,
               .num_attention_heads = 4,
               .num_key_value_heads = 2,
               .max_position_embeddings = 64};
    c.sequence_length = 32, c.micro_batch_tokens = 128, c.batch_tokens = 256, c.steps = 12;
    c.dtype = std::get<0>(GetParam()), c.optimizer.name = std::get<1>(GetParam()),
    c.recompute = std::get<2>(GetParam());
    c.checkpoint.every_steps = 5;
    c.validation = {.every_steps = 4, .tokens = 500};
    return resolve(c, TestTokens::kVocabulary);
  }
  RunOptions options(const std::string& name) const {
    return {.run = tokens_.root() / "runs" / name,
            .model = tokens_.root() / "models" / name,
            .home = tokens_.root(),
            .watch = {.cancel = &cancel_}};
  }
  std::string weights(const std::string& name, const char* file = "model.safetensors") const {
    return read_file(tokens_.root() / "models" / name / file);
  }
  /// Every row of the metrics but for what a clock says.
  std::string losses(const std::string& name) const {
    std::string all;
    std::istringstream rows(read_file(tokens_.root() / "runs" / name / "metrics.jsonl"));
    for (std::string row; std::getline(rows, row);) {
      const Json json = parse_json(row, name).value();
      for (const char* field :
           {"step", "loss", "gradient_norm", "margin", "validation_bits_per_byte", "validation_margin"})
        if (json.contains(field)) all += json[field].dump() + " ";
    }
    return all;
  }

  TestTokens tokens_{200, 11};
  ThreadPool pool_{2};
  mutable CancelToken cancel_;
};

TEST_P(TrainedOnDevice, HasTheBitsOfTheCpu) {
  CpuDevice cpu(&pool_);
  ProtectedDevice device(&pool_);
  train(config(), options("cpu"), cpu);
  train(config(), options("device"), device);
  EXPECT_EQ(weights("cpu"), weights("device"));
  EXPECT_EQ(losses("cpu"), losses("device"));
  EXPECT_GT(device.launches(), 1000);
}

TEST_P(TrainedOnDevice, GoesOnFromACheckpoint) {
  CpuDevice cpu(&pool_);
  train(config(), options("cpu"), cpu);
  cancel_.cancel();  // one step, then a checkpoint
  {
    ProtectedDevice device(&pool_);
    EXPECT_THROW(train(config(), options("device"), device), Failure);
  }
  cancel_.reset();
  ProtectedDevice device(&pool_);
  EXPECT_TRUE(train(config(), options("device"), device).resumed);
  EXPECT_EQ(weights("cpu"), weights("device"));
}

TEST_P(TrainedOnDevice, LearnsFromPairsWithTheBitsOfTheCpu) {
  CpuDevice cpu(&pool_);
  train(config(), options("base"), cpu);
  write_test_pairs(tokens_.root() / "pairs", 40, 4);
  for (const int64_t rank : {0, 2}) {
    TrainConfig c = config();
    c.tokens = (tokens_.root() / "pairs").string(), c.init_from = (tokens_.root() / "models/base").string();
    c.method = "dpo";
    if (rank > 0) c.lora = LoraConfig{.rank = rank};
    c = resolve(c, TestTokens::kVocabulary);
    const std::string here = "cpu" + std::to_string(rank), there = "device" + std::to_string(rank);
    train(c, options(here), cpu);
    ProtectedDevice device(&pool_);
    train(c, options(there), device);
    const char* file = rank > 0 ? "adapter_model.safetensors" : "model.safetensors";
    EXPECT_EQ(weights(here, file), weights(there, file)) << "rank " << rank;
    EXPECT_EQ(losses(here), losses(there)) << "rank " << rank;
    EXPECT_GT(device.launches(), 1000);
  }
}

TEST_P(TrainedOnDevice, LearnsFromATeacherWithTheBitsOfTheCpu) {
  CpuDevice cpu(&pool_);
  train(config(), options("base"), cpu);
  TrainConfig c = config();
  c.model.hidden_size = 16;
  c.method = "distill", c.distill = DistillConfig{.teacher = (tokens_.root() / "models/base").string()};
  c = resolve(c, TestTokens::kVocabulary);
  train(c, options("cpu"), cpu);
  ProtectedDevice device(&pool_);
  train(c, options("device"), device);
  EXPECT_EQ(weights("cpu"), weights("device"));
  EXPECT_EQ(losses("cpu"), losses("device"));
  EXPECT_GT(device.launches(), 1000);
}

INSTANTIATE_TEST_SUITE_P(All, TrainedOnDevice,
                         testing::Values(Setting{"f32", "adamw", false}, Setting{"f32", "muon", true},
                                         Setting{"bf16", "adamw", true}, Setting{"bf16", "muon", false}),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param) +
                                  (std::get<2>(info.param) ? "_recomputed" : "");
                         });

}  // namespace
}  // namespace maru::train
