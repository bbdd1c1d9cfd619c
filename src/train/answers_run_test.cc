// Runs of the methods that learn from answers without generating any: KTO, ORPO, CPO and SimPO, reward models.
#include <gmock/gmock.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "ledger/verify.h"
#include "models/reward_model.h"
#include "models/weights.h"
#include "train/test_pairs.h"
#include "train/test_run.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

struct Case {
  std::string name, method;
  std::function<void(TrainConfig&)> set = [](TrainConfig&) {};
  std::vector<std::string> figures;  // beside accuracy
};

const std::vector<Case> kCases{
    {"kto", "kto", [](TrainConfig& c) { c.kto.emplace().desirable_weight = 1.2; }, {"kl", "reward_desirable"}},
    {"apo", "kto", [](TrainConfig& c) { c.kto.emplace().loss_type = "apo_zero_unpaired"; }, {"reward_undesirable"}},
    {"orpo", "orpo", [](TrainConfig& c) { c.orpo.emplace().beta = 1; }, {"margin", "nll", "preference_loss"}},
    {"cpo", "cpo", [](TrainConfig&) {}, {"margin", "nll", "preference_loss"}},
    {"simpo",
     "cpo",
     [](TrainConfig& c) { c.cpo = CpoConfig{.loss_type = "simpo", .beta = 2, .cpo_alpha = 0}; },
     {"margin", "preference_loss"}},
    {"reward",
     "reward",
     [](TrainConfig& c) {
       c.reward.emplace().center_rewards_coefficient = 0.01;
       c.steps = 120, c.validation.tokens = 100'000;
       c.optimizer.lr = c.lora ? 5e-3 : 3e-3;
       if (c.lora) c.lora->rank = 16;
     },
     {"margin", "reward"}}};

