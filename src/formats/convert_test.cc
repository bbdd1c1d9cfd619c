// Conversions of a tiny Llama directory; llama.cpp itself judges them in tests/reference.
#include "formats/convert.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/json.h"
#include "formats/block_quant.h"
#include "formats/gguf_model.h"
#include "formats/safetensors_writer.h"

namespace maru::formats {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class ConvertTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(home_);
    write_json(home_ / "config.json", config_);
    write_json(home_ / "tokenizer.json", tokenizer_);
    write_json(home_ / "tokenizer_config.json", {{"bos_token", "<s>"}, {"eos_token", {{"content", "</s>"}}}});
  }
  void TearDown() override { fs::remove_all(home_); }

  /// Tensors of counting numbers.
  void write_weights(const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
    SafetensorsWriter writer(home_ / "model.safetensors");
    for (const auto& [name, shape] : tensors) writer.declare(name, "F32", shape);
    for (const auto& [name, shape] : tensors) {
      std::vector<float> values(
          static_cast<size_t>(std::accumulate(shape.begin(), shape.end(), int64_t{1}, std::multiplies<>())));
      std::iota(values.begin(), values.end(), 0.0f);
      writer.write(std::as_bytes(std::span(values)));
    }
    writer.commit();
  }

  std::string error_of(const Json& changes) {
    Json config = config_;
    config.update(changes);
    write_json(home_ / "config.json", config);
    try {
      convert_to_gguf(home_, home_ / "m.gguf", {}, "m", "{{ messages }}");
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_convert_" + std::to_string(::getpid()));
  Json config_{{"architectures", {"LlamaForCausalLM"}},
               {"vocab_size", 6},
               {"hidden_size", 8},
               {"intermediate_size", 32},
               {"num_hidden_layers", 1},
               {"num_attention_heads", 2},
               {"num_key_value_heads", 1},
               {"max_position_embeddings", 64},
               {"tie_word_embeddings", true}};
  Json tokenizer_ = Json::parse(R"({
    "added_tokens": [{"id": 0, "content": "<s>", "special": true}, {"id": 1, "content": "</s>", "special": true}],
    "pre_tokenizer": {"type": "ByteLevel", "use_regex": true, "add_prefix_space": false},
    "post_processor": {"type": "TemplateProcessing",
                       "single": [{"SpecialToken": {"id": "<s>"}}, {"Sequence": {"id": "A"}}]},
    "model": {"type": "BPE", "vocab": {"a": 2, "b": 3, "ab": 4}, "merges": [["a", "b"]]}})");
};

TEST_F(ConvertTest, WritesGgufAsLlamaCppNamesAndOrdersIt) {
  write_weights({{"model.embed_tokens.weight", {6, 8}},
                 {"model.layers.0.self_attn.q_proj.weight", {8, 1}},
                 {"model.layers.0.self_attn.v_proj.weight", {4, 32}},
                 {"model.layers.0.input_layernorm.weight", {8}},
                 {"lm_head.weight", {6, 8}}});
  const ConvertResult result = convert_to_gguf(home_, home_ / "m.gguf", GgmlType::kQ8_0, "my model", "");
  EXPECT_EQ(4, result.tensors);
  EXPECT_TRUE(result.tokenizer.exact);
  const GgufFile file = GgufFile::open(home_ / "m.gguf").value();
  EXPECT_EQ("my model", file.text("general.name"));
  EXPECT_EQ(7, file.integer("general.file_type"));
  EXPECT_EQ(4, file.integer("llama.rope.dimension_count"));
  EXPECT_EQ(10000, file.number("llama.rope.freq_base"));
  EXPECT_EQ(nullptr, file.tensor("output.weight")) << "tied";
  EXPECT_EQ(GgmlType::kF16, file.tensor("token_embd.weight")->type) << "rows of 8 are no whole blocks";
  EXPECT_EQ(GgmlType::kQ8_0, file.tensor("blk.0.attn_v.weight")->type);
  EXPECT_EQ(GgmlType::kF32, file.tensor("blk.0.attn_norm.weight")->type);
  std::vector<float> q(8);
  dequantize(GgmlType::kF16, file.tensor("blk.0.attn_q.weight")->bytes, q);
  EXPECT_THAT(q, ElementsAre(0, 2, 1, 3, 4, 6, 5, 7)) << "rotary pairs are neighbours, head by head";
}

