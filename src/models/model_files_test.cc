#include "models/model_files.h"

#include <gmock/gmock.h>

#include <cstring>

#include "base/json.h"
#include "models/weights.h"

namespace maru {
namespace {

class CheckpointTest : public testing::Test {
 protected:
  void SetUp() override {
    allocate_values(model_);
    initialise(model_, 7);
    save_model(model_, directory_);
  }
  void TearDown() override { fs::remove_all(directory_); }
  std::string load_error() {
    try {
      load_model(directory_);
      return "no error";
    } catch (const Failure& e) {
      return e.error().message;
    }
  }
  void edit_config(const char* key, Json value) {
    Json config = read_json(directory_ / "config.json");
    config[key] = std::move(value);
    write_json(directory_ / "config.json", config);
  }
  const fs::path directory_ = fs::temp_directory_path() / ("maru_model_" + std::to_string(::getpid()));
  Decoder model_{resolve({.vocab_size = 50,
                          .hidden_size = 16,
                          .intermediate_size = 8,
                          .num_hidden_layers = 2,
                          .num_attention_heads = 2,
                          .num_key_value_heads = 1}),
                 Dtype::kBf16};
};

TEST_F(CheckpointTest, LoadsWhatWasSaved) {
  const auto loaded = load_model(directory_);
  EXPECT_EQ(Dtype::kBf16, loaded->dtype());
  DecoderConfig config = loaded->config();
  EXPECT_EQ("LlamaForCausalLM", config.architecture);
  config.architecture.clear();
  EXPECT_EQ(to_json(model_.config()), to_json(config));
  const auto a = parameters_of(model_), b = parameters_of(*loaded);
  ASSERT_EQ(a.size(), b.size());
  for (size_t i = 0; i < a.size(); ++i)
    EXPECT_EQ(0, std::memcmp(a[i].parameter->value.data<char>(), b[i].parameter->value.data<char>(),
                             a[i].parameter->value.bytes()))
        << a[i].parameter->name;
}

TEST_F(CheckpointTest, ConvertsToAnotherDtype) {
  const auto loaded = load_model(directory_, Dtype::kF32);
  const auto a = parameters_of(model_), b = parameters_of(*loaded);
  EXPECT_EQ(to_float(a[1].parameter->value.data<bfloat16>()[3]), b[1].parameter->value.data<float>()[3]);
}

TEST_F(CheckpointTest, NamesWhatIsWrong) {
  EXPECT_EQ("no error", load_error());
  edit_config("architectures", {"MysteryForCausalLM"});
  EXPECT_THAT(load_error(),
              testing::HasSubstr("config.json: architectures: expected one of LlamaForCausalLM, Qwen3ForCausalLM, "));
  EXPECT_THAT(load_error(), testing::HasSubstr("got \"MysteryForCausalLM\""));
  edit_config("architectures", {"LlamaForCausalLM"});
  edit_config("hidden_size", "wide");
  EXPECT_THAT(load_error(), testing::HasSubstr("hidden_size: expected a whole number from 2 to 65536, got \"wide\""));
  edit_config("hidden_size", 32);
  EXPECT_THAT(load_error(), testing::HasSubstr("tensor model.embed_tokens.weight: shape [50, 16], expected [50, 32]"));
  edit_config("hidden_size", 16);
  edit_config("num_hidden_layers", 3);
  EXPECT_THAT(load_error(), testing::HasSubstr("tensor model.layers.2.input_layernorm.weight is missing"));
  edit_config("num_hidden_layers", 2);
  edit_config("rope_scaling", Json{{"rope_type", "mrope"}});
  EXPECT_THAT(load_error(), testing::HasSubstr("rope_scaling of type \"mrope\" is not supported"));
  edit_config("rope_scaling", Json{{"rope_type", "linear"}, {"factor", 2}, {"alpha", 3}});
  EXPECT_THAT(load_error(), testing::HasSubstr("rope_scaling.alpha is not supported"));
  edit_config("rope_scaling", Json());
  edit_config("num_hidden_layers", 1);
  EXPECT_THAT(load_error(), testing::HasSubstr("tensor model.layers.1.input_layernorm.weight is not part of this"));
}

TEST_F(CheckpointTest, ReadsShards) {
  fs::rename(directory_ / "model.safetensors", directory_ / "model-00001-of-00001.safetensors");
  Json index{{"weight_map", {{"model.norm.weight", "model-00001-of-00001.safetensors"}}}};
  write_json(directory_ / "model.safetensors.index.json", index);
  EXPECT_EQ("no error", load_error());
  index["weight_map"]["model.norm.weight"] = "../model.safetensors";
  write_json(directory_ / "model.safetensors.index.json", index);
  EXPECT_THAT(load_error(), testing::HasSubstr("expected a file name beside the index"));
}

TEST_F(CheckpointTest, RefusesPickles) {
  fs::rename(directory_ / "model.safetensors", directory_ / "pytorch_model.bin");
  EXPECT_THAT(load_error(), testing::HasSubstr("reading a pickle runs whatever code is in it"));
}

TEST_F(CheckpointTest, RefusesATruncatedFile) {
  const fs::path file = directory_ / "model.safetensors";
  fs::resize_file(file, fs::file_size(file) / 2);
  EXPECT_THAT(load_error(), testing::HasSubstr("truncated"));
}

}  // namespace
}  // namespace maru
