// The stages as anybody may call them: with a config, a sink and a token; results as structs, nothing printed.
#include <gmock/gmock.h>

#include <span>

#include "base/json.h"
#include "base/test_watch.h"
#include "catalogue/test_home.h"
#include "formats/safetensors_writer.h"
#include "models/model_files.h"
#include "models/test_adapter.h"
#include "pipeline/curate.h"
#include "pipeline/evaluate.h"
#include "pipeline/export.h"
#include "pipeline/import.h"
#include "pipeline/merge.h"
#include "pipeline/quantize.h"
#include "pipeline/report.h"
#include "pipeline/tokenize.h"
#include "pipeline/train.h"

namespace maru::pipeline {
namespace {

using catalogue::error_of;

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::StartsWith;

class StagesTest : public testing::Test {
 protected:
  void SetUp() override {
    fs::create_directories(at_home_.root / "texts");
    for (const char* name : {"en.txt", "de.txt", "ko.txt"})
      fs::copy_file(fs::path("tests/texts") / name, at_home_.root / "texts" / name);
  }

  data::BuildConfig data() const {
    data::BuildConfig config;
    config.inputs = {{.path = (at_home_.root / "texts").string()}};
    config.quality.min_characters = 10;
    config.split.held_out = 0.4;
    return config;
  }
  static TokenizeConfig tokenizer() {
    TokenizeConfig config{.name = "s", .inputs = {"s"}};
    config.trainer.vocab_size = 300;
    return config;
  }
  static train::TrainConfig training() {
    train::TrainConfig c{.name = "s", .tokens = "s/tokens-s", .tokenizer = "s"};
    c.model = {.hidden_size = 32,
               .intermediate_size = 32,
               .num_hidden_layers = 1,
               .num_attention_heads = 2,
               .num_key_value_heads = 1,
               .max_position_embeddings = 32};
    c.sequence_length = 32, c.batch_tokens = c.micro_batch_tokens = 64, c.steps = 2;
    return c;
  }
  void make_model(const Workplace& at) const {
    curate(at, "s", data());
    tokenize(at, tokenizer());
    pack(at, "s", "s");
    train(at, training());
  }

