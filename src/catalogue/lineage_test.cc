#include "catalogue/lineage.h"

#include <gtest/gtest.h>

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

}  // namespace
}  // namespace maru::catalogue
