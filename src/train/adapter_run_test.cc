// Runs that train an adapter: the model stays as it is, quantized or not; resume, lineage, refusals.
#include <gtest/gtest.h>

#include "base/random.h"
#include "ledger/artefact_writer.h"
#include "ledger/verify.h"
#include "models/adapter.h"
#include "models/model_files.h"
#include "models/quantize.h"
#include "models/quantized_files.h"
#include "train/test_run.h"
#include "train/validate.h"

namespace maru::train {
namespace {

class AdapterRunTest : public RunTest {
 protected:
  /// An adapter of the finished run `base`.
  TrainConfig adapter_config() const {
    TrainConfig c = config();
    c.init_from = model_of("base").string();
    c.lora = LoraConfig{.rank = 4, .alpha = 8};
    c.steps = 16;
    return c;
  }
};

TEST_F(AdapterRunTest, TrainsAnAdapterBesideAModel) {
  run("base", config());
  const std::string before = weights("base");
  const TrainConfig c = adapter_config();
  const RunSummary summary = run("lora", c);
  EXPECT_EQ(before, weights("base"));
  EXPECT_FALSE(fs::exists(model_of("lora") / "model.safetensors"));
  const auto model = load_model(model_of("base"), parse_dtype(c.dtype));
  ThreadPool pool(2);
  CpuDevice device{&pool};
  Adapter adapter(device, *model, model_of("lora"));
  EXPECT_EQ(4 * 2 * (64 + 48 + 48 + 64 + 3 * 96), summary.parameters) << "rank x layers x (in + out)";
  const auto bits = [&](const AdapterRuns* adapters) {
    StepMemory memory(device);
    memory.adapters = adapters;
    const formats::TokenDataset held_out(c.tokens, "held_out");
    return *validate(memory, *model, held_out, c.sequence_length, c.micro_batch_tokens, c.validation.tokens)
                .bits_per_byte();
  };
  EXPECT_DOUBLE_EQ(summary.validation.at("bits_per_byte"), bits(&adapter.everywhere())) << "as it was measured";
  EXPECT_LT(bits(&adapter.everywhere()), bits(nullptr)) << "it has learnt more than its model";
  const ledger::Manifest manifest = ledger::read_manifest(model_of("lora"));
  EXPECT_EQ("adapter", manifest.kind);
  EXPECT_TRUE(ledger::verify(model_of("lora")).ok());
  EXPECT_TRUE(run("lora", c).skipped);
}

TEST_F(AdapterRunTest, TokenTablesAreTrainedWholeBesideIt) {
  run("base", config());
  const std::string before = weights("base");
  TrainConfig c = adapter_config();
  c.lora->modules_to_save = {"embed_tokens", "lm_head"};
  c.steps = 60;
  const RunSummary summary = run("saved", c);
  EXPECT_EQ(before, weights("base"));
  EXPECT_EQ(4 * 2 * (64 + 48 + 48 + 64 + 3 * 96) + 2 * 64 * 32, summary.parameters) << "with both tables";
  const auto model = load_model(model_of("base"), parse_dtype(c.dtype));
  ThreadPool pool(2);
  CpuDevice device{&pool};
  Adapter adapter(device, *model, model_of("saved"));
  StepMemory memory(device);
  memory.adapters = &adapter.everywhere();
  const formats::TokenDataset held_out(c.tokens, "held_out");
  EXPECT_DOUBLE_EQ(summary.validation.at("bits_per_byte"),
                   *validate(memory, *model, held_out, c.sequence_length, c.micro_batch_tokens, c.validation.tokens)
                        .bits_per_byte());
  Random random(5);
  int kills = 0;
  for (bool finished = false; !finished && kills < 100; ++kills)
    finished = run_and_kill("killed", 10 + static_cast<int>(random.below(kills < 20 ? 60 : 2000)), c);
  EXPECT_GT(kills, 2);
  EXPECT_EQ(read_file(model_of("saved") / "adapter_model.safetensors"),
            read_file(model_of("killed") / "adapter_model.safetensors"));
  c.method = "reward", c.lora->modules_to_save = {"lm_head"};
  try {
    resolve(c, TestTokens::kVocabulary);
    FAIL();
  } catch (const Failure& e) {
    EXPECT_EQ("recipe: lora.modules_to_save: lm_head: a model of method reward has no head", e.error().message);
  }
}

TEST_F(AdapterRunTest, TrainsAnAdapterBesideQuantizedWeights) {
  run("base", config());
  ThreadPool pool(2);
  CpuDevice device{&pool};
  TrainConfig c = adapter_config();
  for (const QuantizedKind kind : {QuantizedKind::kInt8, QuantizedKind::kInt4}) {
    const std::string base = kind == QuantizedKind::kInt8 ? "int8" : "int4";
    const auto model = load_model(model_of("base"), parse_dtype(c.dtype));
    quantize_weights(device, *model, kind);
    ledger::ArtefactWriter writer(model_of(base));
    model->save(writer.directory());
    Json files = read_json(writer.directory() / "config.json");
    files["quantization_config"] = quantization_json(kind, QuantizedKind::kInt8, "none");
    write_json(writer.directory() / "config.json", files);
    ledger::Manifest manifest;
    manifest.kind = "model", manifest.name = base;
    writer.commit(std::move(manifest));
    const std::string before = weights(base);
    c.init_from = model_of(base).string();
    run(base + "-lora", c);
    EXPECT_EQ(before, weights(base));
    const std::string rows = figures(base + "-lora");
    const auto bits = [&](size_t at) { return std::stod(rows.substr(rows.find("bits_per_byte\":", at) + 15)); };
    EXPECT_LT(bits(rows.rfind("bits_per_byte")), bits(0)) << "it learns";
  }
}

TEST_F(AdapterRunTest, AnAdaptersRunThatIsKilledEndsWithTheSameBits) {
  run("base", config());
  const auto file = [&](const char* name) { return read_file(model_of(name) / "adapter_model.safetensors"); };
  TrainConfig c = adapter_config();
  c.steps = 60;
  run("whole", c, 3);
  Random random(6);
  int kills = 0;
  for (bool finished = false; !finished && kills < 100; ++kills)
    finished = run_and_kill("killed", 5 + static_cast<int>(random.below(kills < 20 ? 60 : 2000)), c);
  EXPECT_GT(kills, 2);
  EXPECT_EQ(file("whole"), file("killed"));
}

TEST_F(AdapterRunTest, AnAdapterNeedsAModel) {
  TrainConfig c = adapter_config();
  c.init_from.clear();
  try {
    resolve(c, TestTokens::kVocabulary);
    ADD_FAILURE();
  } catch (const Failure& e) {
    EXPECT_NE(std::string(e.what()).find("lora: init_from is missing"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace maru::train
