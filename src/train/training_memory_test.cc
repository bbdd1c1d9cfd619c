#include "train/training_memory.h"

#include <gtest/gtest.h>

#include "models/adapter.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "train/objectives/test_answers.h"

namespace maru::train {
namespace {

using TrainingMemoryTest = AnswerTest;

TEST_F(TrainingMemoryTest, AllOfItIsSaidByWhatItIsFor) {
  const size_t mib = 1 << 20;
  TrainingMemory memory{.weights = mib, .gradients = 2 * mib, .optimizer = 3 * mib, .step = 4 * mib};
  EXPECT_EQ(10 * mib, memory.all());
  EXPECT_EQ(std::string::npos, memory.text().find("stay as they are"));
  memory.held = {.models = 5 * mib, .sampler = 6 * mib};
  EXPECT_EQ(21 * mib, memory.all());
  EXPECT_EQ(
      "21.0 MiB of memory: 1.0 MiB of weights, 2.0 MiB of gradients, 3.0 MiB of the optimiser, 4.0 MiB of a "
      "micro-batch, 5.0 MiB of models that stay as they are, 6.0 MiB of the sampler",
      memory.text());
}

TEST_F(TrainingMemoryTest, QuantizedWeightsCountAsTheyLie) {
  const auto model = make(Dtype::kBf16);
  const size_t plain = bytes_of(*model);
  EXPECT_EQ(static_cast<size_t>(value_bytes(*model)), plain);
  quantize_weights(device_, *model, QuantizedKind::kInt8);
  EXPECT_LT(bytes_of(*model), plain * 3 / 4);
  EXPECT_GT(bytes_of(*model), plain / 3);
}

TEST_F(TrainingMemoryTest, OfAStoredModelItIsKnownBeforeItIsRead) {
  const fs::path at = fs::temp_directory_path() / ("maru_memory_" + std::to_string(::getpid()));
  fs::create_directories(at);
  make(Dtype::kBf16)->save(at);
  for (const Dtype dtype : {Dtype::kBf16, Dtype::kF32}) {
    const auto loaded = load_model(at, dtype);
    EXPECT_NEAR(static_cast<double>(bytes_of(*loaded)), static_cast<double>(bytes_of_stored(at, dtype)),
                0.02 * static_cast<double>(bytes_of(*loaded)));
  }
  fs::remove_all(at);
}

TEST_F(TrainingMemoryTest, WhatTheMachineHasNotIsRefused) {
  TrainingMemory memory{.weights = 1};
  EXPECT_NO_THROW(check_room(device_, memory));
  memory.held.models = device_.memory_bytes();
  EXPECT_THROW(check_room(device_, memory), Failure);
}

}  // namespace
}  // namespace maru::train
