// Training throughput of fixed model sizes: tokens per second, MFU against the ceiling measured in the same run, and
// the memory of a step. One line of JSON per configuration; bench/train/compare.py runs it beside PyTorch.
// Usage: train_step SIZE DTYPE THREADS [SECONDS]     (SIZE: 10m, 30m, 100m)
#include <fmt/format.h>
#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <string>

#include "base/json.h"
#include "base/random.h"
#include "kernels/ceiling/ceiling.h"
#include "models/weights.h"
#include "tensor/cpu_device.h"
#include "train/objectives/next_token.h"
#include "train/trainer.h"

namespace maru::train {
namespace {

using Clock = std::chrono::steady_clock;

struct Size {
  const char* name;
  DecoderConfig model;
  int64_t micro_batch_tokens;
};

const std::vector<Size>& sizes() {
  static const std::vector<Size> kSizes{{"10m",
                                         {.vocab_size = 8192,
                                          .hidden_size = 320,
                                          .intermediate_size = 864,
                                          .num_hidden_layers = 6,
                                          .num_attention_heads = 5,
                                          .num_key_value_heads = 5},
                                         8192},
                                        {"30m",
                                         {.vocab_size = 16384,
                                          .hidden_size = 512,
                                          .intermediate_size = 1408,
                                          .num_hidden_layers = 7,
                                          .num_attention_heads = 8,
                                          .num_key_value_heads = 8},
                                         8192},
                                        {"100m",
                                         {.vocab_size = 32000,
                                          .hidden_size = 768,
                                          .intermediate_size = 2048,
                                          .num_hidden_layers = 11,
                                          .num_attention_heads = 12,
                                          .num_key_value_heads = 12},
                                         4096}};
  return kSizes;
}

constexpr int64_t kSequence = 512;

MicroBatch random_batch(const Size& size, Random& random) {
  MicroBatch batch;
  for (int64_t at = 0; at < size.micro_batch_tokens; at += kSequence) {
    std::vector<int32_t> tokens(kSequence);
    for (int32_t& t : tokens) t = static_cast<int32_t>(random.below(static_cast<uint64_t>(size.model.vocab_size)));
    batch.builder.add(tokens);
    for (int64_t i = 0; i < kSequence; ++i)
      batch.targets.push_back(static_cast<int32_t>(random.below(static_cast<uint64_t>(size.model.vocab_size))));
  }
  batch.counted = size.micro_batch_tokens;
  return batch;
}

double ceiling_of(CpuStream& stream, bool bf16) {
  return bf16 ? kernels::measure_flops<bfloat16>(stream) : kernels::measure_flops<float>(stream);
}

int run(const Size& size, const std::string& dtype, int threads, double seconds) {
  TrainConfig config;
  config.model = maru::resolve(size.model);
  config.dtype = dtype;
  config.sequence_length = kSequence;
  config.batch_tokens = config.micro_batch_tokens = size.micro_batch_tokens;
  config.steps = 1000;
  ThreadPool pool(threads);
  CpuStream cpu{&pool};
  CpuDevice device(&pool);
  Decoder model(config.model, parse_dtype(dtype));
  allocate_values(model);
  initialise(model, 1);
  NextToken objective(model);
  Trainer trainer(objective, config, device);
  Random random(1);
  std::vector<MicroBatch> batch;
  batch.push_back(random_batch(size, random));
  trainer.step(batch, 1, config.steps);
  double best = 1e30, total = 0;
  int64_t step = 2;
  for (; total < seconds || step < 4; ++step) {
    const auto start = Clock::now();
    trainer.step(batch, step, config.steps);
    const double elapsed = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, elapsed);
    total += elapsed;
  }
  const double tokens = static_cast<double>(size.micro_batch_tokens), ceiling = ceiling_of(cpu, dtype == "bf16");
  const double mean = tokens * static_cast<double>(step - 2) / total;
  rusage usage{};
  ::getrusage(RUSAGE_SELF, &usage);
  const Json row{{"size", size.name},
                 {"parameters", count_parameters(config.model)},
                 {"dtype", dtype},
                 {"threads", threads},
                 {"tokens_per_second", mean},
                 {"best_tokens_per_second", tokens / best},
                 {"ceiling_gflops", ceiling / 1e9},
                 {"best_mfu", tokens / best * training_flops_per_token(config.model, kSequence) / ceiling},
                 {"peak_rss_mib", usage.ru_maxrss / 1024}};
  std::fputs((row.dump() + "\n").c_str(), stdout);
  return 0;
}

}  // namespace
}  // namespace maru::train

int main(int argc, char** argv) {
  if (argc < 4) return std::fputs("usage: train_step 10m|30m|100m bf16|f32 THREADS [SECONDS]\n", stderr), 2;
  for (const auto& size : maru::train::sizes())
    if (size.name == std::string(argv[1]))
      return maru::train::run(size, argv[2], std::stoi(argv[3]), argc > 4 ? std::stod(argv[4]) : 10);
  return std::fputs("unknown size\n", stderr), 2;
}