TEST_F(ConvertTest, EmbedsTheTokenizer) {
  write_weights({{"model.embed_tokens.weight", {6, 8}}});
  EXPECT_EQ("gpt-2", convert_to_gguf(home_, home_ / "m.gguf", {}, "m", "{{ messages }}").tokenizer.pre);
  const GgufFile file = GgufFile::open(home_ / "m.gguf").value();
  EXPECT_EQ("gpt2", file.text("tokenizer.ggml.model"));
  EXPECT_THAT(*file.find("tokenizer.ggml.tokens")->as_texts(), ElementsAre("<s>", "</s>", "a", "b", "ab", "[PAD5]"));
  EXPECT_THAT(*file.find("tokenizer.ggml.token_type")->as_integers(), ElementsAre(3, 3, 1, 1, 1, 5));
  EXPECT_THAT(*file.find("tokenizer.ggml.merges")->as_texts(), ElementsAre("a b"));
  EXPECT_EQ(0, file.integer("tokenizer.ggml.bos_token_id"));
  EXPECT_EQ(1, file.integer("tokenizer.ggml.eos_token_id"));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_bos_token"));
  EXPECT_EQ(false, file.boolean("tokenizer.ggml.add_eos_token"));
  EXPECT_EQ("{{ messages }}", file.text("tokenizer.chat_template"));
  EXPECT_EQ(nullptr, file.find("tokenizer.huggingface.json"));
}

TEST_F(ConvertTest, SaysWhenLlamaCppSplitsTextOtherwise) {
  write_weights({{"model.embed_tokens.weight", {6, 8}}});
  tokenizer_["normalizer"] = {{"type", "NFKC"}};
  write_json(home_ / "tokenizer.json", tokenizer_);
  const TokenizerExport exported = convert_to_gguf(home_, home_ / "m.gguf", {}, "m", "{{ messages }}").tokenizer;
  EXPECT_FALSE(exported.exact);
  EXPECT_EQ("default", exported.pre);
  const GgufFile file = GgufFile::open(home_ / "m.gguf").value();
  EXPECT_EQ(tokenizer_, Json::parse(*file.text("tokenizer.huggingface.json")));
}

TEST_F(ConvertTest, WritesBpeOverCharactersWithScores) {
  write_weights({{"model.embed_tokens.weight", {6, 8}}});
  tokenizer_["pre_tokenizer"] = nullptr;
  tokenizer_["normalizer"] = {{"type", "Prepend"}, {"prepend", "▁"}};
  tokenizer_["model"] = Json::parse(
      R"({"type": "BPE", "byte_fallback": true, "unk_token": "<s>", "vocab": {"a": 2, "<0x0A>": 3, "aa": 4, "aaa": 5},
          "merges": ["a a", "aa a"]})");
  write_json(home_ / "tokenizer.json", tokenizer_);
  EXPECT_EQ("llama", convert_to_gguf(home_, home_ / "m.gguf", {}, "m", "{{ messages }}").tokenizer.model);
  const GgufFile file = GgufFile::open(home_ / "m.gguf").value();
  EXPECT_THAT(*file.find("tokenizer.ggml.scores")->as_numbers(), ElementsAre(-3, -3, -3, -3, 0, -1));
  EXPECT_THAT(*file.find("tokenizer.ggml.token_type")->as_integers(), ElementsAre(2, 3, 1, 6, 1, 1));
  EXPECT_EQ(true, file.boolean("tokenizer.ggml.add_space_prefix"));
}

TEST_F(ConvertTest, RefusesWhatGgufCannotSay) {
  write_weights({{"model.embed_tokens.weight", {6, 8}}, {"model.extra.weight", {2}}});
  EXPECT_THAT(error_of(Json::object()), HasSubstr("tensor model.extra.weight has no name in GGUF's \"llama\""));
  EXPECT_THAT(error_of({{"architectures", {"OddForCausalLM"}}}), HasSubstr("architecture \"OddForCausalLM\""));
  EXPECT_THAT(error_of({{"rope_scaling", {{"rope_type", "yarn"}}}}), HasSubstr("rope_type \"yarn\""));
  EXPECT_THAT(error_of({{"sliding_window", 16}}), HasSubstr("sliding_window 16"));
  write_weights({{"model.embed_tokens.weight", {6, 8}}});
  EXPECT_THAT(error_of({{"vocab_size", 3}}), HasSubstr("expected one below the model's 3"));
  EXPECT_FALSE(fs::exists(home_ / "m.gguf"));
}

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

TEST_F(ConvertTest, HalvesOfEachHeadBecomeNeighbours) {
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.0f);
  interleave_rows(values, 12, 2);
  EXPECT_THAT(values, ElementsAre(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11,  //
                                  12, 13, 18, 19, 14, 15, 20, 21, 16, 17, 22, 23));
}

TEST_F(ConvertTest, LlamaThreeRopeFactorsGoFromOneToTheFactor) {
  const Json config{{"hidden_size", 128},
                    {"num_attention_heads", 1},
                    {"rope_theta", 500000.0},
                    {"rope_scaling",
                     {{"rope_type", "llama3"},
                      {"factor", 8.0},
                      {"low_freq_factor", 1.0},
                      {"high_freq_factor", 4.0},
                      {"original_max_position_embeddings", 8192}}}};
  const std::vector<float> factors = rope_factors(config);
  ASSERT_EQ(64u, factors.size());
  EXPECT_EQ(1, factors.front());
  EXPECT_EQ(8, factors.back());
  EXPECT_TRUE(std::is_sorted(factors.begin(), factors.end()));
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
