// Every key below `rope.` that GGUF files have: applied, or refused by its name.
#include <gmock/gmock.h>
#include <unistd.h>

#include <cmath>
#include <map>

#include "base/json.h"
#include "formats/gguf_writer.h"
#include "models/gguf_model.h"

namespace maru {
namespace {

using testing::HasSubstr;

/// A number, a text, or a tensor of as many factors.
struct Entry {
  std::string key;
  double number = 0;
  std::string text = {};
  std::vector<float> factors = {};
};

class GgufRope : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }

  /// The config.json that a file of heads of 8 with these entries becomes.
  Json config(const std::string& architecture, const std::vector<Entry>& entries) {
    formats::GgufWriter writer(path_);
    writer.set("general.architecture", architecture);
    const std::string prefix = architecture + ".";
    for (const auto& [key, value] : std::map<std::string, uint32_t>{{"attention.head_count", 2},
                                                                    {"embedding_length", 16},
                                                                    {"feed_forward_length", 16},
                                                                    {"block_count", 1},
                                                                    {"context_length", 4096}})
      writer.set(prefix + key, value);
    const bool whole[] = {false, true};
    for (const Entry& e : entries)
      if (!e.text.empty())
        writer.set(prefix + e.key, e.text);
      else if (e.factors.empty() && e.key.ends_with("dimension_count"))
        writer.set(prefix + e.key, static_cast<uint32_t>(e.number));
      else if (e.factors.empty() && e.key.ends_with("context_length"))
        writer.set(prefix + e.key, static_cast<uint32_t>(e.number));
      else if (e.factors.empty() && e.key.ends_with("finetuned"))
        writer.set(prefix + e.key, whole[1]);
      else if (e.factors.empty())
        writer.set(prefix + e.key, static_cast<float>(e.number));
    const std::vector<float> table(4 * 16);
    writer.declare("token_embd.weight", formats::GgmlType::kF32, {4, 16});
    for (const Entry& e : entries)
      if (!e.factors.empty()) writer.declare(e.key, formats::GgmlType::kF32, {static_cast<int64_t>(e.factors.size())});
    writer.write(std::as_bytes(std::span(table)));
    for (const Entry& e : entries)
      if (!e.factors.empty()) writer.write(std::as_bytes(std::span(e.factors)));
    writer.commit();
    return hugging_face_config(formats::GgufFile::open(path_).value());
  }
  Json scaling(const std::vector<Entry>& entries, const std::string& architecture = "llama") {
    return config(architecture, entries).value("rope_scaling", Json());
  }
  std::string error_of(const std::vector<Entry>& entries, const std::string& architecture = "llama") {
    try {
      return "no error: " + scaling(entries, architecture).dump();
    } catch (const Failure& e) {
      return e.what();
    }
  }

  const fs::path path_ = fs::temp_directory_path() / ("maru_rope_" + std::to_string(::getpid()) + ".gguf");
};

Json linear(double factor) { return {{"rope_type", "linear"}, {"factor", factor}}; }

TEST_F(GgufRope, AFactorIsLinearUnlessATypeSaysOtherwise) {
  EXPECT_EQ(Json(), scaling({}));
  EXPECT_EQ(linear(4), scaling({{"rope.scaling.factor", 4}}));
  EXPECT_EQ(linear(4), scaling({{"rope.scale_linear", 4}}));
  EXPECT_EQ(linear(2), scaling({{"rope.scale_linear", 4}, {"rope.scaling.factor", 2}})) << "the new name first";
  EXPECT_EQ(linear(4), scaling({{"rope.scale_linear", 4}, {"rope.scaling.factor", 0}})) << "0: not given";
  EXPECT_EQ(linear(4), scaling({{"rope.scaling.type", 0, "linear"}, {"rope.scaling.factor", 4}}));
  EXPECT_EQ(linear(4), scaling({{"rope.scaling.type", 0, "linear"}, {"rope.scale_linear", 4}}));
  EXPECT_EQ(linear(0.5), scaling({{"rope.scaling.factor", 0.5}}));
  EXPECT_EQ(Json(), scaling({{"rope.scaling.factor", 1}}));
  EXPECT_EQ(Json(), scaling({{"rope.scaling.type", 0, "linear"}}));
  EXPECT_EQ(Json(), scaling({{"rope.scaling.type", 0, "none"}, {"rope.scaling.factor", 4}}));
  EXPECT_EQ(linear(4), scaling({{"rope.scaling.factor", 4}, {"rope.scaling.finetuned", 1}}));
  for (const char* architecture : {"qwen2", "qwen3", "gemma2", "gemma3", "phi3", "exaone", "granite"})
    EXPECT_EQ(linear(4), scaling({{"rope.scale_linear", 4}}, architecture)) << architecture;
}

