#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

using testing::HasSubstr;

// transformers leaves out what equals the default of its base class, so a file without the key means its class's value.
TEST(Exaone, AbsentMeansWhatTheClassSays) {
  EXPECT_TRUE(read("ExaoneForCausalLM", {{"num_layers", 2}}).tie_word_embeddings);
  EXPECT_FALSE(read("ExaoneForCausalLM", {{"num_layers", 2}, {"tie_word_embeddings", false}}).tie_word_embeddings);
  EXPECT_FALSE(read("LlamaForCausalLM", Json::object()).tie_word_embeddings);
}

TEST(Exaone, LettersSayWhichLayersHaveAWindow) {
  const Json heads{{"num_key_value_heads", 2}};
  Json letters = heads, wrong = heads;
  letters["sliding_window_pattern"] = "LLG", wrong["sliding_window_pattern"] = "LX";
  const DecoderConfig c = read("Exaone4ForCausalLM", letters);
  EXPECT_TRUE(c.is_sliding(0) && c.is_sliding(1) && !c.is_sliding(2) && c.is_sliding(3));
  EXPECT_FALSE(c.rope_on_full_attention);
  EXPECT_THAT(error_of([&] { read("Exaone4ForCausalLM", wrong); }), HasSubstr("expected a number or letters L and G"));
}

}  // namespace
}  // namespace maru
