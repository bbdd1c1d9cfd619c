// What a run says that it holds of the device's memory, against what it holds: on a device that counts all of it.
#include <gmock/gmock.h>

#include <regex>

#include "tensor/test_device.h"
#include "train/test_pairs.h"
#include "tune/test_conversations.h"

namespace maru::tune {
namespace {

using testing::HasSubstr;
using train::TrainConfig;

class CountingDevice final : public ProtectedDevice {
 public:
  using ProtectedDevice::ProtectedDevice;
  std::shared_ptr<std::byte> reserve(size_t bytes) override {
    std::shared_ptr<std::byte> memory = ProtectedDevice::reserve(bytes);
    const size_t now = held_ += bytes;
    for (size_t most = most_; now > most && !most_.compare_exchange_weak(most, now);) continue;
    std::byte* const at = memory.get();
    return {at, [this, bytes, memory = std::move(memory)](std::byte*) { held_ -= bytes; }};
  }
  double most() const { return static_cast<double>(most_); }

 private:
  std::atomic<size_t> held_ = 0, most_ = 0;
};

class Listening final : public ProgressSink {
 public:
  std::unique_ptr<ProgressLine> begin(const std::string&, uint64_t, const std::string&) override { return nullptr; }
  void inform(const std::string& message) override {
    if (message.starts_with("training holds ")) said_ = message;
  }
  void warn(const std::string&) override {}
  const std::string& said() const { return said_; }
  double bytes() const { return bytes("holds ([0-9.]+) ([KMG])iB"); }
  double sampler() const { return bytes("([0-9.]+) ([KMG])iB of the sampler"); }

 private:
  double bytes(const std::string& pattern) const {
    std::smatch found;
    if (!std::regex_search(said_, found, std::regex(pattern))) return 0;
    const double units = found[2] == "K" ? 1024 : found[2] == "M" ? 1048576 : 1073741824;
    return std::stod(found[1]) * units;
  }

  std::string said_;
};

class MemoryRunTest : public PromptRunTest {
 protected:
  void SetUp() override {
    write_tokenizer();
    write_wide("base", 7), write_wide("teacher", 8);
    write_prompts(24);
    write_conversations(root_ / "talks", 40, 3);
  }
  // Wide enough that weights are what is held, not their names.
  void write_wide(const std::string& name, uint64_t seed) const {
    Decoder model(maru::resolve(DecoderConfig{.vocab_size = kVocabulary,
                                              .hidden_size = 128,
                                              .intermediate_size = 384,
                                              .num_hidden_layers = 3,
                                              .num_attention_heads = 4,
                                              .num_key_value_heads = 4,
                                              .max_position_embeddings = 128,
                                              .tie_word_embeddings = false}),
                  Dtype::kF32);
    allocate_values(model);
    initialise(model, seed);
    save(model, name);
  }
  /// Runs two steps; what was said against what was held.
  void run(const std::string& name, const TrainConfig& c) {
    ThreadPool pool(2);
    CountingDevice device(&pool);
    Listening listening;
    train::RunOptions all = options(name);
    all.watch.sink = &listening;
    train::train(c, all, device);
    text_ = listening.said();
    said_ = listening.bytes(), sampler_ = listening.sampler();
    held_ = device.most();
  }
  TrainConfig wide(TrainConfig c) const {
    c.model = load_model(c.init_from, Dtype::kF32)->config();
    c.steps = 2, c.validation = {.every_steps = 1, .tokens = 200};
    return train::resolve(c, kVocabulary);
  }
  TrainConfig grpo(int64_t rank, double beta) const {
    TrainConfig c = config(rank);
    c.group_policy->beta = beta;
    return wide(c);
  }
  TrainConfig distill(int64_t rank, double share) const {
    TrainConfig c = config(rank);
    c.method = "distill", c.group_policy.reset(), c.tokens = (root_ / "talks").string();
    c.distill = train::DistillConfig{.teacher = (root_ / "models/teacher").string(), .on_policy = share};
    if (share > 0) c.distill->max_completion_length = 6;
    c.batch_tokens = 512;
    return wide(c);
  }
  std::string text_;
  double said_ = 0, sampler_ = 0, held_ = 0;
};

// Samplers hold less where answers end before others begin, which is a matter of which thread was faster.
TEST_F(MemoryRunTest, WhatIsSaidIsWhatIsHeld) {
  for (const int64_t rank : {0, 4}) {
    const std::string suffix = std::to_string(rank);
    for (const auto& [name, c] : std::vector<std::pair<std::string, TrainConfig>>{{"grpo", grpo(rank, 0)},
                                                                                  {"grpo_kl", grpo(rank, 0.1)},
                                                                                  {"distill", distill(rank, 0)},
                                                                                  {"on_policy", distill(rank, 1)}}) {
      run(name + suffix, c);
      EXPECT_LE(held_, (name == "distill" ? 1.02 : 1.06) * said_) << name << " " << rank << ": " << text_;
      EXPECT_GE(held_, 0.98 * said_ - sampler_ / 2) << name << " " << rank << ": " << text_;
      EXPECT_EQ(name != "distill", sampler_ > 0) << text_;
      EXPECT_EQ(name != "grpo" || rank > 0, text_.find("of models that stay as they are") != std::string::npos);
    }
  }
}

// Nobody holds a second model whose losses are known.
TEST_F(MemoryRunTest, AReferenceIsHeldUnlessItIsAskedBeforehand) {
  train::write_test_pairs(root_ / "pairs", 40, 4);
  const auto said = [&](const std::string& name, const std::function<void(train::PreferenceConfig&)>& set) {
    TrainConfig c = config();
    c.method = "dpo", c.group_policy.reset(), c.tokens = (root_ / "pairs").string(), c.tokenizer.clear();
    c.batch_tokens = 256;
    c.preference.emplace();
    set(*c.preference);
    run(name, wide(c));
    EXPECT_NEAR(1, said_ / held_, 0.02) << name << ": held " << held_ << ", " << text_;
    return held_;
  };
  const double plain = said("held", [](train::PreferenceConfig&) {}),
               synced = said("synced", [](train::PreferenceConfig&p) { p.sync_ref_model = true; }),
               known = said("known", [](train::PreferenceConfig&p) { p.precompute_ref_log_probs = true; });
  const auto model = load_model(root_ / "models/base", Dtype::kF32);
  const auto reference = static_cast<double>(train::bytes_of(*model));
  EXPECT_NEAR(plain - known, reference, 0.1 * reference);
  EXPECT_NEAR(plain, synced, 0.02 * plain);
}

TEST_F(MemoryRunTest, WhatTheMachineHasNotIsRefusedBeforeAnythingIsLearnt) {
  class SmallDevice final : public CpuDevice {
   public:
    SmallDevice(ThreadPool* pool, size_t bytes) : CpuDevice(pool), bytes_(bytes) {}
    size_t memory_bytes() const override { return bytes_; }

   private:
    const size_t bytes_;
  };
  const TrainConfig c = distill(4, 0);
  const fs::path teacher = root_ / "models/teacher/model.safetensors";
  write_file(teacher, std::string(fs::file_size(teacher), 'x'));  // nobody has read it by then
  ThreadPool pool(2);
  SmallDevice tiny(&pool, 1 << 20);
  try {
    train::train(c, options("tiny"), tiny);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kExhausted, e.code());
    EXPECT_THAT(e.what(), HasSubstr("of models that stay as they are; this machine has 1.0 MiB"));
  }
  EXPECT_FALSE(fs::exists(root_ / "runs/tiny/checkpoints"));
}

}  // namespace
}  // namespace maru::tune
