// Runs of distillation whose student answers itself: what it learns, resume, threads, rows, refusals.
#include <gmock/gmock.h>

#include "ledger/verify.h"
#include "tune/test_conversations.h"

namespace maru::tune {
namespace {

using testing::HasSubstr;
using train::TrainConfig;

class OnPolicyRunTest : public PromptRunTest {
 protected:
  void SetUp() override {
    write_tokenizer();
    write_model("base");
    write_model("teacher", 8);
    write_conversations(root_ / "talks", 40, 3);
  }
  TrainConfig own_config(double share, int64_t rank = 0, const std::string& teacher = "teacher") const {
    TrainConfig c;
    c.name = "m";
    c.tokens = (root_ / "talks").string(), c.tokenizer = (root_ / "tokenizer").string();
    c.init_from = (root_ / "models/base").string();
    c.model = load_model(c.init_from, Dtype::kF32)->config();
    c.method = "distill", c.dtype = "f32";
    c.distill = train::DistillConfig{.teacher = (root_ / "models" / teacher).string(), .beta = 1, .on_policy = share};
    if (share > 0) c.distill->max_completion_length = 6, c.distill->sampling_temperature = 1;
    if (rank > 0) c.lora = LoraConfig{.rank = rank, .alpha = 8};
    c.sequence_length = 48, c.micro_batch_tokens = 128, c.batch_tokens = 512, c.steps = 12;
    c.optimizer = {.lr = rank > 0 ? 2e-2 : 5e-3, .weight_decay = 0};
    c.schedule.name = "constant", c.schedule.warmup_steps = 1;
    c.checkpoint = {.every_steps = 3, .every_minutes = 0, .keep = 2};
    c.validation = {.every_steps = 6, .tokens = 1000};
    return train::resolve(c, kVocabulary);
  }
  double mean_of(const std::string& name, const char* figure) const {
    double sum = 0, count = 0;
    for (const Json& row : steps(name))
      if (row.contains(figure)) sum += row[figure].get<double>(), ++count;
    return sum / count;
  }
};

TEST_F(OnPolicyRunTest, TheStudentComesNearerToItsTeacherOnWhatItSaysItself) {
  for (const int64_t rank : {0, 4}) {
    const std::string name = rank > 0 ? "adapter" : "model";
    TrainConfig c = own_config(1, rank);
    c.steps = 40;
    run(name, c);
    const std::vector<Json> all = steps(name);
    const double before = all.front()["divergence"].get<double>(), after = all.back()["divergence"].get<double>();
    EXPECT_LT(after, (rank > 0 ? 0.8 : 0.6) * before) << before << " " << name;
    for (const Json& row : all) {
      EXPECT_EQ(1.0, row["on_policy"].get<double>());
      EXPECT_NEAR(row["loss"].get<double>(), row["divergence"].get<double>(), 1e-6) << "all of it is of own answers";
      EXPECT_LE(row["completion_length"].get<double>(), 6);
      EXPECT_TRUE(row.contains("seconds_generating"));
      EXPECT_TRUE(row.contains("truncated"));
    }
    EXPECT_TRUE(rows(name).back().contains("validation_bits_per_byte"));
    EXPECT_TRUE(ledger::verify(root_ / "results" / name).ok());
    EXPECT_TRUE(run(name, c).skipped);
  }
}

TEST_F(OnPolicyRunTest, OfItsOwnTeacherThereIsNothingToLearn) {
  for (const char* dtype : {"f32", "bf16"})
    for (const double beta : {0.0, 0.5, 1.0}) {
      TrainConfig c = own_config(1, 0, "base");
      c.distill->beta = beta, c.dtype = dtype, c.steps = 1;
      const std::string name = std::string(dtype) + std::to_string(beta);
      run(name, c);
      EXPECT_EQ(0.0, steps(name).front()["divergence"].get<double>()) << name;
      EXPECT_GT(steps(name).front()["completion_length"].get<double>(), 1);
    }
}

TEST_F(OnPolicyRunTest, RunsThatAreKilledEndWithTheSameBitsOnAnyNumberOfThreads) {
  for (const double share : {0.5, 1.0}) {
    const int64_t rank = share == 1 ? 4 : 0;
    TrainConfig c = own_config(share, rank);
    c.checkpoint.every_steps = 1;
    const std::string n = std::to_string(rank), whole = "whole" + n, killed = "killed" + n, three = "three" + n;
    run(whole, c, 1);
    int kills = 0;
    for (int ms = 30; !run_and_kill(killed, ms, c); ms += 7) ++kills;
    EXPECT_GT(kills, 2);
    run(three, c, 3);
    EXPECT_TRUE(result(whole, rank > 0) == result(killed, rank > 0)) << kills << " kills";
    EXPECT_TRUE(result(whole, rank > 0) == result(three, rank > 0));
    EXPECT_EQ(figures(whole), figures(killed));
    EXPECT_EQ(figures(whole), figures(three));
  }
}

// Each place of the data has its own chance, so a share is that of many micro-batches.
TEST_F(OnPolicyRunTest, TheShareIsThatOfMicroBatchesAndOfTheSeed) {
  TrainConfig c = own_config(0.3);
  c.steps = 60;
  run("m", c);
  EXPECT_NEAR(0.3, mean_of("m", "on_policy"), 0.1) << "of 240 micro-batches";
  bool mixed = false;
  for (const Json& row : steps("m")) {
    const double share = row["on_policy"].get<double>();
    EXPECT_EQ(share > 0, row.contains("divergence"));
    EXPECT_EQ(share > 0, row.contains("completion_length"));
    mixed = mixed || (share > 0 && share < 1);
  }
  EXPECT_TRUE(mixed);
  c.seed = 2;
  run("other", c);
  EXPECT_NE(figures("m"), figures("other"));
}

// What is sampled is the student's: the answers of the data do not matter, the prompts do.
TEST_F(OnPolicyRunTest, AnswersOfTheDataAreNotSeenWhereTheStudentAnswers) {
  const auto first_row = [&](const std::string& name, bool other_answers) {
    fs::remove_all(root_ / "talks");
    ledger::ArtefactWriter artefact(root_ / "talks");
    formats::TokenDatasetWriter writer(artefact.directory(), kVocabulary, true);
    for (const char* split : {"train", "held_out"}) {
      writer.begin_split(split);
      for (int32_t i = 0; i < 20; ++i)
        writer.add(std::vector<int32_t>{1, 20 + i, 60 + i, other_answers ? 100 + i : 200 - i, 99}, 5,
                   std::vector<uint8_t>{0, 0, 0, 1, 1});
    }
    writer.finish();
    ledger::Manifest manifest;
    manifest.kind = "tokens", manifest.name = "talks";
    artefact.commit(std::move(manifest));
    TrainConfig c = own_config(1);
    c.steps = 3;
    run(name, c);
    return figures(name).substr(0, figures(name).find("\"step\":3"));
  };
  const std::string one = first_row("one", false), other = first_row("other", true);
  const auto steps_alone = [](const std::string& rows) { return rows.substr(rows.find('\n')); };  // not the validation
  EXPECT_EQ(steps_alone(one), steps_alone(other));
  EXPECT_TRUE(result("one") == result("other"));
}

TEST_F(OnPolicyRunTest, LearnsBesideQuantizedWeights) {
  ThreadPool pool(2);
  CpuDevice device{&pool};
  const auto model = load_model(root_ / "models/base", Dtype::kBf16);
  quantize_weights(device, *model, QuantizedKind::kInt4);
  save(*model, "int4", QuantizedKind::kInt4);
  TrainConfig c = own_config(1, 4);
  c.init_from = (root_ / "models/int4").string(), c.dtype = "bf16", c.steps = 30;
  run("m", c);
  EXPECT_LT(steps("m").back()["divergence"].get<double>(), 0.8 * steps("m").front()["divergence"].get<double>());
}

// The student's table has rows that the teacher's has not: what it says there ends its answer.
TEST_F(OnPolicyRunTest, TokensThatTheTeacherDoesNotKnowEndAnAnswer) {
  Decoder narrow(maru::resolve(DecoderConfig{.vocab_size = 258,
                                             .hidden_size = 32,
                                             .intermediate_size = 64,
                                             .num_hidden_layers = 1,
                                             .num_attention_heads = 4,
                                             .num_key_value_heads = 2,
                                             .max_position_embeddings = 128,
                                             .tie_word_embeddings = false}),
                 Dtype::kF32);
  allocate_values(narrow);
  initialise(narrow, 2);
  save(narrow, "narrow");
  Decoder loud(load_model(root_ / "models/base", Dtype::kF32)->config(), Dtype::kF32);
  allocate_values(loud);
  loud.load(root_ / "models/base");
  for (Parameter* p : loud.parameters())
    if (p->name == "lm_head.weight") {  // most answers come to such a token
      float* const rows = p->value.data<float>();
      for (int64_t i = 258 * 32; i < 260 * 32; ++i) rows[i] *= 40;
    }
  save(loud, "loud");
  fs::remove_all(root_ / "talks");
  ledger::ArtefactWriter artefact(root_ / "talks");
  formats::TokenDatasetWriter writer(artefact.directory(), 258, true);
  for (const char* split : {"train", "held_out"}) {
    writer.begin_split(split);
    for (int32_t i = 0; i < 20; ++i)
      writer.add(std::vector<int32_t>{1, 20 + i, 60 + i, 99}, 4, std::vector<uint8_t>{0, 0, 0, 1});
  }
  writer.finish();
  ledger::Manifest manifest;
  manifest.kind = "tokens", manifest.name = "talks";
  artefact.commit(std::move(manifest));
  TrainConfig c = own_config(1, 0, "narrow");
  c.init_from = (root_ / "models/loud").string(), c.steps = 3;
  run("m", c);
  EXPECT_LT(steps("m").front()["completion_length"].get<double>(), 5);
  EXPECT_GT(steps("m").front()["truncated"].get<double>(), 0.9);
}

TEST_F(OnPolicyRunTest, WhatCannotBeAnsweredIsRefusedByName) {
  TrainConfig c = own_config(1);
  c.tokenizer.clear();
  EXPECT_EQ("recipe: tokenizer is missing: the student answers in its tokens", error_of("m", c));
  fs::remove_all(root_ / "talks");
  write_conversations(root_ / "talks", 20, 3, /*with_mask=*/false);
  EXPECT_THAT(error_of("m", own_config(1)),
              HasSubstr("talks: holds documents, which have no answers that the student could give in their place"));
  fs::remove_all(root_ / "talks");
  write_conversations(root_ / "talks", 40, 3);
  c = own_config(1);
  c.distill->max_completion_length = 47;
  EXPECT_EQ("none of 40 conversations has a prompt that leaves room for 47 tokens of an answer in sequence_length 48",
            error_of("m", c));
  c.distill->max_completion_length = 30;
  c.steps = 1;
  EXPECT_EQ("no error", error_of("some", c));
  EXPECT_THAT(warnings_, HasSubstr("of 40 conversations are passed over where the student answers"));
}

TEST_F(OnPolicyRunTest, EpochsArePassesOverTheConversations) {
  TrainConfig c = own_config(1);
  c.steps = 0, c.epochs = 2;
  const int64_t steps = run("m", c).steps;
  EXPECT_GT(steps, 3);
  EXPECT_LT(steps, 20);
}

}  // namespace
}  // namespace maru::tune
