#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

using testing::HasSubstr;

Json solar(const std::function<void(GgufKeyWriter&)>& more) {
  return config_of_gguf("glm4moe", [&](GgufKeyWriter& keys) {
    keys.integer("expert_count", 8);
    keys.integer("expert_used_count", 2);
    keys.integer("expert_feed_forward_length", 24);
    keys.integer("expert_shared_count", 1);
    more(keys);
  });
}

TEST(SolarOpen, TakesTheWidthOfItsExperts) {
  const Json config = solar([](GgufKeyWriter& keys) { keys.number("expert_weights_scale", 2); });
  EXPECT_EQ("SolarOpenForCausalLM", config["architectures"][0]);
  EXPECT_EQ(24, config["moe_intermediate_size"]);
  EXPECT_EQ(2, config["routed_scaling_factor"]);
  EXPECT_EQ(false, config["norm_topk_prob"]);
}

TEST(SolarOpen, RefusesWhatGlmHasUnderTheSameName) {
  const auto refused = [](const char* key, int64_t value) {
    return error_of([&] { solar([&](GgufKeyWriter& keys) { keys.integer(key, value); }); });
  };
  EXPECT_THAT(refused("leading_dense_block_count", 1), HasSubstr("glm4moe.leading_dense_block_count 1 cannot be read"));
  EXPECT_THAT(refused("nextn_predict_layers", 1), HasSubstr("glm4moe.nextn_predict_layers 1 cannot be read"));
  EXPECT_THAT(refused("expert_gating_func", 1), HasSubstr("glm4moe.expert_gating_func 1 cannot be read"));
}

}  // namespace
}  // namespace maru
