// Small adapters worked out by hand; tests/reference compares random ones with peft.
#include "formats/lora.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Values {
  std::string name;
  std::vector<int64_t> shape;
  std::vector<float> values;
};

class LoraTest : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  static void write(const fs::path& path, const std::vector<Values>& tensors) {
    SafetensorsWriter writer(path);
    for (const Values& t : tensors) writer.declare(t.name, "F32", t.shape);
    for (const Values& t : tensors) writer.write(std::as_bytes(std::span(t.values)));
    writer.commit();
  }
  LoraAdapter adapter(const std::vector<Values>& tensors, const Json& changes = Json::object()) {
    Json config{{"peft_type", "LORA"}, {"r", 1}, {"lora_alpha", 2}};
    config.update(changes);
    write_json(home_ / "adapter_config.json", config);
    write(home_ / "adapter_model.safetensors", tensors);
    return LoraAdapter(home_);
  }
  std::string error_of(const std::vector<Values>& tensors, const Json& changes = Json::object()) {
    try {
      adapter(tensors, changes);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  static std::vector<float> merged(const LoraAdapter& adapter, const std::string& name = "q.weight",
                                   bool transposed = false) {
    std::vector<float> w{3, 0, 0, 4};
    adapter.merge(name, 2, 2, transposed, w);
    return w;
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_lora_" + std::to_string(::getpid()));
  const std::vector<Values> plain_{{"base_model.model.q.lora_A.weight", {1, 2}, {1, 2}},
                                   {"base_model.model.q.lora_B.weight", {2, 1}, {10, 1}}};
};

TEST_F(LoraTest, AddsTheScaledProduct) {
  EXPECT_THAT(merged(adapter(plain_)), ElementsAre(23, 40, 2, 8)) << "alpha / r = 2";
  EXPECT_THAT(adapter(plain_).targets(), ElementsAre("q.weight"));
}

TEST_F(LoraTest, EveryRankKeepsItsColumnAndItsRow) {
  const LoraAdapter a = adapter({{"base_model.model.q.lora_A.weight", {2, 2}, {1, 2, 10, 20}},
                                 {"base_model.model.q.lora_B.weight", {2, 2}, {1, 2, 3, 4}}});
  EXPECT_THAT(merged(a), ElementsAre(3 + 21, 42, 43, 4 + 86)) << "[1 2; 3 4] · [1 2; 10 20]";
}

TEST_F(LoraTest, RankStabilisedScalesByTheRoot) {
  const std::vector<Values> wide{{"base_model.model.q.lora_A.weight", {4, 2}, {1, 0, 0, 0, 0, 0, 0, 0}},
                                 {"base_model.model.q.lora_B.weight", {2, 4}, {1, 0, 0, 0, 0, 0, 0, 0}}};
  EXPECT_THAT(merged(adapter(wide, {{"r", 4}, {"use_rslora", true}})), ElementsAre(4, 0, 0, 4)) << "2 / sqrt(4)";
  EXPECT_THAT(merged(adapter(wide, {{"r", 4}})), ElementsAre(3.5, 0, 0, 4)) << "2 / 4";
  EXPECT_THAT(merged(adapter(wide, {{"r", 4}, {"alpha_pattern", {{"q", 8}}}})), ElementsAre(5, 0, 0, 4));
  EXPECT_THAT(merged(adapter(wide, {{"r", 4}, {"alpha_pattern", {{"x.q", 8}, {"", 8}}}})), ElementsAre(3.5, 0, 0, 4))
      << "another module's";
}

TEST_F(LoraTest, TheFirstPatternThatNamesAModuleSaysItsAlpha) {
  const std::vector<Values> deep{{"base_model.model.layers.3.q.lora_A.weight", {1, 2}, {1, 0}},
                                 {"base_model.model.layers.3.q.lora_B.weight", {2, 1}, {1, 0}}};
  const auto first = [&](const Json& pattern) {
    return merged(adapter(deep, {{"alpha_pattern", pattern}}), "layers.3.q.weight")[0] - 3;
  };
  EXPECT_EQ(2, first(Json::object()));
  EXPECT_EQ(5, first({{"layers.[0-3].*", 5}, {"q", 7}})) << "in the order of the file";
  EXPECT_EQ(7, first({{"layers.[0-2].*", 5}, {"q", 7}}));
  EXPECT_EQ(7, first({{"q", 7}, {"layers.[0-3].*", 5}}));
  EXPECT_EQ(2, first({{"k", 7}, {"ayers.3.q", 5}}));
}

TEST_F(LoraTest, TransposedWeightsChangeAcross) {
  for (const bool said : {false, true}) {  // the model's layout decides, not the adapter's word for it
    const LoraAdapter a = adapter(plain_, {{"fan_in_fan_out", said}});
    EXPECT_EQ(said, a.fan_in_fan_out());
    EXPECT_THAT(merged(a, "q.weight", true), ElementsAre(23, 2, 40, 8));
    EXPECT_THAT(merged(a, "q.weight", false), ElementsAre(23, 40, 2, 8));
  }
}

TEST_F(LoraTest, DecomposedSetsTheLengthOfEveryRow) {
  std::vector<Values> dora{{"base_model.model.q.lora_A.weight", {1, 2}, {0, 1}},
                           {"base_model.model.q.lora_B.weight", {2, 1}, {2, 0}},
                           {"base_model.model.q.lora_magnitude_vector", {2}, {10, 1}}};
  EXPECT_THAT(merged(adapter(dora)), ElementsAre(6, 8, 0, 1)) << "[3, 4] of length 5 becomes 10 long";
}

TEST_F(LoraTest, EmbeddingsAndReplacedTensors) {
  const LoraAdapter a = adapter({{"base_model.model.e.lora_embedding_A", {1, 2}, {1, 2}},
                                 {"base_model.model.e.lora_embedding_B", {2, 1}, {10, 1}},
                                 {"base_model.model.head.weight", {2, 2}, {1, 2, 3, 4}}});
  EXPECT_THAT(merged(a, "e.weight"), ElementsAre(23, 2, 40, 8)) << "transposed";
  EXPECT_THAT(merged(a, "head.weight"), ElementsAre(1, 2, 3, 4));
  EXPECT_THAT(merged(a, "other.weight"), ElementsAre(3, 0, 0, 4));
}

TEST_F(LoraTest, RefusesWhatItWouldGetWrong) {
  EXPECT_THAT(error_of(plain_, {{"peft_type", "IA3"}}), HasSubstr("peft_type \"IA3\" is not supported"));
  EXPECT_THAT(error_of(plain_, {{"lora_bias", true}}), HasSubstr("lora_bias is not supported"));
  for (const char* key :
       {"use_qalora", "megatron_config", "layer_replication", "alora_invocation_tokens", "arrow_config", "kasa_config",
        "monteclora_config", "trainable_token_indices", "ensure_weight_tying", "enable_lora", "a_key_of_next_year"}) {
    EXPECT_THAT(error_of(plain_, {{key, {1, 2}}}), HasSubstr(std::string(key) + " is not supported"));
    for (const Json& unset : {Json(), Json(false), Json::array(), Json::object()})
      EXPECT_EQ("no error", error_of(plain_, {{key, unset}})) << key;
  }
  EXPECT_THAT(error_of(plain_, {{"use_bdlora", {{"nblocks", 2}}}}), HasSubstr("use_bdlora is not supported"));
  EXPECT_THAT(error_of(plain_, {{"target_parameters", {"x"}}}), HasSubstr("target_parameters is not supported"));
  EXPECT_THAT(error_of(plain_, {{"target_parameters", Json::array()}}), HasSubstr("no error"));
  EXPECT_THAT(error_of(plain_, {{"init_lora_weights", "pissa_niter_4"}}),
              HasSubstr("init_lora_weights \"pissa_niter_4\" is not supported"));
  EXPECT_THAT(error_of(plain_, {{"init_lora_weights", "gaussian"}}), HasSubstr("no error"));
  EXPECT_THAT(error_of(plain_, {{"alpha_pattern", {{"(?=q)", 8}}}}), HasSubstr("the regular expression \"(?=q)\""));
  EXPECT_THAT(error_of(plain_, {{"alpha_pattern", {{"q", "x"}}}}),
              HasSubstr("adapter_config.json: alpha_pattern.q: expected a number, got \"x\""));
  EXPECT_THAT(error_of({plain_[0]}), HasSubstr("q.weight: lora_A or lora_B is missing"));
  EXPECT_THAT(error_of({plain_[0], {"base_model.model.q.lora_B.weight", {1, 2}, {1, 2}}}), HasSubstr("share a rank"));
  EXPECT_THAT(error_of({{"q.lora_A.weight", {1}, {1}}}), HasSubstr("begins with base_model.model."));
  EXPECT_THAT(error_of({{"base_model.model.q.lora_C.weight", {1}, {1}}}), HasSubstr("of no known kind"));
  std::vector<float> w(6);
  EXPECT_THROW(adapter(plain_).merge("q.weight", 3, 2, false, w), Failure);
}

TEST_F(LoraTest, MergesWholeModels) {
  const auto linear = [](const std::string&) { return false; };
  const fs::path model = home_ / "model", out = home_ / "out";
  fs::create_directories(model);
  fs::create_directories(out);
  write_json(model / "config.json", Json::object());
  write(model / "model.safetensors", {{"q.weight", {2, 2}, {3, 0, 0, 4}}, {"n", {1}, {7}}});
  merge_adapter(model, adapter(plain_), out, linear);
  const WeightFiles files(out);
  EXPECT_THAT(read_plain(*files.find("q.weight"), "out"), ElementsAre(23, 40, 2, 8));
  EXPECT_THAT(read_plain(*files.find("n"), "out"), ElementsAre(7));
  write(model / "model.safetensors", {{"n", {1}, {7}}});
  EXPECT_THROW(merge_adapter(model, adapter(plain_), out, linear), Failure) << "nothing to change";
}

}  // namespace
}  // namespace maru::formats
