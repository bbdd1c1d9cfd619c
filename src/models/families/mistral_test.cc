#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

using testing::HasSubstr;

TEST(Mistral, HasAWindowUnlessItSaysNone) {
  EXPECT_TRUE(read("MistralForCausalLM", {{"num_key_value_heads", 2}}).is_sliding(0));  // 4096 unless said otherwise
  EXPECT_FALSE(read("MistralForCausalLM", {{"num_key_value_heads", 2}, {"sliding_window", nullptr}}).is_sliding(0));
}

// Llama, Mistral and Mixtral have one name there: what tells the last is that it has experts.
TEST(Mistral, ExpertsTellMixtralInGguf) {
  EXPECT_EQ("LlamaForCausalLM", config_of_gguf("llama", [](GgufKeyWriter&) {})["architectures"][0]);
  const Json config = config_of_gguf("llama", [](GgufKeyWriter& keys) {
    keys.integer("expert_count", 8);
    keys.integer("expert_used_count", 2);
  });
  EXPECT_EQ("MixtralForCausalLM", config["architectures"][0]);
  EXPECT_EQ(8, config["num_local_experts"]);
  EXPECT_EQ(nullptr, config["sliding_window"]);
  EXPECT_THAT(error_of([] { config_of_gguf("qwen2", [](GgufKeyWriter& keys) { keys.integer("expert_count", 8); }); }),
              HasSubstr("got \"qwen2\" with experts"));
}

}  // namespace
}  // namespace maru