  const catalogue::TestHome at_home_{"pipeline_stages"};
  Machine machine_{2};
  SinkOfLines sink_;
  CancelToken cancel_{"stopped by the test"};
  const Workplace at_{at_home_.home, machine_, {.sink = &sink_, .cancel = &cancel_}};
};

TEST_F(StagesTest, TheLineFromTextToFiguresIsSkippedTheSecondTime) {
  testing::internal::CaptureStdout();
  testing::internal::CaptureStderr();
  EXPECT_EQ(3, curate(at_, "s", data()).report["documents_in"]);
  EXPECT_EQ(300, tokenize(at_, tokenizer()).report["vocab_size"]);
  const PackedTokens packed = pack(at_, "s", "s");
  EXPECT_EQ(at_.home.folder(Kind::kDataset) / "s/tokens-s", packed.directory);
  EXPECT_GT(packed.result.tokens, 0);
  EXPECT_EQ(2, train(at_, training()).steps);
  const Evaluation evaluation = evaluate(at_, {.model = "s", .prompts = {"a"}});
  EXPECT_GT(evaluation.figures.at("/bits_per_byte/held_out/value"_json_pointer).get<double>(), 0);
  EXPECT_EQ(1u, evaluation.figures["samples"].size());
  EXPECT_EQ(at_.home.folder(Kind::kRun) / "s/report.html", write_report(at_, "s"));
  EXPECT_EQ("", testing::internal::GetCapturedStdout());
  EXPECT_EQ("", testing::internal::GetCapturedStderr());
  for (const char* line : {"begin curate", "begin words", "begin merges", "begin pack", "info: training s",
                           "begin train", "train 2", "end train", "begin xz"})
    EXPECT_THAT(sink_.lines, Contains(StartsWith(line)));

  EXPECT_TRUE(curate(at_, "s", data()).skipped);
  EXPECT_TRUE(tokenize(at_, tokenizer()).skipped);
  EXPECT_TRUE(pack(at_, "s", "s").result.skipped);
  EXPECT_TRUE(train(at_, training()).skipped);
  const Evaluation again = evaluate(at_, {.model = "s", .prompts = {"a"}});
  EXPECT_TRUE(again.skipped);
  EXPECT_EQ(evaluation.figures, again.figures);
  EXPECT_FALSE(curate(at_, "s", data(), /*force=*/true).skipped);
}

TEST_F(StagesTest, AnAdapterIsEvaluatedBesideTheModel) {
  make_model(at_);
  const auto bits = [&](const std::string& adapter) {
    const Evaluation e = evaluate(at_, {.model = "s", .adapter = adapter, .baselines = false});
    return e.figures.at("/bits_per_byte/held_out/value"_json_pointer).get<double>();
  };
  const fs::path adapter = at_.home.folder(Kind::kAdapter) / "wide";
  write_test_adapter(adapter, *load_model(at_.home.find(Kind::kModel, "s")), 1, 0.5);
  EXPECT_NE(bits(""), bits(adapter.string()));
  EXPECT_TRUE(fs::exists(at_.home.find(Kind::kModel, "s") / "evaluation-wide"));
}

TEST_F(StagesTest, EachIsStoppedByItsOwnTokenAndLeavesNothingHalf) {
  make_model(at_);
  cancel_.cancel();
  const auto stopped = [&](auto stage) {
    const Error error = error_of(stage);
    EXPECT_EQ(ErrorCode::kCancelled, error.code) << error.message;
    EXPECT_EQ("stopped by the test", error.message);
  };
  data::BuildConfig other = data();
  other.quality.min_characters = 11;
  stopped([&] { curate(at_, "x", other); });
  stopped([&] { tokenize(at_, {.name = "x", .inputs = {"s"}}); });
  stopped([&] { pack(at_, "s", at_.home.find(Kind::kModel, "s").string()); });
  stopped([&] {
    train::TrainConfig c = training();
    c.name = "x";
    train(at_, c);
  });
  stopped([&] { evaluate(at_, {.model = "s"}); });
  stopped([&] { quantize(at_, {.model = "s", .to = "int8", .out = "x"}); });
  stopped([&] { export_model(at_, {.model = "s", .out = (at_home_.root / "x").string()}); });
  EXPECT_THAT(at_.home.names(Kind::kModel), testing::ElementsAre("s"));
  EXPECT_FALSE(fs::exists(at_home_.root / "x"));
  EXPECT_FALSE(fs::exists(at_.home.folder(Kind::kDataset) / "x/manifest.json"));
  const Workplace another{at_.home, machine_, {}};
  EXPECT_NO_THROW(quantize(another, {.model = "s", .to = "int8", .out = "x"})) << "with another token";
}

TEST_F(StagesTest, QuantizingSaysWhatItCosts) {
  make_model(at_);
  const QuantizeResult result = quantize(at_, {.model = "s", .to = "int8", .out = "s8", .text_tokens = 100});
  EXPECT_EQ(at_.home.folder(Kind::kModel) / "s8", result.path);
  ASSERT_TRUE(result.cost.has_value());
  EXPECT_EQ(100, result.cost->tokens);
  EXPECT_NEAR(*result.cost->before, *result.cost->after, 0.1);
  EXPECT_THAT(sink_.lines, Contains(StartsWith("begin quantize")));
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { quantize(at_, {.model = "s", .out = "s8"}); }).code);
  EXPECT_THAT(error_of([&] { quantize(at_, {.model = "s8", .out = "again"}); }).message,
              HasSubstr("is quantized already"));
}

TEST_F(StagesTest, WhatIsExportedAndComesBackBearsTheMark) {
  make_model(at_);
  const fs::path out = at_home_.root / "exported";
  EXPECT_GT(export_model(at_, {.model = "s", .out = out.string(), .dtype = "f32"}).weights.tensors, 0);
  EXPECT_THAT(ledger::read_manifest(out).foreign, IsEmpty());
  EXPECT_THAT(error_of([&] { import_weights(at_, {.source = out.string(), .name = "back"}); }).message,
              HasSubstr("is an artefact already"));
  fs::remove(out / "manifest.json");
  const ImportResult back = import_weights(at_, {.source = out.string(), .name = "back", .origin = "elsewhere"});
  EXPECT_FALSE(back.is_adapter);
  EXPECT_EQ("elsewhere", back.source);
  EXPECT_EQ("", back.licence);
  quantize(at_, {.model = "back", .to = "int8", .out = "back8"});
  EXPECT_EQ("elsewhere", ledger::read_manifest(at_.home.find(Kind::kModel, "back8")).foreign.at(0).source);
  EXPECT_THAT(error_of([&] { evaluate(at_, {.model = "back"}); }).message, HasSubstr("names no tokens"));
}

