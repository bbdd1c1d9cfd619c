// Small weights spelled out by hand; tests/reference compares random ones with torch.
#include "formats/integer_weight.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/bfloat16.h"
#include "base/float16.h"
#include "base/json.h"

namespace maru::formats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

/// Tensors in memory by name.
class Tensors {
 public:
  Tensors() = default;
  Tensors(Tensors&&) = default;  // entries point into bytes: a copy would point into the original

  template <class T>
  Tensors& add(const std::string& name, const std::string& dtype, std::vector<int64_t> shape, std::vector<T> values) {
    std::string& bytes = bytes_[name];
    bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T));
    entries_[name] = {dtype, std::move(shape), std::as_bytes(std::span(bytes))};
    return *this;
  }
  TensorLookup lookup() const {
    return [this](const std::string& name) {
      const auto it = entries_.find(name);
      return it == entries_.end() ? nullptr : &it->second;
    };
  }

 private:
  std::map<std::string, std::string> bytes_;
  std::map<std::string, SafetensorsEntry> entries_;
};

QuantizationConfig config_of(const char* text) {
  return quantization_config(Json{{"quantization_config", Json::parse(text)}}, "config.json").value();
}

std::string error_of(const QuantizationConfig& config, const Tensors& tensors) {
  try {
    const auto unused = read_quantized(config, tensors.lookup(), "m.weight", "dir");
    return unused ? "no error" : "nothing";
  } catch (const Failure& e) {
    return e.what();
  }
}

std::vector<float> values_of(const QuantizationConfig& config, const Tensors& tensors) {
  return read_quantized(config, tensors.lookup(), "m.weight", "dir").value().values;
}

uint32_t nibbles(std::initializer_list<uint32_t> from_low) {
  uint32_t word = 0;
  int shift = 0;
  for (const uint32_t n : from_low) word |= n << shift, shift += 4;
  return word;
}

// Two groups of four inputs, eight outputs, of which the first two are looked at. Zero points 8 and 3.
Tensors gptq() {
  std::vector<uint32_t> qweight(8);
  qweight[0] = nibbles({8, 9, 10, 11, 12, 13, 14, 15});
  qweight[1] = nibbles({0, 1, 2, 3, 4, 5, 6, 7});
  std::vector<float16> scales(16, to_float16(1));
  scales[8] = to_float16(0.5f);  // group 1, output 0
  Tensors t;
  t.add("m.qweight", "I32", {1, 8}, qweight)
      .add("m.qzeros", "I32", {2, 1}, std::vector<uint32_t>{nibbles({7, 2}), nibbles({7, 2})})
      .add("m.scales", "F16", {2, 8}, scales);
  return t;
}

TEST(QuantizedWeight, ReadsGptq) {
  const QuantizationConfig config = config_of(R"({"quant_method": "gptq", "bits": 4, "group_size": 4})");
  const FloatMatrix w = read_quantized(config, gptq().lookup(), "m.weight", "dir").value();
  EXPECT_EQ(8, w.rows);
  EXPECT_EQ(8, w.cols);
  EXPECT_THAT(std::vector<float>(w.values.begin(), w.values.begin() + 16),
              ElementsAre(0, 1, 2, 3, 2, 2.5, 3, 3.5, -3, -2, -1, 0, 1, 2, 3, 4));
}

TEST(QuantizedWeight, GptqFollowsTheGroupIndex) {
  const QuantizationConfig config = config_of(R"({"quant_method": "gptq", "bits": 4, "group_size": 4})");
  Tensors t = gptq();
  t.add("m.g_idx", "I32", {8}, std::vector<int32_t>{1, 0, 0, 0, 1, 0, 1, 1});
  const std::vector<float> w = values_of(config, t);
  EXPECT_THAT(std::vector<float>(w.begin(), w.begin() + 8), ElementsAre(0, 1, 2, 3, 2, 5, 3, 3.5));
  t.add("m.g_idx", "I32", {8}, std::vector<int32_t>{1, 0, 0, 0, 2, 0, 1, 1});
  EXPECT_THAT(error_of(config, t), HasSubstr("group numbers below 2 (found 2)"));
}

TEST(QuantizedWeight, GptqVersionTwoStoresZeroPointsAsTheyAre) {
  const auto config =
      config_of(R"({"quant_method": "gptq", "bits": 4, "group_size": 4, "checkpoint_format": "gptq_v2"})");
  EXPECT_EQ(1, values_of(config, gptq()).at(0));
}

