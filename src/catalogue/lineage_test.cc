#include "catalogue/lineage.h"

#include <gmock/gmock.h>

#include "catalogue/test_home.h"

namespace maru::catalogue {
namespace {

TEST(Lineage, LeadsFromAModelToItsTokensAndTheirDataset) {
  const TestHome at("catalogue_lineage");
  const fs::path data = at.add("datasets/d", "dataset"), tokenizer = at.add("tokenizers/t", "tokenizer"),
                 tokens = at.add("datasets/d/tokens-t", "tokens", {{"dataset", data}, {"tokenizer", tokenizer}}),
                 model = at.add("models/m", "model", {{"tokens", tokens}, {"tokenizer", tokenizer}}),
                 small = at.add("models/m-int4", "model", {{"model", model}});
  EXPECT_EQ(tokens, input_of(model, "tokens"));
  EXPECT_EQ("", input_of(model, "dataset"));
  EXPECT_EQ("", input_of(at.root, "tokens")) << "no artefact";
  EXPECT_EQ(tokens, tokens_behind(model));
  EXPECT_EQ(tokens, tokens_behind(small)) << "through the model that it was made of";
  EXPECT_EQ("", tokens_behind(data));
  EXPECT_EQ(data, dataset_behind(model));
  EXPECT_EQ("", dataset_behind(data));
}

TEST(Lineage, KnowsWhichModelAnAdapterWasTrainedBeside) {
  const TestHome at("catalogue_lineage_adapter");
  const fs::path base = at.add("models/b", "model"), other = at.add("models/o", "model"),
                 small = at.add("models/b-int4", "model", {{"model", base}}, {}, Json{{"verb", "quantize"}}),
                 tuned = at.add("models/b-sft", "model", {{"model", base}}),
                 adapter = at.add("adapters/a", "adapter", {{"model", base}}),
                 beside_small = at.add("adapters/s", "adapter", {{"model", small}}),
                 foreign = at.add("adapters/f", "adapter");
  for (const fs::path& fits : {base, small}) {
    EXPECT_EQ("", trained_beside_another(adapter, fits));
    EXPECT_EQ("", trained_beside_another(beside_small, fits));
  }
  for (const fs::path& another : {other, tuned}) {
    EXPECT_THAT(trained_beside_another(adapter, another), testing::HasSubstr("models/b with the manifest "));
    EXPECT_THAT(trained_beside_another(beside_small, another), testing::HasSubstr("models/b-int4 with"));
    EXPECT_EQ("", trained_beside_another(foreign, another)) << "nobody knows";
  }
  EXPECT_EQ("", trained_beside_another(adapter, at.root)) << "no artefact";
  fs::remove_all(base);
  EXPECT_EQ("", trained_beside_another(adapter, small)) << "what it was quantized from is on record";
}

}  // namespace
}  // namespace maru::catalogue
