// Hugging Face directories that others quantized: what stays integers and what is expanded. Layouts are compared with
// their publishers' code in tests/reference.
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>

#include "base/json.h"
#include "base/random.h"
#include "formats/safetensors_writer.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "ops/quantized.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

constexpr int64_t kHidden = 64;

/// Tensors to be written, and their bytes.
class Tensors {
 public:
  template <class T>
  void add(const std::string& name, const std::string& dtype, std::vector<int64_t> shape,
           const std::vector<T>& values) {
    std::vector<std::byte>& bytes = bytes_[name];
    bytes.resize(values.size() * sizeof(T));
    std::memcpy(bytes.data(), values.data(), bytes.size());
    items_.push_back({name, dtype, std::move(shape), bytes});
  }
  void write(const fs::path& file) const { formats::write_safetensors(file, items_); }

 private:
  std::map<std::string, std::vector<std::byte>> bytes_;
  std::vector<formats::SafetensorsItem> items_;
};

class QuantizedLoad : public testing::Test {
 protected:
  void SetUp() override { fs::create_directories(home_); }
  void TearDown() override { fs::remove_all(home_); }

  std::vector<uint32_t> words(size_t n) {
    std::vector<uint32_t> all(n);
    for (uint32_t& word : all) word = static_cast<uint32_t>(random_.next());
    return all;
  }
  std::vector<float16> scales(size_t n) {
    std::vector<float16> all(n);
    for (float16& scale : all) scale = to_float16(0.01f + 0.02f * static_cast<float>(random_.uniform()));
    return all;
  }

  /// Everything of a one-layer Llama but the weights of `matrices`, which `add` writes.
  template <class Add>
  void write(const Json& quantization, const Add& add) {
    Json config{{"architectures", {"LlamaForCausalLM"}},
                {"vocab_size", 40},
                {"hidden_size", kHidden},
                {"intermediate_size", 96},
                {"num_hidden_layers", 1},
                {"num_attention_heads", 2},
                {"torch_dtype", "bfloat16"},
                {"tie_word_embeddings", true},
                {"quantization_config", quantization}};
    write_json(home_ / "config.json", config);
    Tensors tensors;
    tensors.add("model.embed_tokens.weight", "F32", {40, kHidden}, std::vector<float>(40 * kHidden, 0.5f));
    for (const char* norm : {"model.layers.0.input_layernorm", "model.layers.0.post_attention_layernorm", "model.norm"})
      tensors.add(std::string(norm) + ".weight", "F32", {kHidden}, std::vector<float>(kHidden, 1));
    for (const char* name : {"self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj", "self_attn.o_proj"})
      add(tensors, std::string("model.layers.0.") + name, kHidden, kHidden);
    add(tensors, "model.layers.0.mlp.gate_proj", 96, kHidden);
    add(tensors, "model.layers.0.mlp.up_proj", 96, kHidden);
    add(tensors, "model.layers.0.mlp.down_proj", kHidden, 96);
    tensors.write(home_ / "model.safetensors");
  }

  /// Loads both ways. Integers must be there iff `stay`, and within rounding of the offsets to halves of the numbers.
  void expect(bool stay, QuantizedKind kind, bool offsets) {
    const auto numbers = load_model(home_, Dtype::kF32), served = load_for_serving(device_.host(), home_, Dtype::kF32);
    const auto a = numbers->parameters(), b = served->parameters();
    for (size_t i = 0; i < a.size(); ++i) {
      const Parameter& p = *b[i];
      const bool matrix = a[i]->role == ParameterRole::kMatrix || a[i]->role == ParameterRole::kOutput;
      EXPECT_FALSE(a[i]->quantized);
      ASSERT_EQ(matrix && stay, static_cast<bool>(p.quantized)) << p.name;
      if (!p.quantized) continue;
      EXPECT_EQ(kind, p.quantized.kind);
      EXPECT_EQ(offsets, static_cast<bool>(p.quantized.offsets));
      Context ctx{device_, arena_};
      const Tensor got = dequantize(ctx, p.quantized);
      for (int64_t j = 0; j < got.size(); ++j) {
        const float number = a[i]->value.data<float>()[j];
        ASSERT_NEAR(number, got.data<float>()[j], offsets ? 0.03 * 256 * 0x1p-11 : 1e-9) << p.name << " " << j;
      }
    }
  }