class AnswersRunTest : public RunTest {
 protected:
  void SetUp() override {
    write_test_pairs(pairs_, 60, 4, 6, 12, true, {5, 1});  // the base finds the rejected ones likelier
    write_test_labelled(labelled_, 120, 4);
    write_test_pairs(many_, 1200, 4);
    run("base", config());
  }
  TrainConfig config_of(const Case& one, int64_t rank) const {
    TrainConfig c = config();
    c.tokens = (one.method == "kto" ? labelled_ : one.method == "reward" ? many_ : pairs_).string();
    c.method = one.method;
    c.init_from = model_of("base").string();
    if (rank > 0) c.lora = LoraConfig{.rank = rank, .alpha = 8};
    c.steps = 30;
    c.optimizer = {.lr = rank > 0 ? 5e-3 : 1e-3, .weight_decay = 0};
    one.set(c);
    return resolve(c, TestTokens::kVocabulary);
  }
  std::string result(const std::string& name, int64_t rank) const {
    return read_file(model_of(name) / (rank > 0 ? "adapter_model.safetensors" : "model.safetensors"));
  }
  std::string resolve_error(const Case& one, const std::function<void(TrainConfig&)>& change) const {
    TrainConfig c = config_of(one, 0);
    change(c);
    try {
      resolve(c, TestTokens::kVocabulary);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path pairs_ = tokens_.root() / "pairs", labelled_ = tokens_.root() / "labelled",
                 many_ = tokens_.root() / "many";
};

TEST_F(AnswersRunTest, LearnsWhatIsBetterWithAllWeightsOrAnAdapter) {
  for (const Case& one : kCases)
    for (const int64_t rank : {0, 4}) {
      const std::string name = one.name + std::to_string(rank);
      const TrainConfig c = config_of(one, rank);
      const RunSummary summary = run(name, c);
      ASSERT_TRUE(summary.validation.contains("accuracy")) << name;
      TrainConfig still = c;
      still.steps = 1, still.optimizer.lr = 1e-12;
      const Figures before = run(name + "-still", still).validation;
      // Sums of log p tell answers apart by their lengths before all: cpo is judged by the margin.
      const char* judge = one.name == "cpo" ? "margin" : "accuracy";
      EXPECT_GT(summary.validation.at(judge), before.at(judge) + 0.1) << name;
      EXPECT_LT(summary.validation.at("loss"), before.at("loss")) << name;
      for (const std::string& figure : one.figures) EXPECT_TRUE(summary.validation.contains(figure)) << name << figure;
      EXPECT_THAT(figures(name), HasSubstr("\"" + one.figures[0] + "\":")) << "in the rows of steps";
      EXPECT_TRUE(ledger::verify(model_of(name)).ok());
      EXPECT_TRUE(run(name, c).skipped);
    }
}

TEST_F(AnswersRunTest, RunsThatAreKilledEndWithTheSameBitsOnAnyNumberOfThreads) {
  for (const size_t i : {size_t{0}, size_t{2}, size_t{4}, size_t{5}}) {
    const int64_t rank = i % 5 == 0 ? 4 : 0;
    TrainConfig c = config_of(kCases[i], rank);
    c.steps = 40;
    const std::string name = kCases[i].name, killed = name + "-killed";
    run(name, c, 3);
    Random random(6);
    int kills = 0;
    for (bool finished = false; !finished && kills < 100; ++kills)
      finished = run_and_kill(killed, 5 + static_cast<int>(random.below(kills < 10 ? 60 : 2000)), c);
    EXPECT_GT(kills, 2);
    EXPECT_EQ(result(name, rank), result(killed, rank)) << name;
    EXPECT_EQ(figures(name), figures(killed)) << name;
  }
}

TEST_F(AnswersRunTest, TokensThatAreNotOfTheMethodAreRefused) {
  TrainConfig labels = config_of(kCases[0], 0), pairs = config_of(kCases[2], 0);
  std::swap(labels.tokens, pairs.tokens);
  EXPECT_THAT(error_of("a", labels), HasSubstr("holds pairs of answers, which are learnt from with method=dpo"));
  EXPECT_THAT(error_of("b", pairs), HasSubstr("holds answers with labels, which are learnt from with method=kto"));
  const fs::path bare = tokens_.root() / "bare";
  write_test_labelled(bare, 20, 5, /*with_values=*/false);
  TrainConfig none = config_of(kCases[0], 0);
  none.tokens = bare.string();
  EXPECT_EQ(none.tokens + ": say of no answer whether it is good or bad", error_of("c", none));
}

TEST_F(AnswersRunTest, RecipesThatDoNotFitAreRefusedByField) {
  const auto cut = [](TrainConfig& c) { c.micro_batch_tokens = c.batch_tokens = 48; };
  EXPECT_EQ("recipe: micro_batch_tokens 48 is less than two answers, 2 x sequence_length 32",
            resolve_error(kCases[0], cut));
  EXPECT_EQ("recipe: micro_batch_tokens 48 is less than a pair of answers, 2 x sequence_length 32",
            resolve_error(kCases[2], cut));
  EXPECT_EQ("recipe: method is kto: init_from is missing, the model that is tuned and the reference",
            resolve_error(kCases[0], [](TrainConfig& c) { c.init_from.clear(); }));
  EXPECT_EQ("recipe: method is cpo: init_from is missing, the model that is tuned",
            resolve_error(kCases[4], [](TrainConfig& c) { c.init_from.clear(); }));
  EXPECT_EQ("recipe: cpo: is of method cpo, method is orpo",
            resolve_error(kCases[2], [](TrainConfig& c) { c.cpo.emplace(); }));
  EXPECT_EQ("recipe: kto: is of method kto, method is next_token",
            resolve_error(kCases[0], [](TrainConfig& c) { c.method.clear(); }));
  EXPECT_THAT(resolve_error(kCases[4], [](TrainConfig& c) { c.cpo->loss_type = "ipo", c.cpo->label_smoothing = 0.1; }),
              HasSubstr("recipe: cpo.label_smoothing: is not used by ipo"));
}

TEST_F(AnswersRunTest, ARewardModelScoresWhatIsBetterHigher) {
  const TrainConfig c = config_of(kCases[5], 0);
  const RunSummary summary = run("judge", c);
  EXPECT_GT(summary.validation.at("accuracy"), 0.8);
  const Json stored = read_json(model_of("judge") / "config.json");
  EXPECT_EQ("LlamaForSequenceClassification", stored["architectures"][0]);
  EXPECT_FALSE(fs::exists(model_of("judge") / "generation_config.json")) << "it generates nothing";
  EXPECT_FALSE(ledger::read_manifest(model_of("judge")).notes.contains("validation_bits_per_byte"));
  ThreadPool pool(2);
  CpuDevice device{&pool};
  const auto model = load_reward_model(model_of("judge"));
  EXPECT_EQ(Dtype::kBf16, model->dtype());
  place(device, *model);
  const formats::TokenDataset held_out(many_, "held_out");
  std::vector<std::vector<int32_t>> texts;
  for (int64_t d = 0; d < held_out.num_documents(); ++d) {
    const formats::TokenSpan tokens = held_out.document(d).tokens;
    tokens.copy_to(texts.emplace_back(static_cast<size_t>(tokens.size())));
  }
  StepMemory memory(device);
  const std::vector<double> scores = scores_of(memory, *model, texts);
  double right = 0;
  for (size_t i = 0; i < scores.size(); i += 2) right += scores[i] > scores[i + 1] ? 1 : 0;
  EXPECT_EQ(summary.validation.at("accuracy"), right / static_cast<double>(scores.size() / 2));
  int64_t values = 0;
  for (const Parameter* p : model->parameters()) values += p->shape.size();
  EXPECT_EQ(summary.parameters, values) << "the head is none of it";
}

TEST_F(AnswersRunTest, TheBestRewardModelIsKept) {
  for (const int64_t rank : {0, 4}) {
    TrainConfig c = config_of(kCases[5], rank);
    c.steps = 4, c.validation.every_steps = 1, c.validation.keep_best = true;
    const RunSummary summary = run("best" + std::to_string(rank), c);
    EXPECT_TRUE(summary.validation.contains("accuracy"));
    EXPECT_TRUE(ledger::read_manifest(model_of("best" + std::to_string(rank))).notes.contains("best_step"));
  }
}

// transformers looks for the score before the padding: of a text that ends with that token it would not be the last's.
TEST_F(AnswersRunTest, WhatEndsTextsIsNoPadding) {
  TrainConfig c = config_of(kCases[5], 0);
  c.steps = 1;
  ThreadPool pool(2);
  CpuDevice device{&pool};
  for (const int64_t pad : {1, 5}) {
    const std::string name = "pad" + std::to_string(pad);
    RunOptions with = options(name);
    with.generation_config = {{"pad_token_id", pad}, {"eos_token_id", {1, 3}}};
    train(c, with, device);
    EXPECT_EQ(pad == 5, read_json(model_of(name) / "config.json").contains("pad_token_id"));
  }
}

TEST_F(AnswersRunTest, ATextThatIsCutIsNotScored) {
  const fs::path longs = tokens_.root() / "longs";
  write_test_pairs(longs, 60, 4, 6, 45);
  TrainConfig c = config_of(kCases[5], 4);
  c.tokens = longs.string(), c.steps = 2;
  run("longs", c);
  EXPECT_THAT(warnings_, HasSubstr("pairs left out: sequence_length 32 does not hold all of both answers"));
}

TEST_F(AnswersRunTest, RewardModelsThatNoFileCouldHoldAreRefusedAtTheStart) {
  EXPECT_THAT(resolve_error(kCases[5], [](TrainConfig& c) { c.model.use_post_norm = true; }),
              HasSubstr("transformers has no class of HyperCLOVAXForCausalLM with a score"));
}

// An answer that is left alone in a micro-batch of validation has no other to be held against.
TEST_F(AnswersRunTest, AnAnswerThatIsAloneIsNotValidatedByKto) {
  const fs::path few = tokens_.root() / "few";
  write_test_labelled(few, 3, 5);  // one is held out
  TrainConfig c = config_of(kCases[0], 4);
  c.tokens = few.string(), c.steps = 2;
  EXPECT_TRUE(run("few", c).validation.empty());
  EXPECT_THAT(warnings_, HasSubstr("nothing is held out"));
  c.kto->loss_type = "apo_zero_unpaired";
  EXPECT_FALSE(run("few-apo", c).validation.empty());
}

}  // namespace
}  // namespace maru::train
