#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

TEST(Qwen, UpperLayersHaveAWindowIfConfigured) {
  const DecoderConfig c = read("Qwen2ForCausalLM", {{"use_sliding_window", true}, {"max_window_layers", 3}});
  EXPECT_TRUE(!c.is_sliding(2) && c.is_sliding(3));
  EXPECT_FALSE(read("Qwen2ForCausalLM", {{"sliding_window", 5}}).is_sliding(3));
}

TEST(Qwen, ExpertsAreCountedUnderEitherName) {
  const Json heads{{"num_key_value_heads", 2}, {"num_experts_per_tok", 2}};
  Json now = heads, before = heads;
  now["num_local_experts"] = 6, before["num_experts"] = 6;
  EXPECT_EQ(6, read("Qwen3MoeForCausalLM", now).num_experts);
  EXPECT_EQ(6, read("Qwen3MoeForCausalLM", before).num_experts);
  EXPECT_FALSE(read("Qwen3MoeForCausalLM", now).norm_topk_prob);
}

TEST(Qwen, ExpertsOfAGgufFileSumToOne) {
  const Json config = config_of_gguf("qwen3moe", [](GgufKeyWriter& keys) {
    keys.integer("expert_count", 8);
    keys.integer("expert_used_count", 2);
    keys.integer("expert_feed_forward_length", 24);
  });
  EXPECT_EQ("Qwen3MoeForCausalLM", config["architectures"][0]);
  EXPECT_EQ(true, config["norm_topk_prob"]);
  EXPECT_EQ(24, config["moe_intermediate_size"]);
  EXPECT_EQ(16, config["intermediate_size"]);
}

}  // namespace
}  // namespace maru
