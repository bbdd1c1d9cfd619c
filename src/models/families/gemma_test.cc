#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

using testing::HasSubstr;

TEST(Gemma, RefusesAttentionToWhatComesLater) {
  const Json config{{"num_key_value_heads", 2}, {"use_bidirectional_attention", true}};
  EXPECT_THAT(error_of([&] { read("Gemma3ForCausalLM", config); }),
              HasSubstr("use_bidirectional_attention: expected false, got true"));
}

TEST(Gemma, TheLargestOfAFamilyScalesScoresByItsWidth) {
  const auto scalar = [](int64_t layers) {
    const auto wide = [](GgufKeyWriter& keys) { keys.integer("attention.key_length", 12); };
    return config_of_gguf("gemma2", wide, layers)["query_pre_attn_scalar"];
  };
  EXPECT_EQ(12, scalar(26)) << "that of a head";
  EXPECT_EQ(8, scalar(46)) << "hidden_size / heads";
}

}  // namespace
}  // namespace maru
