// What a user of a model waits for: time from start to the first token, then prefill and decode, one sequence and many
// together, and the memory of it all. One line of JSON; bench/infer/compare.py runs it beside llama.cpp.
// Usage: infer_step MODEL THREADS [SECONDS]     (MODEL: a directory or a GGUF file; 0 seconds: the first token only)
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/random.h"
#include "infer/loaded_model.h"
#include "kernels/ceiling/ceiling.h"
#include "tensor/cpu_device.h"
#include "tensor/host_buffer.h"

namespace maru::infer {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int64_t kPrefill = 512, kDecodeAfter = 128, kDecoded = 32, kTogether = 16;

double since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

std::vector<int32_t> random_tokens(int64_t count, int64_t vocab_size) {
  Random random(7);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& t : tokens) t = static_cast<int32_t>(random.below(static_cast<uint64_t>(vocab_size)));
  return tokens;
}

/// Sequences that grow side by side, each in pages of its own.
class Sequences {
 public:
  Sequences(StepModel& model, int64_t count, int64_t longest) : model_(model) {
    const int64_t each = (longest + model.page_tokens() - 1) / model.page_tokens();
    pages_.resize(static_cast<size_t>(count));
    for (int64_t i = 0; i < count * each; ++i) pages_[static_cast<size_t>(i / each)].push_back(static_cast<PageId>(i));
  }
  /// One step: these tokens behind what every sequence has, and the most likely next token of the last sequence.
  int32_t run(std::span<const int32_t> tokens) {
    std::vector<StepSequence> step;
    for (const auto& pages : pages_)
      step.push_back({.tokens = tokens,
                      .past = past_,
                      .pages = pages,
                      .first_logits_row = static_cast<int64_t>(tokens.size()) - 1});
    int32_t best = 0;
    model_.run(step, [&](const LogitsRow& row) {
      if (row.sequence + 1 != pages_.size()) return;
      best = static_cast<int32_t>(std::max_element(row.logits.begin(), row.logits.end()) - row.logits.begin());
    });
    past_ += static_cast<int64_t>(tokens.size());
    return best;
  }

 private:
  StepModel& model_;
  std::vector<std::vector<PageId>> pages_;
  int64_t past_ = 0;
};

/// The best of several runs of `work`, which returns the seconds that count.
template <class F>
double best_of(double budget, F&& work) {
  double best = 1e30;
  const Clock::time_point start = Clock::now();
  for (int i = 0; i < 2 || since(start) < budget; ++i) best = std::min(best, work());
  return best;
}

double prefill_seconds(StepModel& model) {
  const std::vector<int32_t> prompt = random_tokens(kPrefill, model.vocab_size());
  Sequences sequence(model, 1, kPrefill);
  const Clock::time_point start = Clock::now();
  sequence.run(prompt);
  return since(start);
}

double decode_seconds(StepModel& model, int64_t together) {
  const std::vector<int32_t> prompt = random_tokens(kDecodeAfter, model.vocab_size());
  Sequences sequences(model, together, kDecodeAfter + kDecoded);
  int32_t token = sequences.run(prompt);
  const Clock::time_point start = Clock::now();
  for (int64_t i = 0; i < kDecoded; ++i) token = sequences.run({&token, 1});
  return since(start);
}

/// Of this process alone: getrusage would count what the parent had when it forked.
int64_t peak_rss_mib() {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("VmHWM:")) return std::stoll(line.substr(6)) / 1024;
  throw Failure(ErrorCode::kUnimplemented, "/proc/self/status: VmHWM is missing");
}

Json measure(const std::string& path, int threads, double seconds, Clock::time_point start) {
  const int64_t before = peak_rss_mib();
  ThreadPool pool(threads);
  CpuStream stream{&pool, parse_isa("auto")};
  CpuDevice device(&pool, stream.isa);
  LoadedModel loaded(path, device, {.cache_bytes = int64_t{1} << 30, .max_sequences = kTogether});
  StepModel& model = loaded.runner();
  Sequences(model, 1, 8).run(random_tokens(8, model.vocab_size()));
  Json result{{"first_token_seconds", since(start)}, {"first_token_rss_mib", peak_rss_mib() - before}};
  if (seconds == 0) return result;
  result["prefill"] = kPrefill / best_of(seconds, [&] { return prefill_seconds(model); });
  result["decode"] = kDecoded / best_of(seconds, [&] { return decode_seconds(model, 1); });
  result["peak_rss_mib"] = peak_rss_mib() - before;
  result["together"] = kTogether * kDecoded / best_of(seconds, [&] { return decode_seconds(model, kTogether); });
  HostBuffer memory(size_t{256} << 20);
  std::memset(memory.data(), 1, memory.size());
  result["read_bytes"] = kernels::measure_read_bandwidth(stream, memory.data(), static_cast<int64_t>(memory.size()));
  result["int8_ops"] = kernels::measure_int8_ops(stream);
  result["bf16_flops"] = kernels::measure_flops<bfloat16>(stream);
  const DecoderConfig& config = loaded.decoder().config();
  result["multiplied"] = count_matmul_parameters(config);
  result["head"] = config.vocab_size * config.hidden_size;
  return result;
}

}  // namespace
}  // namespace maru::infer

int main(int argc, char** argv) {
  const auto start = std::chrono::steady_clock::now();
  if (argc < 3) {
    std::fprintf(stderr, "usage: infer_step MODEL THREADS [SECONDS]\n");
    return 2;
  }
  try {
    const maru::Json result =
        maru::infer::measure(argv[1], std::stoi(argv[2]), argc > 3 ? std::stod(argv[3]) : 3, start);
    std::puts(result.dump().c_str());
  } catch (const maru::Failure& failure) {
    std::fprintf(stderr, "%s\n", failure.what());
    return 1;
  }
}