TEST_F(GgufRope, YarnIsReadWithAllItsKeys) {
  const Json plain{{"rope_type", "yarn"},
                   {"factor", 4.0},
                   {"original_max_position_embeddings", 1024},
                   {"beta_fast", 32.0},
                   {"beta_slow", 1.0}};
  const Entry type{"rope.scaling.type", 0, "yarn"}, factor{"rope.scaling.factor", 4},
      original{"rope.scaling.original_context_length", 1024};
  EXPECT_EQ(plain, scaling({type, factor, original}));
  EXPECT_EQ(plain, scaling({type, factor, original, {"rope.scaling.yarn_ext_factor", 1}}));
  EXPECT_EQ(plain, scaling({type, factor, original, {"rope.scaling.yarn_ext_factor", -1}})) << "not set";
  EXPECT_EQ(4096, scaling({type, factor})["original_max_position_embeddings"]);
  EXPECT_EQ(16, scaling({type, factor, {"rope.scaling.yarn_beta_fast", 16}})["beta_fast"]);
  EXPECT_EQ(2, scaling({type, factor, {"rope.scaling.yarn_beta_slow", 2}})["beta_slow"]);
  const double magnitude = 0.1 * std::log(4) + 1;
  EXPECT_DOUBLE_EQ(0.5 * magnitude, scaling({type, factor, {"rope.scaling.attn_factor", 0.5}})["attention_factor"]);
  EXPECT_DOUBLE_EQ(magnitude / (0.05 * std::log(4) + 1),
                   scaling({type, factor, {"rope.scaling.yarn_log_multiplier", 0.5}})["attention_factor"]);
  EXPECT_THAT(error_of({type, factor, {"rope.scaling.yarn_ext_factor", 0.5}}),
              HasSubstr("yarn_ext_factor: expected 1"));
  EXPECT_THAT(error_of({type, factor, {"rope_freqs.weight", 0, "", {1, 1, 1, 1}}}), HasSubstr("rope_freqs.weight"));
}

TEST_F(GgufRope, FactorsOfPairsAreDividedByTheFactorToo) {
  const std::vector<float> four{1, 2, 3, 4}, two{1, 1, 2, 2};
  const Json freqs = scaling({{"rope_freqs.weight", 0, "", four}});
  EXPECT_EQ(Json({1.0, 2.0, 3.0, 4.0}), freqs["long_factor"]);
  EXPECT_EQ(freqs["short_factor"], freqs["long_factor"]);
  EXPECT_EQ(Json({2.0, 4.0, 6.0, 8.0}),
            scaling({{"rope_freqs.weight", 0, "", four}, {"rope.scale_linear", 2}})["long_factor"]);
  const Entry shorter{"rope_factors_short.weight", 0, "", two}, longer{"rope_factors_long.weight", 0, "", four};
  for (const char* type : {"", "longrope"}) {
    std::vector<Entry> entries{shorter, longer, {"rope.scaling.original_context_length", 512}};
    if (*type != '\0') entries.push_back({"rope.scaling.type", 0, type});
    const Json json = scaling(entries, "phi3");
    EXPECT_EQ("longrope", json["rope_type"]);
    EXPECT_EQ(Json({1.0, 1.0, 2.0, 2.0}), json["short_factor"]);
    EXPECT_EQ(Json({1.0, 2.0, 3.0, 4.0}), json["long_factor"]);
    EXPECT_EQ(512, json["original_max_position_embeddings"]);
    EXPECT_EQ(1, json["attention_factor"]) << "what llama.cpp takes where none is given";
  }
  EXPECT_EQ(1.25, scaling({shorter, longer, {"rope.scaling.attn_factor", 1.25}}, "phi3")["attention_factor"]);
  EXPECT_THAT(error_of({{"rope.scaling.type", 0, "longrope"}}), HasSubstr("without the tensor rope_factors_short"));
  EXPECT_THAT(error_of({longer}, "phi3"), HasSubstr("without the tensor rope_factors_short.weight"));
}

