#include "models/adapter_files.h"

#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>

#include "base/json.h"
#include "base/random.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

using testing::HasSubstr;

class AdapterFiles : public testing::TestWithParam<std::string> {
 protected:
  void TearDown() override { fs::remove_all(directory_); }
  static std::unique_ptr<Decoder> golden(const std::string& name) {
    return load_model("tests/golden/models/" + name, Dtype::kF32);
  }
  std::vector<float> logits(Decoder& model, Adapter* adapter = nullptr) {
    Context ctx{device_, arena_};
    if (adapter != nullptr) ctx.adapters = &adapter->everywhere();
    BatchBuilder builder;
    builder.add(std::vector<int32_t>{1, 5, 38, 9, 4, 40, 3, 7, 7, 2, 11});
    const Tensor y = model.logits(ctx, model.forward(ctx, builder.batch(ctx)));
    return {y.data<float>(), y.data<float>() + y.size()};
  }
  static double distance(const std::vector<float>& a, const std::vector<float>& b) {
    double error = 0, size = 0;
    for (size_t i = 0; i < a.size(); ++i) error += std::pow(a[i] - b[i], 2), size += b[i] * b[i];
    return std::sqrt(error / size);
  }
  /// As after some training: no part of it is zero.
  static void move(Adapter& adapter) {
    Random random(4);
    for (Parameter* p : adapter.parameters())
      for (int64_t i = 0; i < p->value.size(); ++i)
        p->value.data<float>()[i] += static_cast<float>(0.3 * random.normal());
  }
  std::string error_of(const std::string& model, const LoraConfig& config) {
    const auto loaded = golden(model);
    try {
      lora_targets(*loaded, config);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_adapter_files_" + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
};

TEST_P(AdapterFiles, ANewOneChangesNothingAndWhatItLearnsIsWrittenAsPeftReadsIt) {
  for (const auto& [rslora, dora] : {std::pair{false, false}, {true, false}, {false, true}}) {
    const auto model = golden(GetParam());
    const LoraConfig config{.rank = 3, .alpha = 5, .use_rslora = rslora, .use_dora = dora};
    Adapter fresh(device_, *model, config, 7);
    const std::vector<float> before = logits(*model);
    if (dora)
      EXPECT_LT(distance(logits(*model, &fresh), before), 1e-6) << "lengths over themselves, rounded to f32";
    else
      EXPECT_EQ(before, logits(*model, &fresh));
    move(fresh);
    save_adapter(*model, fresh, config, "base", directory_);
    Adapter read(device_, *model, directory_);
    const std::vector<float> expected = logits(*model, &fresh);
    EXPECT_LT(distance(logits(*model, &read), expected), 2e-6);
    EXPECT_GT(distance(expected, before), 0.1);
    EXPECT_EQ("base", read_json(directory_ / "adapter_config.json")["base_model_name_or_path"]);
  }
}

// A head that is tied to the table is not any more: what is trained of one does not move the other.
TEST_P(AdapterFiles, ModulesThatAreTrainedWholeAreWrittenAsPeftReadsThem) {
  for (const std::vector<std::string>& saved :
       std::vector<std::vector<std::string>>{{"embed_tokens"}, {"lm_head"}, {"embed_tokens", "lm_head"}}) {
    const auto model = golden(GetParam());
    const LoraConfig config{.rank = 3, .alpha = 5, .modules_to_save = saved};
    const std::vector<float> before = logits(*model);
    Adapter fresh(device_, *model, config, 7);
    EXPECT_EQ(before, logits(*model, &fresh));
    const Adapter without(device_, *model, LoraConfig{.rank = 3, .alpha = 5}, 7);
    EXPECT_GT(fresh.size(), without.size());
    move(fresh);
    EXPECT_EQ(before, logits(*model)) << "the model stays as it is";
    save_adapter(*model, fresh, config, "base", directory_);
    EXPECT_EQ(saved.size(), read_json(directory_ / "adapter_config.json")["modules_to_save"].size());
    const auto again = golden(GetParam());
    Adapter read(device_, *again, directory_);
    EXPECT_LT(distance(logits(*again, &read), logits(*model, &fresh)), 2e-6);
  }
}

TEST_F(AdapterFiles, OtherModulesToSaveAreRefusedByName) {
  const auto error = [&](const std::vector<std::string>& saved, bool quantized = false) {
    const auto model = golden("llama");
    if (quantized) quantize_weights(device_, *model, QuantizedKind::kInt8);
    try {
      Adapter adapter(device_, *model, LoraConfig{.modules_to_save = saved}, 1);
      return std::string("no error");
    } catch (const Failure& e) {
      return e.error().message;
    }
  };
  EXPECT_EQ("lora.modules_to_save: \"norm\": expected embed_tokens or lm_head", error({"embed_tokens", "norm"}));
  EXPECT_EQ("lora.modules_to_save: \"\": expected embed_tokens or lm_head", error({""}));
  EXPECT_EQ("lora.modules_to_save: \"q_proj\": expected embed_tokens or lm_head", error({"q_proj"}));
  EXPECT_EQ("no error", error({"embed_tokens", "embed_tokens"}));
  EXPECT_EQ("lora.modules_to_save: lm_head: is quantized, and cannot be trained whole", error({"lm_head"}, true));
}

INSTANTIATE_TEST_SUITE_P(Families, AdapterFiles,
                         testing::Values("llama", "qwen3", "gemma2", "phi3", "gpt_neox", "gpt2", "granite",
                                         "hyperclovax", "mixtral", "solar_open"),
                         [](const auto& info) { return info.param; });

TEST_F(AdapterFiles, TheSameSeedMakesTheSameOne) {
  const auto model = golden("llama");
  const LoraConfig config{.rank = 2};
  std::vector<std::string> files;
  for (const uint64_t seed : {7, 7, 8}) {
    Adapter adapter(device_, *model, config, seed);
    save_adapter(*model, adapter, config, "base", directory_);
    files.push_back(read_file(directory_ / "adapter_model.safetensors"));
  }
  EXPECT_EQ(files[0], files[1]);
  EXPECT_NE(files[0], files[2]);
}

TEST_F(AdapterFiles, TargetsAreNamedHereOrAsInTheFiles) {
  const auto phi = golden("phi3");
  const auto size = [&](std::vector<std::string> names) {
    return lora_targets(*phi, {.rank = 2, .target_modules = std::move(names)}).size();
  };
  const auto layers = static_cast<size_t>(phi->config().num_hidden_layers);
  EXPECT_EQ(3 * layers, size({"qkv_proj"}));
  EXPECT_EQ(layers, size({"k_proj"}));
  EXPECT_EQ(2 * layers, size({"k_proj", "down_proj"}));
  EXPECT_EQ(7 * layers, size({"all-linear"}));
  EXPECT_THAT(error_of("llama", {.rank = 2, .target_modules = {"q_proj", "qkv"}}),
              HasSubstr("lora.target_modules: \"qkv\": expected all-linear or some of: down_proj gate_proj k_proj"));
  EXPECT_THAT(error_of("llama", {.rank = 2, .target_modules = {}}), HasSubstr("lora.target_modules: none: expected"));
  EXPECT_THAT(error_of("llama", {.rank = 2, .target_modules = {"lm_head"}}), HasSubstr("\"lm_head\""));
}

}  // namespace
}  // namespace maru
