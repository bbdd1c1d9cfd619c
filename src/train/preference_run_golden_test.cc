// Losses of the steps of whole runs against those of TRL's own trainer, whose reference stays, is precomputed or
// follows: tests/golden/preference_run.json, which tests/reference/make_preference_run_golden.py writes.
#include "models/model_files.h"
#include "train/objectives/test_golden.h"
#include "train/test_run.h"

namespace maru::train {
namespace {

class PreferenceRunGolden : public RunTest {
 protected:
  /// Pairs as documents, the chosen answer first. Returns their tokens.
  int64_t write_pairs(const Json& pairs, uint32_t vocabulary) const {
    ledger::ArtefactWriter artefact(pairs_);
    formats::TokenDatasetWriter writer(artefact.directory(), vocabulary, true);
    int64_t all = 0;
    writer.begin_split("train");
    for (const Json& pair : pairs)
      for (const char* side : {"chosen", "rejected"}) {
        auto tokens = pair["prompt"].get<std::vector<int32_t>>();
        std::vector<uint8_t> mask(tokens.size());
        for (const Json& token : pair[side]) tokens.push_back(token.get<int32_t>()), mask.push_back(1);
        writer.add(tokens, 10, mask);
        all += std::ssize(tokens);
      }
    writer.begin_split("held_out");
    writer.finish();
    ledger::Manifest manifest;
    manifest.kind = "tokens", manifest.name = "pairs";
    manifest.notes = {{"pairs", writer.num_documents() / 2}};
    artefact.commit(manifest);
    return all;
  }
  /// The golden model as an artefact.
  void write_model() const {
    ledger::ArtefactWriter artefact(model_of("llama"));
    for (const char* file : {"config.json", "model.safetensors"})
      fs::copy_file(fs::path("tests/golden/models/llama") / file, artefact.directory() / file);
    ledger::Manifest manifest;
    manifest.kind = "model", manifest.name = "llama";
    artefact.commit(manifest);
  }
  TrainConfig as_trl(const Json& golden, int64_t tokens) const {
    TrainConfig c;
    c.name = "m", c.method = "dpo", c.tokens = pairs_.string(), c.init_from = model_of("llama").string();
    c.model = load_model(c.init_from, Dtype::kF32)->config();
    c.dtype = "f32", c.sequence_length = 32;
    c.batch_tokens = c.micro_batch_tokens = tokens;  // all pairs in each step
    c.optimizer = {.lr = golden["rate"].get<double>(), .beta2 = 0.999, .weight_decay = 0, .clip = 0};
    c.schedule = {.name = "constant", .warmup_steps = 0};
    c.checkpoint = {.every_steps = 2, .every_minutes = 0, .keep = 1};
    return c;
  }
  std::vector<double> losses_of(const std::string& name) const {
    std::vector<double> losses;
    std::istringstream rows(read_file(run_of(name) / "metrics.jsonl"));
    for (std::string line; std::getline(rows, line);)
      if (const Json row = parse_json(line, "metrics").value(); row.contains("loss"))
        losses.push_back(row["loss"].get<double>());
    return losses;
  }
  const fs::path pairs_ = tokens_.root() / "golden_pairs";
};

TEST_F(PreferenceRunGolden, LossesOfEachStepAreTrls) {
  const Json golden = read_json("tests/golden/preference_run.json");
  const int64_t tokens = write_pairs(golden["pairs"], 96);
  ASSERT_EQ(6u, golden["cases"].size());
  write_model();
  for (const Json& expected : golden["cases"]) {
    const std::string name = std::to_string(&expected - &golden["cases"].front());
    TrainConfig c = as_trl(golden, tokens);
    c.preference = from_json<PreferenceConfig>(expected["preference"], "golden");
    c.steps = std::ssize(expected["losses"]);
    run(name, resolve(c, 96));
    const std::vector<double> losses = losses_of(name);
    ASSERT_EQ(expected["losses"].size(), losses.size());
    for (size_t i = 0; i < losses.size(); ++i) {
      const auto value = expected["losses"][i].get<double>();
      EXPECT_NEAR(value, losses[i], kClose * value) << expected["preference"] << " step " << i + 1;
    }
  }
}

}  // namespace
}  // namespace maru::train
