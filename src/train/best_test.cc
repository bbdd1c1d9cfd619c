#include "train/best.h"

#include <gmock/gmock.h>

#include <cmath>

#include "train/test_run.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

constexpr Measure kBits{"bits_per_byte", "bits per byte"};
constexpr Measure kAccuracy{"accuracy", "of pairs", true};

TEST(BestValidation, IsTheFirstOfThoseThatNoOtherBeats) {
  std::optional<BestValidation> best;
  EXPECT_TRUE(take_validation(kBits, 0, {{"bits_per_byte", 2}}, best));
  EXPECT_FALSE(take_validation(kBits, 5, {{"bits_per_byte", 2}}, best)) << "as good is not better";
  EXPECT_FALSE(take_validation(kBits, 6, {{"bits_per_byte", 3}}, best));
  EXPECT_FALSE(take_validation(kBits, 7, {{"bits_per_byte", std::nan("")}}, best));
  EXPECT_EQ(3, best->since);
  EXPECT_TRUE(take_validation(kBits, 8, {{"bits_per_byte", 1.5}}, best));
  EXPECT_EQ(8, best->step);
  EXPECT_EQ(0, best->since);
  EXPECT_EQ(1.5, best->value);
  best.reset();
  EXPECT_TRUE(take_validation(kAccuracy, 1, {{"accuracy", 0.5}}, best));
  EXPECT_FALSE(take_validation(kAccuracy, 2, {{"accuracy", 0.4}}, best));
  EXPECT_TRUE(take_validation(kAccuracy, 3, {{"accuracy", 0.6}}, best));
  EXPECT_FALSE(take_validation(kAccuracy, 4, {}, best)) << "nothing is held out";
  EXPECT_EQ(0, best->since);
}

/// A model that has learnt a language goes on at a rate that ruins it.
class BestRunTest : public RunTest {
 protected:
  void SetUp() override { run("base", config()); }
  TrainConfig ruinous() const {
    TrainConfig c = config();
    c.init_from = model_of("base").string();
    c.optimizer.lr = 3, c.optimizer.weight_decay = 0;
    c.schedule.name = "constant";
    c.validation.every_steps = 2;
    return c;
  }
  double bits_of(const RunSummary& summary) const { return summary.validation.at("bits_per_byte"); }
};

TEST_F(BestRunTest, IsWhatIsWrittenAndWhatItStartedFromCounts) {
  TrainConfig c = ruinous();
  const double ruined = bits_of(run("last", c));
  c.validation.keep_best = true;
  const RunSummary kept = run("best", c);
  EXPECT_LT(bits_of(kept), ruined);
  EXPECT_EQ(24, kept.steps);
  EXPECT_EQ(weights("base"), weights("best"));
  EXPECT_THAT(warnings_, HasSubstr("nothing that was learnt made the model better"));
  const Json notes = ledger::read_manifest(model_of("best")).notes;
  EXPECT_EQ(0, notes["best_step"]);
  EXPECT_EQ(bits_of(kept), notes["validation_bits_per_byte"].get<double>());
}

TEST_F(BestRunTest, StopsWhenPatienceEnds) {
  TrainConfig c = ruinous();
  c.validation.patience = 3;
  EXPECT_EQ(6, run("patient", c).steps) << "three validations that are no better, every two steps";
  EXPECT_EQ(weights("base"), weights("patient"));
  c.validation.patience = 4;
  EXPECT_THAT(error_of("patient", c), HasSubstr("this run was started with another validation.patience"));
  c.validation.patience.reset();
  EXPECT_THAT(error_of("patient", c), HasSubstr("another validation"));
  c.validation = {.every_steps = 3, .tokens = 500, .patience = 3};
  fs::remove_all(model_of("patient"));
  EXPECT_NO_THROW(run("patient", c)) << "how often and on how much is free to change";
  c.validation.keep_best = false;
  EXPECT_THROW(resolve(c, TestTokens::kVocabulary), Failure);
}

TEST_F(BestRunTest, IsTheSameAfterAKill) {
  TrainConfig c = config();
  c.steps = 60, c.optimizer.lr = 3, c.schedule.name = "constant",
  c.schedule.warmup_steps = 60;  // learns, then is ruined
  c.validation = {.every_steps = 2, .tokens = 1000, .keep_best = true};
  run("whole", c);
  const Json notes = ledger::read_manifest(model_of("whole")).notes;
  ASSERT_LT(notes["best_step"], 60) << "the best is not the last, or this shows nothing";
  ASSERT_GT(notes["best_step"], 0);
  for (int ms = 20; !run_and_kill("killed", ms, c); ms += 60) {
  }
  EXPECT_EQ(weights("whole"), weights("killed"));
  EXPECT_EQ(figures("whole"), figures("killed"));
  EXPECT_EQ(notes["best_step"], ledger::read_manifest(model_of("killed")).notes["best_step"]);
}

TEST_F(BestRunTest, IsRefusedWhereItIsDamaged) {
  TrainConfig c = ruinous();
  c.validation.keep_best = true;
  run("m", c);
  fs::remove_all(model_of("m"));
  const fs::path file = run_of("m") / "best" / "model.safetensors";
  std::string bytes = read_file(file);
  bytes[bytes.size() / 2] ^= 1;
  write_file(file, bytes);
  EXPECT_THAT(error_of("m", c), HasSubstr("best/model.safetensors: SHA-256 is"));
}

}  // namespace
}  // namespace maru::train
