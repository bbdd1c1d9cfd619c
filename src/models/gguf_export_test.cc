// Exports of a tiny Llama directory; llama.cpp itself judges them in tests/reference.
#include "models/gguf_export.h"

#include <gmock/gmock.h>

#include <numeric>

#include "base/json.h"
#include "formats/block_quant.h"
#include "formats/test_weights.h"
#include "models/gguf_model.h"

namespace maru {
namespace {

using formats::GgmlType;
using formats::GgufFile;
using testing::ElementsAre;
using testing::HasSubstr;

class GgufExport : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(home_);
    write_json(home_ / "config.json", config_);
  }
  void TearDown() override { fs::remove_all(home_); }

  void write_weights(const std::vector<std::pair<std::string, std::vector<int64_t>>>& tensors) {
    formats::write_counting(home_ / "model.safetensors", tensors);
  }

  formats::ConvertResult exported(std::optional<GgmlType> type = {}) {
    return convert_to_gguf(home_, home_ / "m.gguf", type, "my model", [](formats::GgufWriter& to, int64_t size) {
      to.set("tokenizer.size", static_cast<uint32_t>(size));
    });
  }
  std::string error_of(const Json& changes) {
    Json config = config_;
    config.update(changes);
    write_json(home_ / "config.json", config);
    try {
      exported();
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }

  const fs::path home_ = fs::temp_directory_path() / ("maru_gguf_export_" + std::to_string(::getpid()));
  Json config_{{"architectures", {"LlamaForCausalLM"}},
               {"vocab_size", 6},
               {"hidden_size", 8},
               {"intermediate_size", 32},
               {"num_hidden_layers", 1},
               {"num_attention_heads", 2},
               {"num_key_value_heads", 1},
               {"max_position_embeddings", 64},
               {"tie_word_embeddings", true}};
};

TEST_F(GgufExport, WritesGgufAsLlamaCppNamesAndOrdersIt) {
  write_weights({{"model.embed_tokens.weight", {6, 8}},
                 {"model.layers.0.self_attn.q_proj.weight", {8, 1}},
                 {"model.layers.0.self_attn.v_proj.weight", {4, 32}},
                 {"model.layers.0.input_layernorm.weight", {8}},
                 {"lm_head.weight", {6, 8}}});
  const formats::ConvertResult result = exported(GgmlType::kQ8_0);
  EXPECT_EQ(4, result.tensors);
  const GgufFile file = GgufFile::open(home_ / "m.gguf").value();
  EXPECT_EQ("my model", file.text("general.name"));
  EXPECT_EQ(6, file.integer("tokenizer.size"));
  EXPECT_EQ(7, file.integer("general.file_type"));
  EXPECT_EQ(4, file.integer("llama.rope.dimension_count"));
  EXPECT_EQ(10000, file.number("llama.rope.freq_base"));
  EXPECT_EQ(nullptr, file.tensor("output.weight")) << "tied";
  EXPECT_EQ(GgmlType::kF16, file.tensor("token_embd.weight")->type) << "rows of 8 are no whole blocks";
  EXPECT_EQ(GgmlType::kQ8_0, file.tensor("blk.0.attn_v.weight")->type);
  EXPECT_EQ(GgmlType::kF32, file.tensor("blk.0.attn_norm.weight")->type);
  std::vector<float> q(8);
  formats::dequantize(GgmlType::kF16, file.tensor("blk.0.attn_q.weight")->bytes, q);
  EXPECT_THAT(q, ElementsAre(0, 2, 1, 3, 4, 6, 5, 7)) << "rotary pairs are neighbours, head by head";
}

TEST_F(GgufExport, RefusesWhatGgufCannotSay) {
  write_weights({{"model.embed_tokens.weight", {6, 8}}, {"model.extra.weight", {2}}});
  EXPECT_THAT(error_of(Json::object()), HasSubstr("tensor model.extra.weight has no name in GGUF's \"llama\""));
  EXPECT_THAT(error_of({{"architectures", {"HyperCLOVAXForCausalLM"}}}),
              HasSubstr("architecture \"HyperCLOVAXForCausalLM\" cannot be exported to GGUF; expected one of Llama"));
  EXPECT_THAT(error_of({{"rope_scaling", {{"rope_type", "dynamic"}, {"factor", 2}}}}),
              HasSubstr("rope_type \"dynamic\" cannot be exported"));
  EXPECT_THAT(error_of({{"rope_scaling", {{"rope_type", "yarn"}, {"factor", 2}, {"beta_fast", 16}}}}),
              HasSubstr("beta_fast"));
  EXPECT_THAT(error_of({{"architectures", {"MistralForCausalLM"}}, {"sliding_window", 16}}),
              HasSubstr("sliding_window 16"));
  EXPECT_FALSE(fs::exists(home_ / "m.gguf"));
}

TEST_F(GgufExport, HalvesOfEachHeadBecomeNeighbours) {
  std::vector<float> values(24);
  std::iota(values.begin(), values.end(), 0.0f);
  interleave_rows(values, 12, 2);
  EXPECT_THAT(values, ElementsAre(0, 1, 6, 7, 2, 3, 8, 9, 4, 5, 10, 11,  //
                                  12, 13, 18, 19, 14, 15, 20, 21, 16, 17, 22, 23));
}

TEST_F(GgufExport, PartsThatTakeTurnsComeOneBelowTheOther) {
  std::vector<float> values(24);  // two heads of three parts of two rows of two
  std::iota(values.begin(), values.end(), 0.0f);
  stack_parts(values, 12, 2, 3);
  EXPECT_THAT(values, ElementsAre(0, 1, 2, 3, 12, 13, 14, 15,  //
                                  4, 5, 6, 7, 16, 17, 18, 19,  //
                                  8, 9, 10, 11, 20, 21, 22, 23));
}

TEST_F(GgufExport, LlamaThreeRopeFactorsGoFromOneToTheFactor) {
  const DecoderConfig config =
      resolve({.vocab_size = 8,
               .hidden_size = 128,
               .num_attention_heads = 1,
               .num_key_value_heads = 1,
               .rope_theta = 500000,
               .rope_scaling = {.rope_type = "llama3", .factor = 8, .original_max_position_embeddings = 8192}});
  const std::vector<float> factors = rope_tensors(config).at(0).factors;
  ASSERT_EQ(64u, factors.size());
  EXPECT_EQ(1, factors.front());
  EXPECT_EQ(8, factors.back());
  EXPECT_TRUE(std::is_sorted(factors.begin(), factors.end()));
}

}  // namespace
}  // namespace maru
