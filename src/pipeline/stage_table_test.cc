// The stages as jobs are made of them: what a config will do is known, and refused, before anything is done.
#include <gmock/gmock.h>

#include <set>

#include "base/json.h"
#include "base/request_failure.h"
#include "catalogue/test_home.h"
#include "pipeline/stages.h"

namespace maru::pipeline {
namespace {

using catalogue::error_of;
using testing::ElementsAre;
using testing::HasSubstr;

class StageTableTest : public testing::Test {
 protected:
  void SetUp() override { fs::copy("tests/golden/home", at_home_.home.root(), fs::copy_options::recursive); }
  StagePlan plan(const std::string& stage, const Json& config) {
    return plan_stage(stage_named(stage), {at_home_.home, at_home_.home.root()}, config);
  }
  std::string failure_of(const std::string& stage, const Json& config) {
    return error_of([&] { plan(stage, config); }).message;
  }
  static Json training() {
    return {{"name", "t"},
            {"tokens", "small/tokens-small"},
            {"tokenizer", "small"},
            {"init_from", "small"},
            {"sequence_length", 16},
            {"batch_tokens", 16},
            {"micro_batch_tokens", 16},
            {"steps", 2}};
  }
  const catalogue::TestHome at_home_{"stage_table"};
  Machine machine_{1};
  const Workplace at_{at_home_.home, machine_, {}};
};

TEST_F(StageTableTest, EveryStageIsFoundByItsName) {
  std::set<std::string_view> names;
  for (const Stage& stage : stages()) {
    EXPECT_EQ(&stage, &stage_named(std::string(stage.name)));
    EXPECT_TRUE(names.insert(stage.name).second);
    EXPECT_THAT(stage.fields(), HasSubstr(" = ")) << stage.name;
    EXPECT_THAT(failure_of(std::string(stage.name), {{"nmae", 1}}), HasSubstr("nmae")) << stage.name;
    EXPECT_NE("", failure_of(std::string(stage.name), Json::object())) << stage.name << " does nothing of nothing";
  }
  EXPECT_THAT(error_of([] { stage_named("quantise"); }).message, HasSubstr("did you mean \"quantize\"?"));
}

TEST_F(StageTableTest, WhatWillBeMadeIsKnown) {
  EXPECT_THAT(plan("train", training()).outputs, ElementsAre("models/t", "runs/t"));
  Json adapter = training();
  adapter["lora"] = {{"rank", 2}};
  const StagePlan lora = plan("train", adapter);
  EXPECT_THAT(lora.outputs, ElementsAre("adapters/t", "runs/t"));
  EXPECT_EQ("t", lora.run);
  EXPECT_EQ(3u, lora.inputs.size());
  EXPECT_EQ(64u, lora.inputs[0].sha256.size());
  EXPECT_GT(plan("train", training()).memory_bytes, lora.memory_bytes);
  EXPECT_THAT(plan("quantize", {{"model", "small"}, {"out", "q"}}).outputs, ElementsAre("models/q"));
  EXPECT_THAT(plan("export", {{"model", "small"}, {"out", "e"}}).outputs, ElementsAre("results/e"));
  EXPECT_THAT(plan("evaluate", {{"model", "small"}}).others, ElementsAre("models/small/evaluation"));
  EXPECT_THAT(plan("curate", {{"name", "d"}, {"inputs", {{{"path", "texts"}}}}}).outputs, ElementsAre("datasets/d"));
  EXPECT_THAT(plan("tune", {{"name", "u"}, {"model", "small"}, {"data", "texts/chat.jsonl"}}).outputs,
              ElementsAre("models/u", "runs/u"));
  const Json pack{{"form", "chats"}, {"inputs", {"texts/chat.jsonl"}}, {"name", "p"}, {"tokenizer", "small"}};
  EXPECT_THAT(plan("pack", pack).outputs, ElementsAre("datasets/p/tokens-small"));
}

TEST_F(StageTableTest, WhatIsTakenMissingOrNoNameIsRefused) {
  EXPECT_THAT(failure_of("quantize", {{"model", "small"}, {"out", "small-int8"}}),
              HasSubstr("models/small-int8: exists"));
  plan("quantize", {{"model", "small"}, {"out", "small-int8"}, {"force", true}});
  EXPECT_THAT(failure_of("quantize", {{"model", "none"}, {"out", "q"}}), HasSubstr("none"));
  Json taken = training();
  taken["name"] = "small";
  EXPECT_THAT(failure_of("train", taken), HasSubstr("models/small: exists"));
  for (const char* bad : {"..", "../x", ".x", "", "a/b"}) {
    Json config = training();
    config["name"] = bad;
    EXPECT_NE("", failure_of("train", config)) << bad;
    EXPECT_NE("", failure_of("curate", {{"name", bad}})) << bad;
    EXPECT_NE("", failure_of("tune", {{"name", bad}, {"model", "small"}, {"data", "texts/chat.jsonl"}})) << bad;
  }
  EXPECT_NE("", failure_of("export", {{"model", "small"}, {"out", ".."}}));
  EXPECT_THAT(failure_of("tune", {{"name", "x"}, {"model", "small"}, {"data", "texts/none.jsonl"}}), HasSubstr("none"));
  EXPECT_THAT(failure_of("import", {{"name", "x"}, {"source", "nowhere"}}), HasSubstr("config: source"));
}

TEST_F(StageTableTest, AStageRuns) {
  stage_named("train").run(at_, training(), {});
  EXPECT_TRUE(fs::exists(at_home_.home.root() / "models/t/manifest.json"));
  const fs::path job = at_home_.root / "job";
  stage_named("export").run(at_, {{"model", "small"}, {"out", "e"}}, job / "results");
  EXPECT_TRUE(fs::exists(place_of_output(at_home_.home, "results/e", job) / "model.safetensors"));
  EXPECT_EQ(at_home_.home.root() / "models/t", place_of_output(at_home_.home, "models/t", job));
}

}  // namespace
}  // namespace maru::pipeline
