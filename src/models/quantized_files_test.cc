// Quantized models on disk: what was written is what is read, where it is mapped; files that lie are refused by name.
#include "models/quantized_files.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstring>

#include "base/json.h"
#include "formats/safetensors.h"
#include "models/config.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "tensor/cpu_device.h"

namespace maru {
namespace {

class QuantizedFilesTest : public testing::Test {
 protected:
  fs::path directory_ = fs::temp_directory_path() / ("quantized_files_test." + std::to_string(::getpid()));
  ThreadPool pool_{2};
  CpuDevice device_{&pool_};
  void SetUp() override { fs::create_directories(directory_); }
  void TearDown() override { fs::remove_all(directory_); }

  static DecoderConfig config() {
    DecoderConfig c{.vocab_size = 90,
                    .hidden_size = 64,
                    .intermediate_size = 100,
                    .num_hidden_layers = 2,
                    .num_attention_heads = 4,
                    .num_key_value_heads = 2,
                    .max_position_embeddings = 64,
                    .initializer_range = 0.1};
    c.attention_bias = true;
    return resolve(c);
  }
  std::unique_ptr<Decoder> quantized(QuantizedKind kind, Dtype dtype = Dtype::kBf16) {
    auto model = std::make_unique<Decoder>(config(), dtype);
    allocate_values(*model);
    initialise(*model, 3);
    quantize_weights(device_, *model, kind);
    return model;
  }
  void write(Decoder& model, const Json& changes = Json::object()) {
    save_weights(model, directory_ / "model.safetensors");
    Json json = config_to_hugging_face(model.config(), model.dtype() == Dtype::kBf16 ? "bfloat16" : "float32");
    json["quantization_config"] = quantization_json(QuantizedKind::kInt4, QuantizedKind::kInt8, "none");
    json["quantization_config"].update(changes);
    write_json(directory_ / "config.json", json);
  }
  // Writes the file again with one tensor changed, or without it.
  void rewrite(const std::string& name, const std::function<bool(formats::SafetensorsItem&)>& change) {
    const formats::SafetensorsFile file = formats::SafetensorsFile::open(directory_ / "model.safetensors").value();
    std::vector<formats::SafetensorsItem> items;
    for (const auto& [key, entry] : file.entries()) {
      formats::SafetensorsItem item{key, entry.dtype, entry.shape, entry.bytes};
      if (key != name || change(item)) items.push_back(item);
    }
    formats::write_safetensors(directory_ / "model.safetensors", items);
  }
  void expect_refused(ErrorCode code, const std::string& text) {
    try {
      load_model(directory_);
      ADD_FAILURE() << "expected: " << text;
    } catch (const Failure& failure) {
      EXPECT_EQ(failure.code(), code) << failure.what();
      EXPECT_NE(std::string(failure.what()).find(text), std::string::npos) << failure.what();
    }
  }
};

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.bytes() == b.bytes() &&
         (a.bytes() == 0 || std::memcmp(a.data<std::byte>(), b.data<std::byte>(), a.bytes()) == 0);
}

const std::string kGate = "model.layers.0.mlp.gate_proj.weight";

TEST_F(QuantizedFilesTest, WhatIsReadIsWhatWasWritten) {
  for (QuantizedKind kind : {QuantizedKind::kInt4, QuantizedKind::kInt8})
    for (Dtype dtype : {Dtype::kBf16, Dtype::kF32}) {
      const auto model = quantized(kind, dtype);
      write(*model);
      const auto loaded = load_model(directory_);
      const std::vector<Parameter*> a = model->parameters(), b = loaded->parameters();
      for (size_t i = 0; i < a.size(); ++i) {
        const Parameter &x = *a[i], &y = *b[i];
        ASSERT_EQ(static_cast<bool>(x.quantized), static_cast<bool>(y.quantized)) << x.name;
        EXPECT_TRUE(same_bytes(x.value, y.value)) << x.name;
        EXPECT_EQ(x.quantized.kind, y.quantized.kind) << x.name;
        EXPECT_TRUE(same_bytes(x.quantized.quads, y.quantized.quads)) << x.name;
        EXPECT_TRUE(same_bytes(x.quantized.scales, y.quantized.scales)) << x.name;
      }
    }
}

TEST_F(QuantizedFilesTest, QuadsAreAlignedAndNotCopied) {
  write(*quantized(QuantizedKind::kInt4));
  const auto loaded = load_model(directory_);
  const formats::SafetensorsFile file = formats::SafetensorsFile::open(directory_ / "model.safetensors").value();
  for (Parameter* parameter : loaded->parameters()) {
    const QuantizedWeight& w = parameter->quantized;
    EXPECT_EQ(reinterpret_cast<uintptr_t>(w.quads.data<std::byte>()) % 64, 0u) << parameter->name;
  }
  for (const auto& [name, entry] : file.entries()) {
    const size_t element = entry.bytes.size() / static_cast<size_t>(std::max<int64_t>(1, entry.shape.front()));
    EXPECT_EQ(reinterpret_cast<uintptr_t>(entry.bytes.data()) % std::min<size_t>(2, element), 0u) << name;
  }
}

TEST_F(QuantizedFilesTest, OffsetsAreKept) {
  const auto model = quantized(QuantizedKind::kInt4);
  for (Parameter* parameter : model->parameters())
    if (parameter->name == kGate) parameter->quantized.offsets = parameter->quantized.scales;
  write(*model);
  const auto loaded = load_model(directory_);
  for (Parameter* parameter : loaded->parameters()) {
    const QuantizedWeight& w = parameter->quantized;
    EXPECT_EQ(static_cast<bool>(w.offsets), parameter->name == kGate);
    EXPECT_TRUE(!w.offsets || same_bytes(w.offsets, w.scales));
  }
}

TEST_F(QuantizedFilesTest, MissingPartsAreNamed) {
  for (const char* part : {".quads", ".scales", ".shape"}) {
    write(*quantized(QuantizedKind::kInt4));
    rewrite(kGate + part, [](formats::SafetensorsItem&) { return false; });
    expect_refused(ErrorCode::kDataLoss, kGate + part + " is missing");
  }
}

TEST_F(QuantizedFilesTest, PartsThatDoNotFitAreNamed) {
  write(*quantized(QuantizedKind::kInt4));
  rewrite(kGate + ".quads", [](formats::SafetensorsItem& item) {
    return item.shape = {1, item.shape[0] * item.shape[1]}, true;
  });
  expect_refused(ErrorCode::kDataLoss, kGate + ".quads: expected U8 of shape [7, 1024] or [7, 512]");
  write(*quantized(QuantizedKind::kInt4));
  rewrite(kGate + ".scales", [](formats::SafetensorsItem& item) { return item.dtype = "BF16", true; });
  expect_refused(ErrorCode::kDataLoss, kGate + ".scales: expected F16 of shape [7, 32], got BF16");
  write(*quantized(QuantizedKind::kInt4));
  const int64_t shape[] = {100, 63};
  rewrite(kGate + ".shape",
          [&](formats::SafetensorsItem& item) { return item.bytes = std::as_bytes(std::span(shape)), true; });
  expect_refused(ErrorCode::kDataLoss, "the weight is [100, 63], expected [100, 64]");
}

TEST_F(QuantizedFilesTest, TensorsThatNobodyAskedForAreRefused) {
  write(*quantized(QuantizedKind::kInt4));
  rewrite("model.layers.1.mlp.up_proj.weight.quads",
          [](formats::SafetensorsItem& item) { return item.name += "2", true; });
  expect_refused(ErrorCode::kDataLoss, "up_proj.weight.quads is missing");
}

TEST_F(QuantizedFilesTest, UnknownVersionsAndSizesAreRefused) {
  const auto model = quantized(QuantizedKind::kInt4);
  write(*model, {{"version", 2}});
  expect_refused(ErrorCode::kUnimplemented, "version 2");
  write(*model, {{"group_size", 64}});
  expect_refused(ErrorCode::kUnimplemented, "group_size 64");
  write(*model, {{"bits", 3}});
  expect_refused(ErrorCode::kUnimplemented, "3 bits");
}

TEST_F(QuantizedFilesTest, TrainingDoesNotBeginWithThem) {
  write(*quantized(QuantizedKind::kInt4));
  Decoder model(config(), Dtype::kBf16);
  allocate_values(model);
  EXPECT_THROW(model.load(directory_), Failure);
}

// The golden models have fused, transposed and interleaved tensors, experts and learned positions.
TEST_F(QuantizedFilesTest, EveryFamilyIsWrittenAndRead) {
  for (const fs::directory_entry& entry : fs::directory_iterator("tests/golden/models")) {
    const auto model = load_model(entry.path(), Dtype::kF32);
    quantize_weights(device_, *model, QuantizedKind::kInt4);
    save_weights(*model, directory_ / "model.safetensors");
    Json json = read_json(entry.path() / "config.json");
    json["quantization_config"] = quantization_json(QuantizedKind::kInt4, QuantizedKind::kInt8, "none");
    write_json(directory_ / "config.json", json);
    const auto loaded = load_model(directory_, Dtype::kF32);
    const std::vector<Parameter*> a = model->parameters(), b = loaded->parameters();
    for (size_t i = 0; i < a.size(); ++i) {
      EXPECT_TRUE(same_bytes(a[i]->quantized.quads, b[i]->quantized.quads)) << a[i]->name;
      EXPECT_TRUE(same_bytes(a[i]->value, b[i]->value)) << a[i]->name;
    }
  }
}

}  // namespace
}  // namespace maru
