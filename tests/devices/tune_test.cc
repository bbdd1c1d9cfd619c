// Sampling and learning from it in protected memory: the same bits as on the CPU.
#include "tensor/test_device.h"
#include "tune/test_conversations.h"

namespace maru::tune {
namespace {

class TunedOnDevice : public PromptRunTest {
 protected:
  train::RunSummary run_on(Device& device, const std::string& name, const train::TrainConfig& c) const {
    return train::train(c, options(name), device);
  }
  /// Runs cpuN and deviceN, which end in the same weights and figures.
  void expect_the_bits_of_the_cpu(Device& device, const std::string& n, const train::TrainConfig& c) const {
    ThreadPool pool(2);
    CpuDevice cpu{&pool};
    run_on(cpu, "cpu" + n, c);
    run_on(device, "device" + n, c);
    EXPECT_TRUE(result("cpu" + n, c.lora.has_value()) == result("device" + n, c.lora.has_value()));
    EXPECT_EQ(figures("cpu" + n), figures("device" + n));
  }
};

TEST_F(TunedOnDevice, AnswersAndWhatIsLearntFromThemAreThoseOfTheCpu) {
  for (const int64_t rank : {0, 4}) {
    train::TrainConfig c = config(rank);
    c.steps = 6, c.group_policy->beta = 0.1, c.group_policy->num_iterations = 2;
    c.dtype = rank > 0 ? "bf16" : "f32";
    const std::string n = std::to_string(rank);
    ThreadPool pool(2);
    ProtectedDevice device(&pool);
    expect_the_bits_of_the_cpu(device, n, c);
    EXPECT_EQ(read_file(root_ / "runs" / ("cpu" + n) / "samples.jsonl"),
              read_file(root_ / "runs" / ("device" + n) / "samples.jsonl"));
    cancel_.cancel();  // stopped behind the first step, and started again
    EXPECT_THROW(run_on(device, "parts" + n, c), Failure);
    cancel_.reset();
    EXPECT_TRUE(run_on(device, "parts" + n, c).resumed);
    EXPECT_TRUE(result("cpu" + n, rank > 0) == result("parts" + n, rank > 0));
    EXPECT_EQ(figures("cpu" + n), figures("parts" + n));
  }
}

TEST_F(TunedOnDevice, WhatATeacherSaysOfAnswersOfItsOwnIsThatOfTheCpu) {
  write_model("teacher", 8);
  write_conversations(root_ / "talks", 24, 3);
  for (const int64_t rank : {0, 4}) {
    train::TrainConfig c = config(rank);
    c.method = "distill", c.group_policy.reset(), c.tokens = (root_ / "talks").string();
    c.distill = train::DistillConfig{.teacher = (root_ / "models/teacher").string(), .on_policy = 0.5};
    c.distill->max_completion_length = 6;
    c.steps = 5, c.dtype = rank > 0 ? "bf16" : "f32", c.batch_tokens = 512;
    c = train::resolve(c, kVocabulary);
    const std::string n = std::to_string(rank);
    ThreadPool pool(2);
    ProtectedDevice device(&pool);
    expect_the_bits_of_the_cpu(device, n, c);
  }
}

}  // namespace
}  // namespace maru::tune
