// For reward_reference_test.py: trains a small reward model for some steps and says what it scores.
//   OUT/base/       the decoder that it starts from
//   OUT/trained/    the reward model, or with "lora": the adapter and its score
//   OUT/scores.json {"sequences": [[token…]…], "scores": [number…]}
// Usage: reward_tool OUT ARCHITECTURE [lora]
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "models/adapter_files.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/reward.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

constexpr int32_t kVocabulary = 96, kPad = 0;

DecoderConfig config_of(const std::string& architecture) {
  DecoderConfig c{.vocab_size = kVocabulary,
                  .hidden_size = 64,
                  .intermediate_size = 160,
                  .num_hidden_layers = 3,
                  .num_attention_heads = 4,
                  .num_key_value_heads = 4,
                  .max_position_embeddings = 128,
                  .initializer_range = 0.08};
  c.architecture = architecture;
  if (architecture.starts_with("Qwen3")) c.qk_norm = true;
  if (architecture.starts_with("Qwen2")) c.attention_bias = true;
  if (architecture.starts_with("GPT2"))
    c.norm_type = "layer_norm", c.learned_positions = c.attention_bias = c.attention_output_bias = c.mlp_bias = true,
    c.hidden_act = "gelu_pytorch_tanh";
  return maru::resolve(c);
}

// Of an answer that goes up in steps of one, or of seven. No token is that of padding.
std::vector<int32_t> answer(Random& random, int32_t stride) {
  std::vector<int32_t> tokens{1 + static_cast<int32_t>(random.below(kVocabulary - 1))};
  for (uint64_t i = 2 + random.below(20); i > 0; --i)
    tokens.push_back(1 + (tokens.back() + stride) % (kVocabulary - 1));
  return tokens;
}

MicroBatch pairs(Random& random) {
  MicroBatch batch;
  for (; batch.counted < 8; ++batch.counted)
    for (const int32_t stride : {1, 7}) batch.builder.add(answer(random, stride));
  batch.targets.assign(static_cast<size_t>(batch.builder.num_tokens()), -1);
  return batch;
}

int run(const fs::path& out, const std::string& architecture, bool lora) {
  TrainConfig c;
  c.model = config_of(architecture), c.dtype = "f32";
  c.sequence_length = 32, c.micro_batch_tokens = c.batch_tokens = 512;
  c.optimizer.lr = lora ? 1e-2 : 2e-3;
  if (lora) c.lora = LoraConfig{.rank = 4, .alpha = 6};
  ThreadPool pool(2);
  CpuDevice device{&pool};
  Decoder decoder(c.model, Dtype::kF32);
  allocate_values(decoder);
  initialise(decoder, 1);
  decoder.save(out / "base");
  RewardModel model(decoder);
  model.initialise_score(3);
  model.pad_token_id = kPad;
  const auto adapter = lora ? std::make_unique<Adapter>(device, decoder, *c.lora, 5) : nullptr;
  Reward objective(model, adapter.get(), {.center_rewards_coefficient = 0.01});
  Trainer trainer(objective, c, device);
  Random random(2);
  for (int64_t step = 1; step <= 30; ++step) {
    std::vector<MicroBatch> batches{pairs(random)};
    trainer.step(batches, step, 30);
  }
  if (lora)
    save_adapter(decoder, *adapter, *c.lora, (out / "base").string(), out / "trained", &model.score());
  else
    model.save(out / "trained");
  std::vector<std::vector<int32_t>> texts;
  for (int i = 0; i < 12; ++i) texts.push_back(answer(random, i % 2 == 0 ? 1 : 7));
  StepMemory memory = trainer.memory();
  if (lora) memory.adapters = &adapter->everywhere();
  write_json(out / "scores.json", {{"sequences", texts}, {"scores", scores_of(memory, model, texts)}});
  return 0;
}

}  // namespace
}  // namespace maru::train

int main(int argc, char** argv) {
  if (argc < 3) return std::fputs("usage: reward_tool OUT ARCHITECTURE [lora]\n", stderr), 2;
  try {
    return maru::train::run(argv[1], argv[2], argc > 3);
  } catch (const std::exception& e) {
    return std::fprintf(stderr, "%s\n", e.what()), 1;
  }
}
