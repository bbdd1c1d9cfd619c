#include <gmock/gmock.h>

#include "models/families/family_testing.h"

namespace maru {
namespace {

TEST(Granite, DividesWhereHyperClovaMultiplies) {
  EXPECT_EQ(0.125, read("GraniteForCausalLM", {{"logits_scaling", 8}}).logits_multiplier);
  EXPECT_EQ(8, read("HyperCLOVAXForCausalLM", {{"logits_scaling", 8}}).logits_multiplier);
  EXPECT_EQ(0, read("HyperCLOVAXForCausalLM", {{"attention_multiplier", 0.5}}).attention_multiplier);  // 1/sqrt(4)
  EXPECT_EQ(1, read("GraniteForCausalLM", Json::object()).attention_multiplier);
}

}  // namespace
}  // namespace maru
