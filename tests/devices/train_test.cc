// Training in protected memory: the same bits as on the CPU, step by step, through checkpoints and resumption, for
// every method that learns from what others wrote.
#include <functional>

#include "tensor/test_device.h"
#include "train/test_pairs.h"
#include "train/test_run.h"
#include "train/test_texts.h"

namespace maru::train {
namespace {

class DeviceRunTest : public RunTest {
 protected:
  /// What a run leaves, without what a clock says.
  struct Result {
    std::string weights, figures;
    bool operator==(const Result&) const = default;
  };
  Result result(const std::string& name, const TrainConfig& c) const {
    const char* file = makes_adapter(c) ? "adapter_model.safetensors" : "model.safetensors";
    return {read_file(model_of(name) / file), figures(name)};
  }
  Result on_cpu(const std::string& name, const TrainConfig& c) const {
    run(name, c);
    return result(name, c);
  }
  Result on_device(const std::string& name, const TrainConfig& c) const {
    ThreadPool pool(2);
    ProtectedDevice device(&pool);
    train(c, options(name), device);
    EXPECT_GT(device.launches(), 1000);
    return result(name, c);
  }
  /// Stopped behind its first step, and started again.
  Result on_device_in_two_parts(const std::string& name, const TrainConfig& c) {
    ThreadPool pool(2);
    cancel_.cancel();
    {
      ProtectedDevice device(&pool);
      EXPECT_THROW(train(c, options(name), device), Failure);
    }
    cancel_.reset();
    ProtectedDevice device(&pool);
    EXPECT_TRUE(train(c, options(name), device).resumed);
    return result(name, c);
  }
};

using Setting = std::tuple<std::string, std::string, bool>;  // dtype, optimiser, recompute

class TrainedOnDevice : public DeviceRunTest, public testing::WithParamInterface<Setting> {
 protected:
  TrainConfig setting() const {
    TrainConfig c = config();
    std::tie(c.dtype, c.optimizer.name, c.recompute) = GetParam();
    c.steps = 12;
    return resolve(c, TestTokens::kVocabulary);
  }
};

TEST_P(TrainedOnDevice, HasTheBitsOfTheCpu) {
  const Result cpu = on_cpu("cpu", setting());
  EXPECT_TRUE(on_device("device", setting()) == cpu);
  EXPECT_TRUE(on_device_in_two_parts("parts", setting()) == cpu);
}

INSTANTIATE_TEST_SUITE_P(All, TrainedOnDevice,
                         testing::Values(Setting{"f32", "adamw", false}, Setting{"f32", "muon", true},
                                         Setting{"bf16", "adamw", true}, Setting{"bf16", "muon", false}),
                         [](const auto& info) {
                           return std::get<0>(info.param) + "_" + std::get<1>(info.param) +
                                  (std::get<2>(info.param) ? "_recomputed" : "");
                         });

struct Learning {
  std::string name, method;
  const char* tokens = "pairs";
  std::function<void(TrainConfig&, const fs::path& base)> set = [](TrainConfig&, const fs::path&) {};
};
void from_bert(TrainConfig& c, const fs::path& base) {
  const fs::path bert = base.parent_path() / "bert";
  if (!fs::exists(bert)) write_test_bert(bert);
  c.init_from = bert.string(), c.encoder = test_bert(bert);
}
const std::vector<Learning> kMethods{{"dpo", "dpo"},
                                     {"aot", "dpo", "pairs",
                                      [](TrainConfig& c, const fs::path&) {
                                        c.preference = PreferenceConfig{.loss_type = {"aot", "sft"}};
                                      }},
                                     {"synced", "dpo", "pairs",
                                      [](TrainConfig& c, const fs::path&) {
                                        c.preference.emplace();
                                        if (!c.lora) c.preference->sync_ref_model = true;
                                        if (!c.lora) c.preference->ref_model_sync_steps = 3;
                                      }},
                                     {"kto", "kto", "labelled"},
                                     {"orpo", "orpo"},
                                     {"cpo", "cpo"},
                                     {"reward", "reward"},
                                     {"embed", "embed", "texts"},
                                     {"embed_scored", "embed", "scored"},
                                     {"embed_encoder", "embed", "texts", from_bert},
                                     {"rank", "rank", "texts"},
                                     {"rank_encoder", "rank", "texts", from_bert},
                                     {"distill", "distill", "documents", [](TrainConfig& c, const fs::path& base) {
                                        c.distill = DistillConfig{.teacher = base.string()};
                                      }}};

class MethodOnDevice : public DeviceRunTest, public testing::WithParamInterface<std::tuple<Learning, int>> {
 protected:
  void SetUp() override {
    write_test_pairs(tokens_.root() / "pairs", 40, 4);
    write_test_labelled(tokens_.root() / "labelled", 80, 4);
    write_test_texts(tokens_.root() / "texts", 80, 4);
    write_test_texts(tokens_.root() / "scored", 80, 4, true);
    fs::create_directory_symlink(tokens_.directory(), tokens_.root() / "documents");
    run("base", config());
  }
  TrainConfig learning() const {
    const auto& [what, rank] = GetParam();
    TrainConfig c = config();
    c.tokens = (tokens_.root() / what.tokens).string(), c.init_from = model_of("base").string();
    c.method = what.method, c.steps = 8, c.dtype = rank > 0 ? "bf16" : "f32";
    if (rank > 0) c.lora = LoraConfig{.rank = rank};
    what.set(c, model_of("base"));
    return resolve(c, TestTokens::kVocabulary);
  }
};

TEST_P(MethodOnDevice, LearnsWithTheBitsOfTheCpu) {
  const Result cpu = on_cpu("cpu", learning());
  EXPECT_TRUE(on_device("device", learning()) == cpu);
  EXPECT_TRUE(on_device_in_two_parts("parts", learning()) == cpu);
}

// Stopped before its first step, it has what it asked beforehand, and no checkpoint.
TEST_F(DeviceRunTest, ReferencesAreAskedBeforehandWithTheBitsOfTheCpu) {
  write_test_pairs(tokens_.root() / "pairs", 40, 4);
  run("base", config());
  for (const int64_t rank : {0, 2}) {
    TrainConfig c = config();
    c.tokens = (tokens_.root() / "pairs").string(), c.init_from = model_of("base").string();
    c.method = "dpo", c.steps = 8;
    c.preference = PreferenceConfig{.precompute_ref_log_probs = true};
    if (rank > 0) c.lora = LoraConfig{.rank = rank};
    c = resolve(c, TestTokens::kVocabulary);
    const std::string n = std::to_string(rank);
    EXPECT_TRUE(on_device("device" + n, c) == on_cpu("cpu" + n, c));
    EXPECT_EQ(read_file(run_of("cpu" + n) / "reference/train.losses"),
              read_file(run_of("device" + n) / "reference/train.losses"));
  }
}

INSTANTIATE_TEST_SUITE_P(All, MethodOnDevice, testing::Combine(testing::ValuesIn(kMethods), testing::Values(0, 2)),
                         [](const auto& info) {
                           return std::get<0>(info.param).name + (std::get<1>(info.param) > 0 ? "_adapter" : "");
                         });

}  // namespace
}  // namespace maru::train