TEST(QuantizedWeight, ReadsAwq) {
  const QuantizationConfig config = config_of(R"({"quant_method": "awq", "bits": 4, "group_size": 1})");
  Tensors t;
  t.add("m.qweight", "I32", {2, 1}, std::vector<uint32_t>{nibbles({0, 2, 4, 6, 1, 3, 5, 7}), 0});
  t.add("m.qzeros", "I32", {2, 1}, std::vector<uint32_t>{0, nibbles({1, 1, 1, 1, 2, 2, 2, 2})});
  t.add("m.scales", "F16", {2, 8}, std::vector<float16>(16, to_float16(2)));
  EXPECT_THAT(values_of(config, t), ElementsAre(0, -2, 2, -4, 4, -2, 6, -4, 8, -2, 10, -4, 12, -2, 14, -4));
}

TEST(QuantizedWeight, ReadsPackedIntegersOfAnyWidth) {
  const auto config = config_of(R"({"quant_method": "compressed-tensors", "format": "pack-quantized",
    "config_groups": {"group_0": {"weights": {"num_bits": 3, "group_size": 6, "strategy": "group"}}}})");
  Tensors t;
  uint64_t bits = 0;
  for (int i = 0; i < 12; ++i) bits |= static_cast<uint64_t>(i % 8) << (3 * i);  // element 10 crosses the word
  t.add("m.weight_packed", "I32", {1, 2}, std::vector<uint64_t>{bits});
  t.add("m.weight_shape", "I64", {2}, std::vector<int64_t>{1, 12});
  t.add("m.weight_scale", "BF16", {1, 2}, std::vector<bfloat16>{to_bfloat16(1), to_bfloat16(2)});
  EXPECT_THAT(values_of(config, t), ElementsAre(-4, -3, -2, -1, 0, 1, 4, 6, -8, -6, -4, -2));
  t.add("m.weight_zero_point", "I32", {1, 2}, std::vector<uint32_t>{5, 3});  // 1 and -1
  EXPECT_THAT(values_of(config, t), ElementsAre(-5, -4, -3, -2, -1, 0, 6, 8, -6, -4, -2, 0));
  t.add("m.weight_shape", "I64", {2}, std::vector<int64_t>{1, int64_t{1} << 60});
  EXPECT_THAT(error_of(config, t), HasSubstr("3-bit numbers of a [1, 1152921504606846976] weight"));
}

TEST(QuantizedWeight, ReadsScaledBytes) {
  const auto int8 = config_of(R"({"quant_method": "compressed-tensors", "format": "int-quantized",
    "config_groups": {"group_0": {"weights": {"num_bits": 8, "strategy": "channel"}}}})");
  Tensors t;
  t.add("m.weight", "I8", {2, 2}, std::vector<int8_t>{1, -2, 3, -128});
  t.add("m.weight_scale", "F32", {2, 1}, std::vector<float>{0.5f, 2});
  EXPECT_THAT(values_of(int8, t), ElementsAre(0.5, -1, 6, -256));
  t.add("m.weight_zero_point", "I8", {2, 1}, std::vector<int8_t>{1, -1});
  EXPECT_THAT(values_of(int8, t), ElementsAre(0, -1.5, 8, -254));
}

TEST(QuantizedWeight, ReadsFp8WithBlockScales) {
  const auto fp8 = config_of(R"({"quant_method": "fp8", "weight_block_size": [2, 2]})");
  Tensors t;
  t.add("m.weight", "F8_E4M3", {3, 3}, std::vector<uint8_t>(9, 0x38));
  t.add("m.weight_scale_inv", "F32", {2, 2}, std::vector<float>{1, 2, 3, 4});
  EXPECT_THAT(values_of(fp8, t), ElementsAre(1, 1, 2, 1, 1, 2, 3, 3, 4));
  t.add("m.weight_scale_inv", "F32", {1, 2}, std::vector<float>{1, 2});
  EXPECT_THAT(error_of(fp8, t), HasSubstr("m.weight_scale_inv: expected one scale per tensor"));
  Tensors whole;
  whole.add("m.weight", "F8_E5M2", {1, 2}, std::vector<uint8_t>{0x3c, 0xc0});
  whole.add("m.weight_scale", "BF16", {}, std::vector<bfloat16>{to_bfloat16(3)});
  EXPECT_THAT(values_of(config_of(R"({"quant_method": "fp8"})"), whole), ElementsAre(3, -6));
}

