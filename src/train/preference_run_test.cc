// Runs that learn from pairs of answers: all weights or an adapter; resume, threads, rows, refusals.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "base/random.h"
#include "ledger/verify.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "train/test_pairs.h"
#include "train/test_run.h"

namespace maru::train {
namespace {

using testing::HasSubstr;

class PreferenceRunTest : public RunTest {
 protected:
  void SetUp() override {
    write_test_pairs(pairs_, 60, 4);
    run("base", config());
  }
  TrainConfig preference_config(int64_t rank) const {
    TrainConfig c = config();
    c.tokens = pairs_.string();
    c.method = "dpo";
    c.init_from = model_of("base").string();
    if (rank > 0) c.lora = LoraConfig{.rank = rank, .alpha = 8};
    c.steps = 16;
    c.optimizer = {.lr = rank > 0 ? 5e-3 : 1e-3, .weight_decay = 0};
    return resolve(c, TestTokens::kVocabulary);
  }
  std::string result(const std::string& name, int64_t rank) const {
    return read_file(model_of(name) / (rank > 0 ? "adapter_model.safetensors" : "model.safetensors"));
  }
  std::vector<Json> rows(const std::string& name) const {
    std::vector<Json> all;
    std::istringstream lines(read_file(run_of(name) / "metrics.jsonl"));
    for (std::string line; std::getline(lines, line);) all.push_back(parse_json(line, "metrics").value());
    return all;
  }
  std::string resolve_error(TrainConfig c, const std::function<void(TrainConfig&)>& change) const {
    change(c);
    try {
      resolve(c, TestTokens::kVocabulary);
      return "no error";
    } catch (const Failure& e) {
      return e.what();
    }
  }
  const fs::path pairs_ = tokens_.root() / "pairs";
};

TEST_F(PreferenceRunTest, LearnsWhatIsPreferredWithAllWeightsOrAnAdapter) {
  for (const int64_t rank : {0, 4}) {
    const std::string name = rank > 0 ? "adapter" : "model", before = weights("base");
    const TrainConfig c = preference_config(rank);
    const RunSummary summary = run(name, c);
    EXPECT_EQ(before, weights("base"));
    EXPECT_FALSE(summary.validation.contains("bits_per_byte"));
    ASSERT_TRUE(summary.validation.contains("accuracy"));
    EXPECT_GT(summary.validation.at("accuracy"), 0.8);
    const std::vector<Json> all = rows(name);
    EXPECT_EQ(0, all.front()["step"]);
    EXPECT_NEAR(std::log(2), all.front()["validation_loss"].get<double>(), 1e-6) << "before it has learnt";
    EXPECT_NEAR(std::log(2), all[1]["loss"].get<double>(), 1e-6) << "at the first step it is its reference";
    EXPECT_EQ(0, all[1]["margin"].get<double>());
    EXPECT_EQ(0, all[1]["accuracy"].get<double>());
    const Json& last = all.back();
    EXPECT_LT(last["validation_loss"].get<double>(), std::log(2));
    EXPECT_EQ(summary.validation.at("accuracy"), last["validation_accuracy"].get<double>());
    EXPECT_GT(last["validation_margin"].get<double>(), 0);
    EXPECT_FALSE(last.contains("validation_bits_per_byte"));
    const ledger::Manifest manifest = ledger::read_manifest(model_of(name));
    EXPECT_EQ(rank > 0 ? "adapter" : "model", manifest.kind);
    EXPECT_EQ(summary.validation.at("accuracy"), manifest.notes["validation_accuracy"].get<double>());
    EXPECT_TRUE(ledger::verify(model_of(name)).ok());
    const RunSummary again = run(name, c);
    EXPECT_TRUE(again.skipped);
    EXPECT_EQ(summary.validation, again.validation);
    const std::string said = figures(name);
    fs::remove_all(model_of(name));
    const RunSummary made_again = run(name, c);
    EXPECT_EQ(summary.validation, made_again.validation) << "of its rows";
    EXPECT_EQ(said, figures(name)) << "nothing is validated again";
  }
}

TEST_F(PreferenceRunTest, TrainsAnAdapterBesideQuantizedWeights) {
  ThreadPool pool(2);
  CpuDevice device{&pool};
  const auto model = load_model(model_of("base"), Dtype::kBf16);
  quantize_weights(device, *model, QuantizedKind::kInt4);
  ledger::ArtefactWriter writer(model_of("int4"));
  model->save(writer.directory());
  Json stored = read_json(writer.directory() / "config.json");
  stored["quantization_config"] = quantization_json(QuantizedKind::kInt4, QuantizedKind::kInt8, "none");
  write_json(writer.directory() / "config.json", stored);
  ledger::Manifest manifest;
  manifest.kind = "model", manifest.name = "int4";
  writer.commit(std::move(manifest));
  TrainConfig c = preference_config(4);
  c.init_from = model_of("int4").string();
  EXPECT_GT(run("int4-adapter", c).validation.at("accuracy"), 0.8);
  EXPECT_EQ(0, rows("int4-adapter")[1]["margin"].get<double>());
}

TEST_F(PreferenceRunTest, RunsThatAreKilledEndWithTheSameBitsOnAnyNumberOfThreads) {
  for (const int64_t rank : {0, 4}) {
    TrainConfig c = preference_config(rank);
    c.steps = 60;
    const std::string suffix = std::to_string(rank), killed = "killed" + suffix;
    run("whole" + suffix, c, 3);
    Random random(6);
    int kills = 0;
    for (bool finished = false; !finished && kills < 100; ++kills)
      finished = run_and_kill(killed, 5 + static_cast<int>(random.below(kills < 20 ? 60 : 2000)), c);
    EXPECT_GT(kills, 2);
    EXPECT_EQ(result("whole" + suffix, rank), result(killed, rank)) << "rank " << rank;
    EXPECT_EQ(figures("whole" + suffix), figures(killed));
  }
}

// What is known beforehand is what a second model would have said: the same weights and figures.
TEST_F(PreferenceRunTest, PrecomputedOrNotTheBitsAreTheSame) {
  for (const char* dtype : {"f32", "bf16"})
    for (const int64_t rank : {0, 4}) {
      TrainConfig c = preference_config(rank);
      c.dtype = dtype;
      const std::string suffix = dtype + std::to_string(rank);
      run("held" + suffix, c);
      c.preference->precompute_ref_log_probs = true;
      run("known" + suffix, c);
      EXPECT_EQ(result("held" + suffix, rank), result("known" + suffix, rank)) << suffix;
      EXPECT_EQ(figures("held" + suffix), figures("known" + suffix)) << suffix;
      EXPECT_TRUE(fs::exists(run_of("known" + suffix) / "reference/train.losses"));
    }
}

TEST_F(PreferenceRunTest, APrecomputationThatIsKilledGoesOnWhereItWas) {
  for (const int64_t rank : {0, 4}) {
    TrainConfig c = preference_config(rank);
    c.preference->precompute_ref_log_probs = true;
    c.micro_batch_tokens = c.batch_tokens = 64;  // of two pairs: many records
    c.steps = 20;
    const std::string suffix = std::to_string(rank), killed = "known_killed" + suffix;
    run("known_whole" + suffix, c, 3);
    const std::string losses = read_file(run_of("known_whole" + suffix) / "reference/train.losses");
    int kills = 0;
    for (bool finished = false; !finished && kills < 300; ++kills)
      finished = run_and_kill(killed, 8 + kills / 2, c);
    EXPECT_GT(kills, 4);
    EXPECT_EQ(result("known_whole" + suffix, rank), result(killed, rank)) << kills << " kills, rank " << rank;
    EXPECT_EQ(figures("known_whole" + suffix), figures(killed));
    // Cut anywhere, the losses are made again, from the model as the run began with it, though it has learnt since.
    fs::remove_all(model_of(killed));
    const fs::path file = run_of(killed) / "reference/train.losses";
    write_file(file, losses.substr(0, losses.size() / 3));
    const fs::path newest = run_of(killed) / "checkpoints" / checkpoint_names(killed).back();
    fs::remove_all(newest);
    run(killed, c);
    EXPECT_EQ(result("known_whole" + suffix, rank), result(killed, rank));
    EXPECT_THAT(warnings_, HasSubstr("damaged or of another reference"));
  }
}

TEST_F(PreferenceRunTest, MoreOfWhatIsHeldOutIsComputedWhenItIsAskedFor) {
  TrainConfig c = preference_config(0);
  c.preference->precompute_ref_log_probs = true, c.validation.tokens = 100, c.steps = 4;
  run("m", c);
  const auto before = fs::file_size(run_of("m") / "reference/held_out.losses");
  fs::remove_all(model_of("m"));
  c.validation.tokens = 1000;
  run("m", c);
  EXPECT_GT(fs::file_size(run_of("m") / "reference/held_out.losses"), before);
}

// A reference that has come nearer leaves less to gain on it: with alpha 1 every step, ratios begin at 0 each time.
TEST_F(PreferenceRunTest, AReferenceFollowsTheModel) {
  TrainConfig c = preference_config(0);
  c.preference->sync_ref_model = true, c.preference->ref_model_sync_steps = 1, c.preference->ref_model_mixup_alpha = 1;
  run("follows", c);
  for (const Json& row : rows("follows"))
    if (row.contains("loss")) {
      EXPECT_NEAR(std::log(2), row["loss"].get<double>(), 1e-6) << row.dump();
      EXPECT_EQ(0, row["margin"].get<double>()) << row.dump();
    }
  c.preference->ref_model_sync_steps = 4, c.preference->ref_model_mixup_alpha = 0.6;
  run("sometimes", c);
  const TrainConfig never = preference_config(0);
  run("never", never);
  const std::vector<Json> some = rows("sometimes"), none = rows("never");
  size_t step = 0;
  for (size_t i = 0; i < some.size(); ++i) {
    if (!some[i].contains("loss")) continue;
    ++step;
    if (step <= 4) {
      EXPECT_EQ(none[i]["loss"], some[i]["loss"]) << "it has not followed yet, step " << step;
    } else {
      EXPECT_NE(none[i]["loss"], some[i]["loss"]) << step;
    }
    if (step == 5) {
      EXPECT_LT(some[i]["margin"].get<double>(), 0.7 * none[i]["margin"].get<double>());
    }
  }
}

TEST_F(PreferenceRunTest, AReferenceThatFollowsIsPartOfTheCheckpoint) {
  TrainConfig c = preference_config(0);
  c.preference->sync_ref_model = true, c.preference->ref_model_sync_steps = 3;
  c.steps = 40, c.checkpoint.every_steps = 1;
  run("whole", c, 3);
  Random random(6);
  int kills = 0;
  for (bool finished = false; !finished && kills < 100; ++kills)
    finished = run_and_kill("killed", 5 + static_cast<int>(random.below(kills < 20 ? 100 : 2000)), c);
  EXPECT_GT(kills, 2);
  EXPECT_EQ(weights("whole"), weights("killed"));
  EXPECT_EQ(figures("whole"), figures("killed"));
  const fs::path newest = run_of("killed") / "checkpoints" / checkpoint_names("killed").back();
  ASSERT_TRUE(fs::exists(newest / "method.safetensors"));
  fs::remove_all(model_of("killed"));
  std::string bytes = read_file(newest / "method.safetensors");
  bytes.back() = static_cast<char>(bytes.back() ^ 1);
  write_file(newest / "method.safetensors", bytes);
  run("killed", c);
  EXPECT_THAT(warnings_, HasSubstr("method.safetensors: SHA-256 is"));
  EXPECT_EQ(weights("whole"), weights("killed")) << "from the one before";
}

TEST_F(PreferenceRunTest, TokensThatAreNotOfTheMethodAreRefused) {
  TrainConfig documents = preference_config(0), answers = config();
  documents.tokens = tokens_.directory().string();
  answers.tokens = pairs_.string();
  EXPECT_EQ(documents.tokens +
                ": holds documents or conversations, which are learnt from with method=next_token, distill; method=dpo "
                "learns from pairs "
                "of answers (maru data pack --preferences)",
            error_of("a", documents));
  EXPECT_THAT(error_of("b", answers),
              HasSubstr(answers.tokens + ": holds pairs of answers, which are learnt from with method=dpo"));
}

TEST_F(PreferenceRunTest, RecipesThatDoNotFitAreRefusedByField) {
  const TrainConfig c = preference_config(0);
  EXPECT_EQ("no error", resolve_error(c, [](TrainConfig&) {}));
  EXPECT_EQ("recipe: method is dpo: init_from is missing, the model that is tuned and the reference",
            resolve_error(c, [](TrainConfig& to) { to.init_from.clear(); }));
  EXPECT_EQ("recipe: micro_batch_tokens 48 is less than a pair of answers, 2 x sequence_length 32",
            resolve_error(c, [](TrainConfig& to) { to.micro_batch_tokens = to.batch_tokens = 48; }));
  EXPECT_EQ("recipe: preference: is of method dpo, method is next_token",
            resolve_error(c, [](TrainConfig& to) { to.method = "next_token", to.preference->beta = 0.2; }));
  EXPECT_THAT(resolve_error(c, [](TrainConfig& to) { to.preference->loss_type = {"exo_pair"}; }),
              HasSubstr("recipe: preference.label_smoothing: exo_pair takes its logarithm"));
  const LoraConfig small{.rank = 2};
  const auto with = [&](const std::function<void(PreferenceConfig&)>& set, bool lora = false) {
    return resolve_error(c, [&](TrainConfig& to) {
      set(*to.preference);
      if (lora) to.lora = small;
    });
  };
  EXPECT_EQ("recipe: preference.ref_model_mixup_alpha: is of sync_ref_model, which is false",
            with([](PreferenceConfig& p) { p.ref_model_mixup_alpha = 0.5; }));
  EXPECT_EQ("recipe: preference.ref_model_sync_steps: is of sync_ref_model, which is false",
            with([](PreferenceConfig& p) { p.ref_model_sync_steps = 5; }));
  EXPECT_THAT(with([](PreferenceConfig& p) { p.sync_ref_model = true, p.precompute_ref_log_probs = true; }),
              HasSubstr("preference.precompute_ref_log_probs: is of a reference that does not change"));
  EXPECT_THAT(with([](PreferenceConfig& p) { p.sync_ref_model = true; }, true),
              HasSubstr("preference.sync_ref_model: beside an adapter (lora) the reference is the model without it"));
  EXPECT_EQ("no error", with([](PreferenceConfig& p) { p.precompute_ref_log_probs = true; }, true));
  EXPECT_THAT(error_of("beta",
                       [&] {
                         TrainConfig other = c;
                         run("beta", c);
                         fs::remove_all(model_of("beta"));
                         other.preference->beta = 0.2;
                         return other;
                       }()),
              HasSubstr("was started with another preference.beta"));
}

TEST_F(PreferenceRunTest, EpochsAndMinutesAreTurnedIntoSteps) {
  TrainConfig c = preference_config(4);
  c.steps = 0, c.epochs = 2;
  const int64_t steps = run("epochs", c).steps;
  EXPECT_GT(steps, 2);
  EXPECT_LT(steps, 20) << "60 pairs of up to 38 tokens, 512 in a step";
  c.epochs = 0, c.minutes = 0.02;
  EXPECT_GE(run("minutes", c).steps, 1);
}

TEST_F(PreferenceRunTest, WhatIsLeftOutAndWhatIsNotHeldOutIsSaid) {
  const fs::path bare = tokens_.root() / "bare";
  write_test_pairs(bare, 30, 5, /*prompt=*/60, /*answer=*/4, /*with_held_out=*/false);
  TrainConfig c = preference_config(4);
  c.tokens = bare.string();
  c.steps = 2;
  const RunSummary summary = run("bare", c);
  EXPECT_TRUE(summary.validation.empty());
  EXPECT_THAT(warnings_, HasSubstr("pairs left out: sequence_length 32 holds no token of one of the answers"));
  EXPECT_THAT(warnings_, HasSubstr("bare: nothing is held out"));
  EXPECT_TRUE(ledger::read_manifest(model_of("bare")).notes["validation_accuracy"].is_null());
}

}  // namespace
}  // namespace maru::train
