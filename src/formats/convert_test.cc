// A safetensors model written anew as plain safetensors, and weights wherever they lie.
#include "formats/convert.h"

#include <gmock/gmock.h>

#include "base/json.h"
#include "formats/test_weights.h"

namespace maru::formats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConvertTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(home_);
    write_json(home_ / "config.json", config_);
  }
  void TearDown() override { fs::remove_all(home_); }

  void write_weights(const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
    write_counting(home_ / "model.safetensors", tensors);
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_convert_" + std::to_string(::getpid()));
  Json config_{{"architectures", {"OddForCausalLM"}}};
};

TEST_F(ConvertTest, WritesPlainSafetensors) {
  write_weights({{"a.weight", {2, 2}}, {"b", {3}}});
  fs::create_directories(home_ / "out");
  convert_to_safetensors(home_, home_ / "out", GgmlType::kBf16);
  const WeightFiles files(home_ / "out");
  EXPECT_EQ("BF16", files.find("a.weight")->dtype);
  EXPECT_THAT(read_plain(*files.find("b"), "out"), ElementsAre(0, 1, 2));
  EXPECT_EQ("bfloat16", read_json(home_ / "out/config.json")["torch_dtype"]);
}

TEST_F(ConvertTest, TheConfigurationSaysWhatTheWeightsHaveBecome) {
  SafetensorsWriter writer(home_ / "model.safetensors");
  const std::vector<int8_t> bytes{-128, 127, 3, 0};
  const std::vector<float> scale{0.5f};
  writer.declare("m.weight", "I8", {2, 2});
  writer.declare("m.weight_scale", "F32", {1});
  writer.write(std::as_bytes(std::span(bytes)));
  writer.write(std::as_bytes(std::span(scale)));
  writer.commit();
  config_["dtype"] = "int8";
  config_["quantization_config"] = Json::parse(R"({"quant_method": "compressed-tensors", "format": "int-quantized",
      "config_groups": {"group_0": {"targets": ["Linear"], "weights": {"num_bits": 8}}}})");
  write_json(home_ / "config.json", config_);
  fs::create_directories(home_ / "out");
  for (const auto& [type, name] :
       {std::pair{GgmlType::kF32, "float32"}, {GgmlType::kF16, "float16"}, {GgmlType::kBf16, "bfloat16"}}) {
    convert_to_safetensors(home_, home_ / "out", type);
    const Json config = read_json(home_ / "out/config.json");
    EXPECT_EQ(name, config["torch_dtype"]);
    EXPECT_FALSE(config.contains("quantization_config") || config.contains("dtype")) << config;
    EXPECT_THAT(read_plain(*WeightFiles(home_ / "out").find("m.weight"), "out"), ElementsAre(-64, 63.5, 1.5, 0));
  }
}

TEST_F(ConvertTest, RefusesWhatHalfFloatsCannotHold) {
  SafetensorsWriter writer(home_ / "model.safetensors");
  const std::vector<float> values{1, -65504, 65505};
  writer.declare("a", "F32", {3});
  writer.write(std::as_bytes(std::span(values)));
  writer.commit();
  fs::create_directories(home_ / "out");
  EXPECT_NO_THROW(convert_to_safetensors(home_, home_ / "out", GgmlType::kBf16));
  EXPECT_THROW(convert_to_safetensors(home_, home_ / "out", GgmlType::kF16), Failure);
}

TEST_F(ConvertTest, WeightsAreFoundWhereverTheyLie) {
  EXPECT_THROW(WeightFiles(home_ / "nowhere"), Failure);
  write_file(home_ / "pytorch_model.bin", "x");
  try {
    WeightFiles files(home_);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ(ErrorCode::kUnimplemented, e.code());
    EXPECT_THAT(e.what(), HasSubstr("reading a pickle runs whatever code is in it"));
  }
  write_weights({{"a", {2}}});
  fs::rename(home_ / "model.safetensors", home_ / "one.safetensors");
  write_json(home_ / "model.safetensors.index.json",
             {{"weight_map", {{"a", "one.safetensors"}, {"b", "one.safetensors"}}}});
  try {
    WeightFiles files(home_);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_THAT(e.what(), HasSubstr("b is in none of the files"));
  }
  write_json(home_ / "model.safetensors.index.json", {{"weight_map", {{"a", "../one.safetensors"}}}});
  EXPECT_THROW(WeightFiles{home_}, Failure);
  EXPECT_EQ(1u, WeightFiles(home_ / "one.safetensors").tensors().size());
  EXPECT_NE(nullptr, WeightFiles("tests/golden/blocks.gguf").find("Q4_K"));
}

}  // namespace
}  // namespace maru::formats