TEST(QuantizedWeight, LeavesPlainTensorsAlone) {
  Tensors t;
  t.add("m.weight", "BF16", {1, 1}, std::vector<uint16_t>{0});
  for (const char* text : {R"({"quant_method": "gptq", "bits": 4})", R"({"quant_method": "fp8"})"})
    EXPECT_EQ("nothing", error_of(config_of(text), t));
}

TEST(QuantizedWeight, RefusesPartsThatDoNotFit) {
  const QuantizationConfig config = config_of(R"({"quant_method": "gptq", "bits": 4, "group_size": 4})");
  Tensors t = gptq();
  t.add("m.qzeros", "I32", {1, 1}, std::vector<uint32_t>{0});
  EXPECT_THAT(error_of(config, t), HasSubstr("dir: tensor m.qzeros: expected I32 of shape [2, 1], got I32"));
  const auto other = config_of(R"({"quant_method": "gptq", "bits": 4, "group_size": 128})");
  EXPECT_THAT(error_of(other, gptq()), HasSubstr("expected 1 groups of 128"));
  Tensors alone;
  alone.add("m.qweight", "I32", {1, 8}, std::vector<uint32_t>(8));
  EXPECT_THAT(error_of(config, alone), HasSubstr("tensor m.scales is missing"));
  const auto three = config_of(R"({"quant_method": "gptq", "bits": 3})");
  EXPECT_THAT(error_of(three, gptq()), HasSubstr("GPTQ with 3 bits is not supported"));
}

TEST(QuantizedWeight, KnowsTheShapeOfPanelsAndRefusesThoseThatLie) {
  const QuantizationConfig config = config_of(R"({"quant_method":"maru","version":1,"bits":4,"group_size":32})");
  const auto of = [&](int64_t rows, int64_t cols, std::vector<int64_t> quads) {
    Tensors t;
    t.add<int64_t>("m.weight.shape", "I64", {2}, {rows, cols});
    t.add<uint8_t>("m.weight.quads", "U8", quads, std::vector<uint8_t>(static_cast<size_t>(quads[0] * quads[1])));
    return quantized_shape(config, t.lookup(), "m.weight", "dir").value();
  };
  EXPECT_THAT(of(17, 33, {2, 512}), ElementsAre(17, 33));   // int4
  EXPECT_THAT(of(17, 33, {2, 1024}), ElementsAre(17, 33));  // int8
  const std::vector<std::pair<int64_t, int64_t>> lies = {{33, 33}, {17, 65}, {-17, 33}, {0, 33}, {17, INT64_MAX}};
  for (const auto& [rows, cols] : lies) EXPECT_THROW(of(rows, cols, {2, 512}), Failure) << rows << ", " << cols;
  EXPECT_THROW(of(17, 33, {2, 513}), Failure);
  EXPECT_THAT(error_of(config, Tensors().add<int64_t>("m.weight.shape", "I64", {2}, {17, 33})),
              HasSubstr("m.weight: is in Maru's panels; `maru export` expands them"));
}

TEST(QuantizedWeight, RefusesMethodsItCannotRead) {
  EXPECT_EQ(std::nullopt, quantization_config(Json::object(), "c"));
  const auto refused = [](const char* text) {
    try {
      return config_of(text).name;
    } catch (const Failure& e) {
      return std::string(e.what());
    }
  };
  EXPECT_THAT(refused(R"({"quant_method": "bitsandbytes"})"), HasSubstr("\"bitsandbytes\" is not supported"));
  EXPECT_THAT(refused(R"({"quant_method": "awq", "version": "gemv"})"), HasSubstr("AWQ version"));
  EXPECT_THAT(refused(R"({"quant_method": "compressed-tensors", "format": "marlin-24"})"), HasSubstr("marlin-24"));
  EXPECT_THAT(refused(R"({"quant_method": "gptq", "bits": "four"})"),
              HasSubstr("quantization_config.bits: expected a whole number from -1 to 16777216, got \"four\""));
  EXPECT_THAT(refused(R"({"quant_method": "compressed-tensors", "format": "int-quantized", "config_groups": {
                          "a": {"weights": {"num_bits": 8}}, "b": {"weights": {"num_bits": 4}}}})"),
              HasSubstr("stored differently"));
}

}  // namespace
}  // namespace maru::formats
