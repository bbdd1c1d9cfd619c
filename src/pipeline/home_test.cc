// A home as it was made by the program of November 2026 (tests/golden/home: data build, tokenizer train, data pack,
// train, eval, quantize, data pack --chat on the three files in its folder texts): whatever changes later, it opens,
// and nothing in it is made again. If this fails, the layout, a manifest's format or a stage's key has changed: homes
// that are in use need a way over.
#include <gmock/gmock.h>

#include "base/json.h"
#include "catalogue/adapter.h"
#include "catalogue/listing.h"
#include "catalogue/removal.h"
#include "catalogue/test_home.h"
#include "ledger/verify.h"
#include "pipeline/evaluate.h"
#include "pipeline/inspect.h"
#include "pipeline/local_model.h"
#include "pipeline/report.h"
#include "pipeline/tokenize.h"
#include "pipeline/train.h"

namespace maru::pipeline {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

class OldHomeTest : public testing::Test {
 protected:
  void SetUp() override { fs::copy("tests/golden/home", at_home_.home.root(), fs::copy_options::recursive); }

  const catalogue::TestHome at_home_{"pipeline_old_home"};
  Machine machine_{1};
  const Workplace at_{at_home_.home, machine_, {}};
};

TEST_F(OldHomeTest, IsListedWhole) {
  std::vector<std::string> labels;
  for (const catalogue::Entry& entry : catalogue::list(at_.home)) {
    EXPECT_EQ("", entry.obstacle) << entry.path;
    EXPECT_GT(entry.bytes, 0u);
    labels.push_back(std::string(folder_of(entry.kind)) + "/" + entry.name);
  }
  EXPECT_THAT(labels, ElementsAre("datasets/chat", "datasets/small", "tokenizers/small", "models/small",
                                  "models/small-int8", "runs/small"));
  const catalogue::Dependencies dependencies(at_.home);
  EXPECT_THAT(dependencies.dependents_of(at_.home.place(Kind::kDataset, "small")),
              ElementsAre("models/small", "models/small/evaluation", "runs/small", "tokenizers/small"));
}

TEST_F(OldHomeTest, IsVerifiedDownToTheRawFiles) {
  for (const char* model : {"small", "small-int8"}) {
    const ledger::VerifyReport report = ledger::verify(at_.home.find(Kind::kModel, model));
    EXPECT_TRUE(report.ok()) << report.text();
    EXPECT_GE(report.artefacts, 4);
  }
}

TEST_F(OldHomeTest, ItsModelsAnswer) {
  for (const char* name : {"small", "small-int8"}) {
    EXPECT_EQ("", inspect_model(at_.home.find(Kind::kModel, name)).obstacle);
    LocalModel model(at_, name);
    const auto answer = model.generate(model.tokenizer().encode("a", {.add_special_tokens = true}), {.max_tokens = 4});
    EXPECT_GT(answer.num_tokens, 0);
  }
}

TEST_F(OldHomeTest, WhatIsThereIsNotMadeAgain) {
  TokenizeConfig tokenizer{.name = "small", .inputs = {"small"}};
  tokenizer.trainer.vocab_size = 280;
  EXPECT_TRUE(tokenize(at_, tokenizer).skipped);
  train::TrainConfig c{.name = "small", .tokens = "small/tokens-small", .tokenizer = "small"};
  c.model = {.hidden_size = 8,
             .intermediate_size = 16,
             .num_hidden_layers = 1,
             .num_attention_heads = 2,
             .num_key_value_heads = 1,
             .max_position_embeddings = 16};
  c.sequence_length = 16, c.batch_tokens = c.micro_batch_tokens = 32, c.steps = 1;
  EXPECT_TRUE(train(at_, c).skipped);
  EXPECT_TRUE(evaluate(at_, {.model = "small", .baselines = false}).skipped);
  EXPECT_THAT(render_report(at_, "small"), HasSubstr("Maru report"));
}

TEST_F(OldHomeTest, AllOfItCanBeRemovedAndNothingElse) {
  for (const catalogue::Entry& entry : catalogue::list(at_.home))
    catalogue::remove(at_.home, {entry.kind, entry.name, entry.path}, /*force=*/true);
  EXPECT_TRUE(catalogue::list(at_.home).empty());
  EXPECT_TRUE(fs::exists(at_.home.root() / "texts/a.txt"));
}

}  // namespace
}  // namespace maru::pipeline