TEST_F(StagesTest, AMergedModelNamesItsModelAndBearsTheMarkOfTheAdapter) {
  make_model(at_);
  const fs::path adapter = at_home_.root / "adapter";
  fs::create_directories(adapter);
  write_json(adapter / "adapter_config.json", {{"peft_type", "LORA"}, {"r", 1}, {"lora_alpha", 1}});
  formats::SafetensorsWriter writer(adapter / "adapter_model.safetensors");
  const std::string matrix = "base_model.model.model.layers.0.mlp.down_proj";
  writer.declare(matrix + ".lora_A.weight", "F32", {1, 32});
  writer.declare(matrix + ".lora_B.weight", "F32", {32, 1});
  const std::vector<float> values(32, 0.5f);
  for (int i = 0; i < 2; ++i) writer.write(std::as_bytes(std::span(values)));
  writer.commit();
  const MergeConfig config{.model = "s", .adapter = adapter.string(), .out = "merged"};
  EXPECT_EQ(1, merge(at_, config).tensors);
  const ledger::Manifest manifest = ledger::read_manifest(at_.home.find(Kind::kModel, "merged"));
  EXPECT_EQ("model", manifest.inputs.at(0).role);
  EXPECT_EQ(2u, manifest.foreign.at(0).tensors.size());
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { merge(at_, config); }).code);
}

TEST_F(StagesTest, WhatHasNoOriginOnRecordIsNotTuned) {
  make_model(at_);
  const fs::path bare = at_.home.root() / "bare";
  fs::copy(at_.home.find(Kind::kModel, "s"), bare);
  fs::remove(bare / ledger::kManifestName);
  train::TrainConfig c = training();
  c.name = "tuned", c.model = {}, c.init_from = bare.string();
  const Error error = error_of([&] { train(at_, c); });
  EXPECT_EQ(ErrorCode::kInvalidArgument, error.code);
  EXPECT_THAT(error.message, HasSubstr("take it into this home first: maru import"));
  EXPECT_FALSE(fs::exists(at_.home.folder(Kind::kRun) / "tuned"));
}

TEST_F(StagesTest, ATeacherIsFoundByNameAndHasTheSameTokens) {
  make_model(at_);
  train::TrainConfig c = training();
  c.name = "student", c.method = "distill", c.distill = train::DistillConfig{.teacher = "s"};
  EXPECT_EQ(2, train(at_, c).steps);
  const ledger::Manifest manifest = ledger::read_manifest(at_.home.find(Kind::kModel, "student"));
  EXPECT_EQ("teacher", manifest.inputs.back().role);

  TokenizeConfig other = tokenizer();
  other.name = "other", other.trainer.vocab_size = 301;
  tokenize(at_, other);
  pack(at_, "s", "other");
  c.name = "pupil", c.tokens = "s/tokens-other", c.tokenizer = "other";
  const std::string teacher = at_.home.find(Kind::kModel, "s").string();
  EXPECT_THAT(error_of([&] { train(at_, c); }).message,
              AllOf(HasSubstr("recipe: distill.teacher: " + teacher + ": has another tokenizer than"),
                    HasSubstr("300 tokens, not 301")));

  // As many tokens, but others.
  other.name = "third", other.inputs = {(at_home_.root / "texts/de.txt").string()}, other.trainer.vocab_size = 300;
  tokenize(at_, other);
  pack(at_, "s", "third");
  c.tokens = "s/tokens-third", c.tokenizer = "third";
  EXPECT_THAT(error_of([&] { train(at_, c); }).message,
              AllOf(HasSubstr("has another tokenizer than"), HasSubstr("token 2"), HasSubstr("\", not \"")));
  c.distill->teacher = "nobody";
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { train(at_, c); }).code);
  EXPECT_FALSE(fs::exists(at_.home.folder(Kind::kRun) / "pupil")) << "nothing has begun";
}

TEST_F(StagesTest, ARunOfAnotherRecipeIsSetAsideWhenAsked) {
  make_model(at_);
  train::TrainConfig other = training();
  other.seed = 9;
  EXPECT_EQ(ErrorCode::kInvalidArgument, error_of([&] { train(at_, other); }).code);
  EXPECT_FALSE(train(at_, other, /*set_aside=*/true).skipped);
  EXPECT_TRUE(fs::exists(at_.home.folder(Kind::kRun) / "s.1/recipe.json"));
  EXPECT_THAT(sink_.lines, Contains(HasSubstr("was started with another seed; it is now")));
}

TEST_F(StagesTest, AReportTakesTheNameOfNothingElse) {
  EXPECT_EQ(ErrorCode::kNotFound, error_of([&] { render_report(at_, "none"); }).code);
  write_file(at_home_.root / "notes.html", "mine");
  EXPECT_EQ(ErrorCode::kExists, error_of([&] { write_report(at_, "none", at_home_.root / "notes.html"); }).code);
}

}  // namespace
}  // namespace maru::pipeline
