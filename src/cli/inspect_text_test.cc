#include "cli/inspect_text.h"

#include <gmock/gmock.h>

namespace maru::cli {
namespace {

using testing::EndsWith;
using testing::HasSubstr;

TEST(InspectText, OfAModel) {
  pipeline::Inspection in{.path = "/m", .kind = "Hugging Face directory", .architecture = "OddForCausalLM"};
  in.dtypes["BF16"] = {.tensors = 2, .elements = 1500, .bytes = 3000};
  in.licence = {.name = "apache-2.0", .file = "LICENSE", .text = "\n  Apache License\nVersion 2.0"};
  in.memory = {{2048, 1 << 20}};
  EXPECT_THAT(text_of(in), HasSubstr("architecture OddForCausalLM\n"));
  EXPECT_THAT(text_of(in), HasSubstr("BF16: 2 tensors, 1.5 k elements, 2.9 KiB"));
  EXPECT_THAT(text_of(in), HasSubstr("licence      apache-2.0 (LICENSE: Apache License)\n"));
  EXPECT_THAT(text_of(in), HasSubstr("+ 1.0 MiB keys and values at 2048 tokens"));
  EXPECT_THAT(text_of(in), EndsWith("runs here    yes"));
  in.obstacle = "it is odd";
  EXPECT_THAT(text_of(in), EndsWith("runs here    no: it is odd"));
}

TEST(InspectText, OfAnAdapter) {
  pipeline::AdapterInspection in{.path = "/a", .method = "LoRA", .base_model = "org/model"};
  in.modules = {{"q_proj", 1}, {"v_proj", 2}};
  EXPECT_THAT(text_of(in), HasSubstr("kind         PEFT adapter, LoRA\nmade for     org/model\n"));
  EXPECT_THAT(text_of(in), HasSubstr("modules      q_proj (1x), v_proj (2x)\n"));
  EXPECT_THAT(text_of(in), EndsWith("usable       yes, beside that model"));
  in.obstacle = "no weights";
  EXPECT_THAT(text_of(in), EndsWith("usable       no: no weights"));
}

}  // namespace
}  // namespace maru::cli
