// Runs that learn from a teacher: what is gained on learning from the tokens alone, resume, lineage, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>

#include "base/random.h"
#include "ledger/provenance.h"
#include "ledger/verify.h"
#include "train/test_run.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

class DistillRunTest : public RunTest {
 protected:
  /// A model four times as large, which has seen ten times as much.
  TrainConfig teacher_config() const {
    TrainConfig c = config();
    c.name = "teacher";
    c.model.hidden_size = 64, c.model.intermediate_size = 128;
    c.steps = 400;
    c.optimizer.lr = 1e-2;
    c.validation.every_steps = 400;
    return resolve(c, TestTokens::kVocabulary);
  }
  /// Of few documents, which it sees again and again.
  TrainConfig student_config(const fs::path& tokens, bool distilled) const {
    TrainConfig c = config();
    c.tokens = tokens.string();
    c.steps = 60;
    c.optimizer.lr = 1e-2;
    c.validation.tokens = 100000;
    if (distilled) c.method = "distill", c.distill = DistillConfig{.teacher = model_of("teacher").string(), .beta = 0};
    return resolve(c, TestTokens::kVocabulary);
  }
  TrainConfig short_config() const {
    TrainConfig c = config();
    c.method = "distill", c.distill = DistillConfig{.teacher = model_of("base").string()};
    c.model.hidden_size = 16;
    return resolve(c, TestTokens::kVocabulary);
  }
  std::string resolve_error(const std::function<void(TrainConfig&)>& change) const {
    TrainConfig c = config();
    c.method = "distill", c.distill = DistillConfig{.teacher = "t"};
    change(c);
    try {
      resolve(c, TestTokens::kVocabulary);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
};

TEST_F(DistillRunTest, AStudentOfALargerTeacherIsBetterThanOneOfTheTokensAlone) {
  run("teacher", teacher_config());
  const TestTokens few(8, 22);
  const auto bits = [&](bool distilled) {
    return run(distilled ? "distilled" : "alone", student_config(few.directory(), distilled))
        .validation.at("bits_per_byte");
  };
  const double alone = bits(false), distilled = bits(true);
  EXPECT_LT(distilled, alone - 0.01);
  RecordProperty("alone", std::to_string(alone));
  RecordProperty("distilled", std::to_string(distilled));
}

TEST_F(DistillRunTest, TheTeacherIsOnRecordAndItsOriginIsInherited) {
  run("base", config());
  const TrainConfig c = short_config();
  run("student", c);
  const ledger::Manifest manifest = ledger::read_manifest(model_of("student"));
  ASSERT_EQ("teacher", manifest.inputs.back().role);
  EXPECT_EQ("../base", manifest.recipe["distill"]["teacher"]) << "relative inside one home";
  EXPECT_TRUE(ledger::verify(model_of("student")).ok());
  EXPECT_TRUE(ledger::prove_from_scratch(model_of("student")).ok());
  EXPECT_TRUE(run("student", c).skipped);

  fs::remove_all(model_of("base")), fs::remove_all(model_of("student")), fs::remove_all(run_of("student"));
  TrainConfig other = config();
  other.seed = 5;
  fs::remove_all(run_of("base"));
  run("base", other);
  ledger::Manifest foreign = ledger::read_manifest(model_of("base"));
  foreign.foreign = {{.name = "base", .source = "elsewhere", .licence = "unknown", .tensors = {{"w", "0"}}}};
  ledger::write_manifest(model_of("base"), foreign);
  run("student", c);
  const ledger::ScratchReport report = ledger::prove_from_scratch(model_of("student"));
  EXPECT_FALSE(report.ok());
  EXPECT_THAT(report.text(), HasSubstr("FOREIGN  base from elsewhere"));
}

TEST_F(DistillRunTest, ARunThatIsKilledEndsWithTheSameBitsOnAnyNumberOfThreads) {
  run("base", config());
  TrainConfig c = short_config();
  c.steps = 60;
  run("whole", c, 3);
  Random random(6);
  int kills = 0;
  for (bool finished = false; !finished && kills < 100; ++kills)
    finished = run_and_kill("killed", 5 + static_cast<int>(random.below(kills < 20 ? 60 : 2000)), c);
  EXPECT_GT(kills, 2);
  EXPECT_EQ(weights("whole"), weights("killed"));
  EXPECT_EQ(figures("whole"), figures("killed"));
}

TEST_F(DistillRunTest, AnotherTeacherIsAnotherRun) {
  run("base", config());
  const TrainConfig c = short_config();
  run("student", c);
  fs::remove_all(model_of("student")), fs::remove_all(model_of("base")), fs::remove_all(run_of("base"));
  TrainConfig other = config();
  other.seed = 5;
  run("base", other);
  EXPECT_THAT(error_of("student", c), HasSubstr("was started with another content of its teacher"));
}

TEST_F(DistillRunTest, RecipesThatDoNotFitAreRefusedByField) {
  EXPECT_EQ("no error", resolve_error([](TrainConfig&) {}));
  EXPECT_EQ("recipe: distill: is of method distill, method is next_token",
            resolve_error([](TrainConfig& c) { c.method.clear(); }));
  EXPECT_EQ("recipe: method is distill: distill.teacher is missing, the model that is learnt from",
            resolve_error([](TrainConfig& c) { c.distill.reset(); }));
  EXPECT_EQ("recipe: method is distill: distill.teacher is missing, the model that is learnt from",
            resolve_error([](TrainConfig& c) { c.distill->teacher.clear(); }));
  EXPECT_EQ(
      "recipe: distill.max_completion_length: is of answers that the student gives itself, distill.on_policy is 0",
      resolve_error([](TrainConfig& c) { c.distill->max_completion_length = 8; }));
  EXPECT_EQ("recipe: distill.sampling_temperature: is of answers that the student gives itself, distill.on_policy is 0",
            resolve_error([](TrainConfig& c) { c.distill->sampling_temperature = 1; }));
  const auto own = [](TrainConfig& c) { c.distill->on_policy = 0.5, c.distill->max_completion_length = 8; };
  EXPECT_EQ("no error", resolve_error(own));
  EXPECT_EQ("recipe: distill.max_completion_length 128 leaves no room for a prompt in sequence_length 32",
            resolve_error([](TrainConfig& c) { c.distill->on_policy = 0.5; }));
  EXPECT_THAT(resolve_error([&](TrainConfig& c) { own(c), c.distill->next_token = 1; }),
              HasSubstr("recipe: distill.next_token: says nothing of answers that the student gives itself"));
  EXPECT_THAT(resolve_error([&](TrainConfig& c) { own(c), c.steps = 0, c.minutes = 1; }),
              HasSubstr("recipe: minutes: how long answers take"));
}

TEST_F(DistillRunTest, AnswersOfItsOwnAreNotGivenWhereNothingGenerates) {
  run("base", config());
  TrainConfig c = short_config();
  c.distill->on_policy = 1, c.distill->max_completion_length = 8;
  EXPECT_EQ("method distill with distill.on_policy generates: nothing here does", error_of("student", c));
}

TEST_F(DistillRunTest, TeachersThatCannotTeachAreRefusedByName) {
  TrainConfig narrow = config();
  narrow.model.max_position_embeddings = 32;
  run("base", resolve(narrow, TestTokens::kVocabulary));
  TrainConfig c = short_config();
  c.sequence_length = 64, c.validation.tokens = 100;
  EXPECT_THAT(error_of("student", c),
              HasSubstr("distill.teacher: " + model_of("base").string() + ": reads 32 tokens at once"));
  c = short_config();
  c.distill->teacher = model_of("nobody").string();
  EXPECT_THAT(error_of("student", c), HasSubstr("nobody"));
  EXPECT_FALSE(fs::exists(model_of("student")));
}

}  // namespace
}  // namespace maru::train
