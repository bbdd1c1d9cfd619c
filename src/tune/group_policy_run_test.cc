// Runs that learn from rewards of answers of their own: the first step, resume, threads, rows, refusals.
#include <gmock/gmock.h>

#include "ledger/verify.h"
#include "models/adapter.h"
#include "tune/test_prompts.h"

namespace maru::tune {
namespace {

using testing::HasSubstr;
using train::TrainConfig;

class GroupPolicyRunTest : public PromptRunTest {};

// What the sampler found and what training finds differ by their softmaxes alone in f32: 24 bits of a sum over 260.
TEST_F(GroupPolicyRunTest, BeforeAnythingIsLearntTheModelIsItsReferenceAndItsSampler) {
  for (const char* dtype : {"f32", "bf16"})
    for (const int64_t rank : {0, 4}) {
      const std::string name = std::string(dtype) + std::to_string(rank);
      TrainConfig c = config(rank);
      c.dtype = dtype, c.steps = 1, c.group_policy->beta = 0.1;
      run(name, c);
      const Json row = steps(name).front();
      EXPECT_EQ(0.0, row["kl"].get<double>()) << name;
      EXPECT_EQ(0.0, row["clipped"].get<double>()) << name;
      EXPECT_LT(row["sampler_difference"].get<double>(), 2e-6) << name;
    }
}

TEST_F(GroupPolicyRunTest, TheRewardRisesWithAllWeightsOrAnAdapter) {
  for (const int64_t rank : {0, 4}) {
    const std::string name = rank > 0 ? "adapter" : "model";
    TrainConfig c = config(rank);
    c.steps = rank > 0 ? 60 : 24;
    const train::RunSummary summary = run(name, c);
    const std::vector<Json> all = steps(name);
    EXPECT_LT(all.front()["reward"].get<double>(), 0.7);
    for (const Json& row : all)  // a sampler that were a step behind would be far away
      EXPECT_LT(row["sampler_difference"].get<double>(), 5e-6) << row.dump();
    EXPECT_GT(summary.validation.at("reward"), 0.9);
    EXPECT_EQ(summary.validation.at("reward"), summary.validation.at("reward_letter"));
    EXPECT_LE(summary.validation.at("reward_low"), summary.validation.at("reward"));
    EXPECT_GE(summary.validation.at("reward_high"), summary.validation.at("reward"));
    for (const char* figure : {"reward_letter", "reward_std", "reward_same", "completion_length", "truncated",
                               "sampler_difference", "seconds_generating", "seconds_judging", "clipped"})
      EXPECT_TRUE(all.front().contains(figure)) << figure;
    EXPECT_FALSE(all.front().contains("kl")) << "beta is 0: there is no reference";
    EXPECT_TRUE(ledger::verify(root_ / "results" / name).ok());
    EXPECT_TRUE(run(name, c).skipped);
  }
}

TEST_F(GroupPolicyRunTest, RunsThatAreKilledEndWithTheSameBitsOnAnyNumberOfThreads) {
  for (const int64_t iterations : {1, 2}) {
    TrainConfig c = config(iterations == 1 ? 0 : 4);
    c.group_policy->num_iterations = iterations, c.group_policy->beta = 0.05;
    c.checkpoint.every_steps = 1;
    const std::string n = std::to_string(iterations), whole = "whole" + n, killed = "killed" + n, three = "three" + n;
    run(whole, c, 1);
    int kills = 0;
    for (int ms = 30; !run_and_kill(killed, ms, c); ms += 7) ++kills;
    EXPECT_GT(kills, 2);
    run(three, c, 3);
    const bool adapter = iterations > 1;
    EXPECT_TRUE(result(whole, adapter) == result(killed, adapter)) << kills << " kills";
    EXPECT_TRUE(result(whole, adapter) == result(three, adapter));
    EXPECT_EQ(figures(whole), figures(killed));
    EXPECT_EQ(figures(whole), figures(three));
    EXPECT_EQ(read_file(root_ / "runs" / whole / "samples.jsonl"),
              read_file(root_ / "runs" / killed / "samples.jsonl"));
    EXPECT_EQ(read_file(root_ / "runs" / whole / "samples.jsonl"), read_file(root_ / "runs" / three / "samples.jsonl"));
  }
}

// Step 2 learns from the answers of step 1: the model has moved, so its ratios are not 1 any more, and there is nothing
// generated. A run that is stopped rests where a generation begins.
TEST_F(GroupPolicyRunTest, AnswersAreLearntFromSeveralTimesAndNeverKept) {
  TrainConfig c = config();
  c.group_policy->num_iterations = 3, c.group_policy->epsilon = 1e-5;
  c.steps = 7, c.checkpoint.every_steps = 2, c.checkpoint.keep = 10, c.validation.every_steps = 100;
  run("m", c);
  const std::vector<Json> all = steps("m");
  ASSERT_EQ(7u, all.size());
  for (size_t i = 0; i < 7; ++i) {
    EXPECT_EQ(i % 3 == 0, all[i].contains("seconds_generating")) << i;
    if (i % 3 == 0) {
      EXPECT_EQ(0.0, all[i]["clipped"].get<double>()) << i;
    } else {
      EXPECT_EQ(all[i - 1]["reward"], all[i]["reward"]) << i;
    }
  }
  EXPECT_GT(all[1]["clipped"].get<double>() + all[2]["clipped"].get<double>(), 0);
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(root_ / "runs/m/checkpoints"))
    names.push_back(entry.path().filename().string());
  EXPECT_THAT(names, testing::UnorderedElementsAre("step-00000003", "step-00000006", "step-00000007"));
}

TEST_F(GroupPolicyRunTest, WhatWasSaidInValidationsIsKeptForPeople) {
  TrainConfig c = config();
  c.group_policy->num_samples = 3;
  run("m", c);
  const std::vector<Json> samples = rows("m", "samples.jsonl");
  ASSERT_EQ(9u, samples.size());
  EXPECT_EQ(0, samples[0]["step"]) << "what it said before it learnt";
  EXPECT_EQ(6, samples[3]["step"]);
  EXPECT_EQ(12, samples[8]["step"]);
  EXPECT_THAT(samples[0]["where"].get<std::string>(), HasSubstr("p.jsonl:"));
  EXPECT_EQ('p', samples[0]["prompt"].get<std::string>()[0]);
  EXPECT_TRUE(samples[0]["answer"].is_string());
  EXPECT_EQ(samples[0]["reward"], samples[0]["rewards"]["letter"]);
}

TEST_F(GroupPolicyRunTest, EpochsArePassesOverThePrompts) {
  TrainConfig c = config();
  c.steps = 0, c.epochs = 0.5, c.group_policy->num_iterations = 2;
  const int64_t prompts = formats::TokenDataset(c.tokens, "train").num_documents();
  EXPECT_EQ(2 * ((prompts + 7) / 8), run("m", c).steps);
}

TEST_F(GroupPolicyRunTest, NothingIsLearntFromAnswersThatDidNotEndWhereTheyAreMasked) {
  TrainConfig c = config();
  c.group_policy->mask_truncated_completions = true;
  c.steps = 6, c.group_policy->max_completion_length = 1;  // nearly none ends
  run("m", c);
  int all_cut = 0;
  for (const Json& row : steps("m")) {
    if (row["truncated"] != 1.0) continue;
    ++all_cut;
    EXPECT_EQ(0.0, row["gradient_norm"].get<double>());
    EXPECT_EQ(0.0, row["loss"].get<double>());
  }
  EXPECT_GT(all_cut, 1);
}

TEST_F(GroupPolicyRunTest, EveryLossAndOptionRuns) {
  for (const char* loss : {"grpo", "bnpo", "dr_grpo", "dapo", "cispo", "luspo", "sapo", "vespo"}) {
    TrainConfig c = config();
    c.steps = 2, c.group_policy->loss_type = loss, c.group_policy->num_iterations = 2;
    c.group_policy->importance_sampling_level = "sequence", c.group_policy->temperature = 0.8;
    c.micro_batch_tokens = 128;  // several of them a step
    c = train::resolve(c, kVocabulary);
    EXPECT_EQ(2, run(loss, c).steps) << loss;
    EXPECT_FALSE(steps(loss).front().contains("sampler_difference")) << "the sampler's numbers are those at 1";
  }
}

TEST_F(GroupPolicyRunTest, LearnsBesideQuantizedWeightsAndSaysHowFarTheSamplerIs) {
  ThreadPool pool(2);
  CpuDevice device{&pool};
  const auto model = load_model(root_ / "models/base", Dtype::kBf16);
  quantize_weights(device, *model, QuantizedKind::kInt4);
  save(*model, "int4", QuantizedKind::kInt4);
  TrainConfig c = config(4);
  c.init_from = (root_ / "models/int4").string(), c.dtype = "bf16", c.group_policy->beta = 0.1, c.steps = 2;
  run("m", c);
  EXPECT_EQ(0.0, steps("m").front()["kl"].get<double>());
  EXPECT_GT(steps("m").front()["sampler_difference"].get<double>(), 1e-6) << "it serves with activations of 8 bits";
  EXPECT_LT(steps("m").front()["sampler_difference"].get<double>(), 0.2);
}

TEST_F(GroupPolicyRunTest, RewardsThatFailEndTheRunByNameAndItsCheckpointsStay) {
  TrainConfig c = config();
  const auto judge = [&](const std::string& script) {
    c.group_policy->rewards = {
        {.kind = "process", .name = "judge", .command = {"/bin/sh", "-c", script}, .timeout = 5}};
  };
  judge("for i in $(seq 80); do read -r x; echo 1; done; read -r x; echo NaN; sleep 9");
  EXPECT_THAT(error_of("nan", c), HasSubstr("reward judge: p.jsonl:"));
  EXPECT_TRUE(fs::exists(root_ / "runs/nan/checkpoints/step-00000003"));
  judge("exit 4");
  EXPECT_THAT(error_of("dead", c), HasSubstr("reward judge: the process ended with exit code 4"));
  c.group_policy->rewards = {{.kind = "exact", .column = "nothing"}};
  EXPECT_THAT(error_of("column", c), HasSubstr("nothing: is missing, expected what reward exact compares with"));
}

TEST_F(GroupPolicyRunTest, RecipesThatDoNotFitAreRefusedByField) {
  const auto refused = [&](const auto& change) {
    TrainConfig c = config();
    change(c);
    try {
      return error_of("m", train::resolve(c, kVocabulary));
    } catch (const Failure& e) {
      return std::string(e.what());
    }
  };
  EXPECT_THAT(refused([](TrainConfig& c) { c.group_policy->rewards.clear(); }), HasSubstr("group_policy.rewards"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.group_policy.reset(); }), HasSubstr("group_policy.rewards"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.init_from.clear(); }), HasSubstr("init_from is missing"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.method = "dpo"; }), HasSubstr("group_policy: is of method grpo"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.method.clear(); }),
              HasSubstr("group_policy: is of method grpo, method is next_token"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.preference.emplace(); }), HasSubstr("preference: is of method dpo"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.steps = 0, c.minutes = 1; }), HasSubstr("minutes: how long answers take"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.group_policy->max_completion_length = 48; }),
              HasSubstr("max_completion_length 48 leaves no room for a prompt in sequence_length 48"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.group_policy->max_completion_length = 40; }),
              HasSubstr("leaves room for 40 tokens of an answer in sequence_length 48"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.tokenizer.clear(); }), HasSubstr("recipe: tokenizer is missing"));
  EXPECT_THAT(refused([](TrainConfig& c) {
                c.group_policy->prompts_per_step = 1 << 20, c.group_policy->num_generations = 4096;
              }),
              HasSubstr("are more than 1e10 tokens a step"));
  EXPECT_THAT(refused([](TrainConfig& c) { c.group_policy->rewards[0].pattern = "("; }), HasSubstr("letter: pattern"));
}

