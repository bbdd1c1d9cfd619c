// For train_reference_test.py: trains a small model for some steps and writes everything PyTorch needs to repeat them:
//   OUT/init/           the model before the first step
//   OUT/trained/        the model after the last; of variants with "lora": the adapter, as OUT/init_adapter before
//   OUT/steps.json      [{"loss", "gradient_norm", "lr", "sequences": [[token…]…], "targets": [[…]…]}]
//   OUT/greedy.json     {"prompt", "continuation", "logits": of the last position of the prompt}
// Usage: train_tool OUT STEPS VARIANT    (VARIANT: llama, qwen3, untied, lora, rslora, dora, lora_phi3,
//        lora_saved, lora_saved_tied)
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "models/adapter_files.h"
#include "models/model_files.h"
#include "models/weights.h"
#include "ops/embedding.h"
#include "tensor/cpu_device.h"
#include "train/objectives/next_token.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

constexpr int64_t kVocabulary = 96;

TrainConfig config_of(const std::string& variant, int64_t steps) {
  TrainConfig c;
  c.model = maru::resolve({.vocab_size = kVocabulary,
                           .hidden_size = 64,
                           .intermediate_size = 160,
                           .num_hidden_layers = 3,
                           .num_attention_heads = 4,
                           .num_key_value_heads = 2,
                           .max_position_embeddings = 256,
                           .initializer_range = 0.08,
                           .tie_word_embeddings = variant != "untied" && variant != "lora_saved",
                           .qk_norm = variant == "qwen3"});
  c.dtype = "f32";
  c.sequence_length = 64;
  c.batch_tokens = c.micro_batch_tokens = 512;
  c.steps = steps;
  c.optimizer.lr = 3e-3;
  if (variant.find("lora") == std::string::npos && variant != "dora") return c;
  c.optimizer.lr = 1e-2;
  c.lora = LoraConfig{.rank = 4, .alpha = 6, .use_rslora = variant == "rslora"};
  if (variant == "dora") c.lora->use_dora = true;
  if (variant == "rslora") c.lora->target_modules = {"q_proj", "v_proj", "down_proj"};
  if (variant == "lora_saved") c.lora->modules_to_save = {"embed_tokens", "lm_head"};
  if (variant == "lora_saved_tied") c.lora->modules_to_save = {"embed_tokens"};
  if (variant == "lora_phi3") c.model.architecture = "Phi3ForCausalLM";
  return c;
}

// Documents of random length over a small grammar, so that there is something to learn.
void fill_batch(MicroBatch& batch, Random& random) {
  batch.builder.clear();
  batch.targets.clear();
  batch.counted = 0;
  while (batch.builder.num_tokens() < 400) {
    std::vector<int32_t> tokens{static_cast<int32_t>(random.below(kVocabulary))};
    const uint64_t size = 2 + random.below(60);
    for (uint64_t i = 0; i < size; ++i)
      tokens.push_back(random.below(4) == 0 ? static_cast<int32_t>(random.below(kVocabulary))
                                            : (tokens.back() * 5 + 7) % static_cast<int32_t>(kVocabulary));
    for (size_t i = 1; i < tokens.size(); ++i) batch.targets.push_back(random.below(9) == 0 ? -1 : tokens[i]);
    tokens.pop_back();
    batch.builder.add(tokens);
  }
  for (int32_t target : batch.targets) batch.counted += target >= 0;
}

Json record_of(MicroBatch& batch, const StepResult& result, double lr) {
  Json sequences = Json::array(), targets = Json::array();
  for (const Batch::Sequence& s : batch.builder.sequences()) {
    const int32_t* tokens = batch.builder.tokens().data() + s.first_row;
    sequences.push_back(std::vector<int32_t>(tokens, tokens + s.rows));
    targets.push_back(
        std::vector<int32_t>(batch.targets.begin() + s.first_row, batch.targets.begin() + s.first_row + s.rows));
  }
  return {{"loss", result.loss},
          {"gradient_norm", result.gradient_norm},
          {"lr", lr},
          {"sequences", sequences},
          {"targets", targets}};
}

std::vector<float> last_logits(StepMemory& memory, Decoder& model, const std::vector<int32_t>& tokens) {
  std::vector<float> values;
  memory.run([&](Context& ctx) {
    BatchBuilder builder;
    builder.add(tokens);
    int32_t last = static_cast<int32_t>(tokens.size()) - 1;
    const Tensor row = ctx.upload(&last, {1, 1}, Dtype::kI32);
    const Tensor logits = model.logits(ctx, gather_rows(ctx, model.forward(ctx, builder.batch(ctx)), row));
    if (!ctx.arena.dry()) values.assign(logits.data<float>(), logits.data<float>() + logits.size());
  });
  return values;
}

Json greedy(StepMemory& memory, Decoder& model) {
  std::vector<int32_t> tokens{3, 22, 21, 16, 87, 58, 9};
  const Json prompt = tokens, logits = last_logits(memory, model, tokens);
  Json continuation = Json::array();
  for (int i = 0; i < 64; ++i) {
    const std::vector<float> row = last_logits(memory, model, tokens);
    tokens.push_back(static_cast<int32_t>(std::max_element(row.begin(), row.end()) - row.begin()));
    continuation.push_back(tokens.back());
  }
  return {{"prompt", prompt}, {"continuation", continuation}, {"logits", logits}};
}

int run(const fs::path& out, int64_t steps, const std::string& variant) {
  const TrainConfig config = config_of(variant, steps);
  ThreadPool pool(2);
  CpuDevice device{&pool};
  Decoder model(config.model, Dtype::kF32);
  allocate_values(model);
  initialise(model, 1);
  model.save(out / "init");
  const bool lora = config.lora.has_value();
  const auto adapter = lora ? std::make_unique<Adapter>(device, model, *config.lora, 5) : nullptr;
  if (lora) save_adapter(model, *adapter, *config.lora, "init", out / "init_adapter");
  NextToken objective = lora ? NextToken(model, *adapter) : NextToken(model);
  Trainer trainer(objective, config, device);
  Random random(2);
  Json records = Json::array();
  std::vector<MicroBatch> batch(1);
  for (int64_t step = 1; step <= steps; ++step) {
    fill_batch(batch[0], random);
    const StepResult result = trainer.step(batch, step, steps);
    records.push_back(
        record_of(batch[0], result, config.optimizer.lr * schedule_factor(config.schedule, step - 1, steps)));
  }
  if (lora)
    save_adapter(model, *adapter, *config.lora, "init", out / "trained");
  else
    model.save(out / "trained");
  write_json(out / "steps.json", records);
  StepMemory memory = trainer.memory();
  if (lora) memory.adapters = &adapter->everywhere();
  write_json(out / "greedy.json", greedy(memory, model));
  return 0;
}

}  // namespace
}  // namespace maru::train

int main(int argc, char** argv) {
  if (argc != 4) return std::fputs("usage: train_tool OUT STEPS VARIANT\n", stderr), 2;
  try {
    return maru::train::run(argv[1], std::stoll(argv[2]), argv[3]);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