  void write_gptq(int64_t bits, bool symmetric, const std::vector<int32_t>& index = {}) {
    const int64_t per_word = 32 / bits;
    write({{"quant_method", "gptq"}, {"bits", bits}, {"group_size", 32}, {"checkpoint_format", "gptq_v2"}},
          [&](Tensors& t, const std::string& name, int64_t out, int64_t in) {
            const auto cells = static_cast<size_t>(in / per_word * out), groups = static_cast<size_t>(in / 32);
            const uint32_t middle = bits == 4 ? 0x88888888u : 0x80808080u;
            const size_t zeros = groups * static_cast<size_t>(out / per_word);
            t.add(name + ".qweight", "I32", {in / per_word, out}, words(cells));
            t.add(name + ".qzeros", "I32", {in / 32, out / per_word},
                  symmetric ? std::vector<uint32_t>(zeros, middle) : words(zeros));
            t.add(name + ".scales", "F16", {in / 32, out}, scales(groups * static_cast<size_t>(out)));
            if (static_cast<int64_t>(index.size()) == in) t.add(name + ".g_idx", "I32", {in}, index);
          });
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_quantized_load_" + std::to_string(::getpid()));
  Random random_{9};
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  Arena arena_{device_, 1 << 24};
};

TEST_F(QuantizedLoad, GptqStaysIntegers) {
  write_gptq(4, true);
  expect(true, QuantizedKind::kInt4, false);
  write_gptq(4, false);
  expect(true, QuantizedKind::kInt4, true);
  write_gptq(8, true);
  expect(true, QuantizedKind::kInt8, false);
  write_gptq(8, false);
  expect(true, QuantizedKind::kInt8, true);
}

TEST_F(QuantizedLoad, ColumnsInAnyOrderAreExpanded) {
  std::vector<int32_t> index(kHidden);
  for (size_t i = 0; i < index.size(); ++i) index[i] = static_cast<int32_t>(i % 2);
  write_gptq(4, true, index);
  const auto served = load_for_serving(device_.host(), home_);
  for (Parameter* parameter : served->parameters()) {
    const bool scattered =
        parameter->shape.cols == kHidden && parameter->role != ParameterRole::kEmbedding && !is_vector(parameter->role);
    EXPECT_EQ(scattered || is_vector(parameter->role) || parameter->role == ParameterRole::kEmbedding,
              !parameter->quantized)
        << parameter->name;
  }
}

TEST_F(QuantizedLoad, AwqStaysIntegers) {
  write({{"quant_method", "awq"}, {"bits", 4}, {"group_size", 32}, {"version", "gemm"}},
        [&](Tensors& t, const std::string& name, int64_t out, int64_t in) {
          t.add(name + ".qweight", "I32", {in, out / 8}, words(static_cast<size_t>(in * out / 8)));
          t.add(name + ".qzeros", "I32", {in / 32, out / 8}, words(static_cast<size_t>(in / 32 * out / 8)));
          t.add(name + ".scales", "F16", {in / 32, out}, scales(static_cast<size_t>(in / 32 * out)));
        });
  expect(true, QuantizedKind::kInt4, true);
}

TEST_F(QuantizedLoad, ChannelsOfBytesStayIntegers) {
  write(Json::parse(R"({"quant_method": "compressed-tensors", "format": "int-quantized",
                        "config_groups": {"g": {"weights": {"num_bits": 8, "strategy": "channel"}}}})"),
        [&](Tensors& t, const std::string& name, int64_t out, int64_t in) {
          t.add(name + ".weight", "I8", {out, in}, words(static_cast<size_t>(out * in / 4)));
          t.add(name + ".weight_scale", "F16", {out, 1}, scales(static_cast<size_t>(out)));
        });
  expect(true, QuantizedKind::kInt8, false);
}

TEST_F(QuantizedLoad, PackedIntegersWithZeroPointsStay) {
  write(Json::parse(R"({"quant_method": "compressed-tensors", "format": "pack-quantized",
                        "config_groups": {"g": {"weights": {"num_bits": 4, "group_size": 32}}}})"),
        [&](Tensors& t, const std::string& name, int64_t out, int64_t in) {
          t.add(name + ".weight_packed", "I32", {out, in / 8}, words(static_cast<size_t>(out * in / 8)));
          t.add(name + ".weight_shape", "I64", {2}, std::vector<int64_t>{out, in});
          t.add(name + ".weight_scale", "F16", {out, in / 32}, scales(static_cast<size_t>(out * in / 32)));
          t.add(name + ".weight_zero_point", "I32", {out / 8, in / 32}, words(static_cast<size_t>(out / 8 * in / 32)));
        });
  expect(true, QuantizedKind::kInt4, true);
}

TEST_F(QuantizedLoad, EightBitFloatsAreExpanded) {
  write({{"quant_method", "fp8"}}, [&](Tensors& t, const std::string& name, int64_t out, int64_t in) {
    t.add(name + ".weight", "F8_E4M3", {out, in}, std::vector<uint8_t>(static_cast<size_t>(out * in), 0x38));
    t.add(name + ".weight_scale", "F32", {1}, std::vector<float>{0.25f});
  });
  expect(false, QuantizedKind::kInt8, false);
  const auto served = load_for_serving(device_.host(), home_);
  for (Parameter* parameter : served->parameters())
    if (parameter->role == ParameterRole::kOutput) {
      EXPECT_EQ(0.25f, to_float(parameter->value.data<bfloat16>()[7]));
    }
}

}  // namespace
}  // namespace maru