TEST_F(GroupPolicyRunTest, TokensThatAreNoPromptsAreRefusedAndTheOtherWayRound) {
  TrainConfig c = config();
  c.method.clear(), c.group_policy.reset();
  EXPECT_THAT(error_of("m", train::resolve(c, kVocabulary)),
              HasSubstr("holds prompts, which are learnt from with method=grpo"));
}

TEST_F(GroupPolicyRunTest, PromptsWhoseLinesAreDamagedAreRefusedByLine) {
  const fs::path file = prompts() / "train.prompts.jsonl";
  const std::string good = read_file(file);
  const auto with = [&](const std::string& text) {
    write_file(file, text);
    return error_of("m", config());
  };
  EXPECT_THAT(with(good.substr(0, good.size() / 2)), HasSubstr("train.prompts.jsonl:"));
  EXPECT_THAT(with(good.substr(0, good.find('\n') + 1)), HasSubstr("has 1 lines, expected"));
  EXPECT_THAT(with(good + "{\"where\":\"x\",\"line\":{}}\n"), HasSubstr("and no more"));
  EXPECT_THAT(with("[]\n" + good), HasSubstr("train.prompts.jsonl:1"));
  fs::remove(file);
  EXPECT_THAT(error_of("m", config()), HasSubstr("train.prompts.jsonl"));
}

TEST_F(GroupPolicyRunTest, WhatIsLeftOutAndWhatIsNotHeldOutIsSaid) {
  fs::remove_all(prompts());
  std::string text;
  for (int i = 0; i < 6; ++i) text += Json{{"prompt", std::string(i < 2 ? 60 : 2, 'p')}, {"i", i}}.dump() + "\n";
  write_file(root_ / "p.jsonl", text);
  ThreadPool pool(1);
  data::pack_prompts({{(root_ / "p.jsonl").string()}, {}, 0}, {root_ / "tokenizer", prompts(), root_}, pool);
  TrainConfig c = config();
  c.steps = 1;
  EXPECT_TRUE(run("m", c).validation.empty());
  EXPECT_THAT(warnings_, HasSubstr("2 of 6 prompts left out"));
  EXPECT_THAT(warnings_, HasSubstr("nothing is held out"));
}

}  // namespace
}  // namespace maru::tune