TEST_F(GgufRope, ThePartOfAHeadThatIsRotated) {
  EXPECT_FALSE(config("llama", {{"rope.dimension_count", 8}}).contains("partial_rotary_factor"));
  EXPECT_EQ(0.5, config("qwen2", {{"rope.dimension_count", 4}})["partial_rotary_factor"]);
  EXPECT_EQ(0.75, config("phi3", {{"rope.dimension_count", 6}})["partial_rotary_factor"]);
  for (const double bad : {0.0, 3.0, 10.0})
    EXPECT_THAT(error_of({{"rope.dimension_count", bad}}, "qwen2"), HasSubstr("expected an even number"));
  EXPECT_THAT(error_of({{"rope.dimension_count", 4}}), HasSubstr("rope.dimension_count: expected the whole head"));
}

TEST_F(GgufRope, WhatCannotBeAppliedIsRefusedByName) {
  for (const char* key : {"rope.scaling.alpha", "rope.dimension_sections", "rope.dimension_count_swa",
                          "rope.scaling.a_key_of_next_year", "rope.freq_scale_swa"})
    EXPECT_THAT(error_of({{key, 2}}), HasSubstr(std::string("llama.") + key + ": is not supported"));
  EXPECT_THAT(error_of({{"rope.scaling.type", 0, "dynamic"}}), HasSubstr("rope.scaling.type: \"dynamic\""));
  EXPECT_THAT(error_of({{"rope.scaling.factor", -2}}), HasSubstr("rope.scaling.factor: expected a positive number"));
  EXPECT_THAT(error_of({{"rope.scaling.factor", NAN}}), HasSubstr("rope.scaling.factor: expected a positive number"));
  EXPECT_THAT(error_of({{"rope.scaling.factor", 0, "four"}}), HasSubstr("rope.scaling.factor: expected a number"));
  EXPECT_THAT(error_of({{"rope.scaling.factor", 2}, {"rope.scaling.attn_factor", 2}}), HasSubstr("attn_factor"));
  EXPECT_THAT(error_of({{"rope.scaling.yarn_ext_factor", 1}}), HasSubstr("yarn_ext_factor"));
  EXPECT_THAT(error_of({{"rope.scaling.yarn_attn_factor", 2}}), HasSubstr("yarn_attn_factor"));
  EXPECT_THAT(error_of({{"rope.scaling.yarn_log_multiplier", 0.1}}), HasSubstr("yarn_log_multiplier"));
  EXPECT_THAT(error_of({{"rope.freq_base_swa", 500}}), HasSubstr("rope.freq_base_swa"));
  EXPECT_EQ(500, config("gemma3", {{"rope.freq_base_swa", 500}})["rope_local_base_freq"]);
  EXPECT_EQ(Json(), scaling({{"rope.freq_base_swa", 10000}})) << "says what holds anyway";
  for (const Entry& e :
       {Entry{"rope.scaling.factor", 2}, Entry{"rope.scale_linear", 2}, Entry{"rope.scaling.type", 0, "yarn"}})
    EXPECT_THAT(error_of({e}, "gpt2"), HasSubstr("no rotary positions")) << e.key;
}

}  // namespace
}  // namespace maru
