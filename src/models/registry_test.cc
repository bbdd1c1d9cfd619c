#include "models/registry.h"

#include <gmock/gmock.h>

#include "base/file.h"
#include "models/families/family_testing.h"

namespace maru {
namespace {

using testing::HasSubstr;

TEST(Registry, WritesWhatItReads) {
  for (const Family* family : all_families()) {
    const Family& a = *family;
    Json json = named(a.name.data(), {{"num_layers", 4},
                                      {"n_embd", 16},
                                      {"n_layer", 4},
                                      {"n_head", 4},
                                      {"head_dim", 4},
                                      {"num_key_value_heads", 4},
                                      {"sliding_window", 7},
                                      {"rotary_pct", 0.5}});
    const DecoderConfig config = config_from_hugging_face(json, "config.json");
    EXPECT_EQ(a.name, config.architecture);
    const Json written = config_to_hugging_face(config, "bfloat16");
    EXPECT_EQ(a.model_type, written["model_type"].get<std::string>());
    EXPECT_EQ(to_json(config), to_json(config_from_hugging_face(written, "config.json"))) << a.name;
  }
}

TEST(Registry, FindsTheArchitectureOfFeatures) {
  DecoderConfig c = resolve({.vocab_size = 8, .hidden_size = 16});
  EXPECT_EQ("LlamaForCausalLM", family_of(c).name);
  c.qk_norm = true;
  EXPECT_EQ("Qwen3ForCausalLM", family_of(c).name);
  c.qk_norm = false, c.use_post_norm = true;
  EXPECT_EQ("HyperCLOVAXForCausalLM", family_of(c).name);
  c.use_post_norm = false, c.sliding_window = 9;
  EXPECT_EQ("MistralForCausalLM", family_of(c).name);
  c.sliding_window = 0, c.attention_bias = true;
  EXPECT_EQ("Qwen2ForCausalLM", family_of(c).name);
  c.qk_norm = c.use_post_norm = true;
  EXPECT_THAT(error_of([&] { family_of(c); }), HasSubstr("has these features together"));
}

TEST(Registry, RopeInBothSpellings) {
  const Json scaling{{"rope_type", "llama3"}, {"factor", 8}, {"original_max_position_embeddings", 32}};
  const DecoderConfig before = read("LlamaForCausalLM", {{"rope_theta", 5e5}, {"rope_scaling", scaling}});
  Json parameters = scaling;
  parameters["rope_theta"] = 5e5;
  EXPECT_EQ(to_json(before), to_json(read("LlamaForCausalLM", {{"rope_parameters", parameters}})));
  EXPECT_EQ(5e5, before.rope_theta);
  const DecoderConfig yarn =
      read("LlamaForCausalLM", {{"max_position_embeddings", 128},
                                {"rope_scaling", {{"type", "yarn"}, {"original_max_position_embeddings", 32}}}});
  EXPECT_EQ(4, yarn.rope_scaling.factor);
}

TEST(Registry, NamesWhatIsNotSupported) {
  const auto refused = [](const char* name, const Json& changes) { return error_of([&] { read(name, changes); }); };
  EXPECT_THAT(refused("LlamaForCausalLM", {{"hidden_act", "mish"}}),
              HasSubstr("hidden_act: \"mish\" is not supported"));
  EXPECT_THAT(refused("LlamaForCausalLM", {{"hidden_size", nullptr}}), HasSubstr("hidden_size is missing"));
}

TEST(Registry, EveryArchitectureIsInTheDocs) {
  const std::string page = read_file("docs/models.md");
  for (const Family* a : all_families())
    EXPECT_THAT(page, HasSubstr("| " + std::string(a->families) + " | `" + std::string(a->name) + "` |"));
}

TEST(WeightNames, FollowRules) {
  constexpr WeightRule kRules[] = {{"a.*.q", "x.*.qkv"}, {"a.*.k", "x.*.qkv"}, {"a.*.e.*.w", "x.*.f.*.v"}};
  const WeightPlace place = place_of("a.12.k.bias", kRules);
  EXPECT_EQ("x.12.qkv.bias", place.tensor);
  EXPECT_EQ((std::vector<std::string>{"a.12.q.bias", "a.12.k.bias"}), place.parts);
  EXPECT_EQ("x.3.f.45.v.weight", place_of("a.3.e.45.w.weight", kRules).tensor);
  EXPECT_EQ("other.weight", place_of("other.weight", kRules).tensor);
}

TEST(WeightNames, InterleavedPartsTakeTurns) {
  // Three parts of two heads of two rows: the second part's rows are 2, 3 and 8, 9 of the tensor.
  const StoredPart part{WeightLayout::kInterleaved, {4, 5}, 4, 12, 2};
  EXPECT_EQ((std::vector<int64_t>{2, 3, 8, 9}),
            (std::vector<int64_t>{part.row_of(0), part.row_of(1), part.row_of(2), part.row_of(3)}));
}

}  // namespace
}  // namespace maru
