#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

TEST(GptNeoX, RotationIsSpelledInTwoWays) {
  const Json old{{"num_attention_heads", 2}, {"rotary_pct", 0.5}, {"rotary_emb_base", 500}};
  const Json heads{{"num_attention_heads", 2}};
  const Json now{{"num_attention_heads", 2},
                 {"rope_parameters", {{"rope_type", "default"}, {"partial_rotary_factor", 0.5}, {"rope_theta", 500}}}};
  EXPECT_EQ(to_json(read("GPTNeoXForCausalLM", old)), to_json(read("GPTNeoXForCausalLM", now)));
  EXPECT_EQ(0.25, read("GPTNeoXForCausalLM", heads).partial_rotary_factor);
  EXPECT_EQ(10000, read("GPTNeoXForCausalLM", heads).rope_theta);
}

TEST(GptNeoX, AGgufFileThatRotatesAllSaysNothing) {
  const Json whole = config_of_gguf("gptneox", [](GgufKeyWriter& keys) { keys.flag("use_parallel_residual", false); });
  EXPECT_EQ(1, whole["rotary_pct"]);
  EXPECT_EQ(false, whole["use_parallel_residual"]);
  const Json half = config_of_gguf("gptneox", [](GgufKeyWriter& keys) {
    keys.integer("rope.dimension_count", 4);
    keys.number("rope.freq_base", 500);
  });
  EXPECT_EQ(0.5, half["rotary_pct"]);
  EXPECT_EQ(500, half["rotary_emb_base"]);
  EXPECT_EQ(true, half["use_parallel_residual"]);
}

}  // namespace
}  // namespace maru
