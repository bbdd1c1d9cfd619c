// What choosing one token costs, on one thread, by what is asked for: microseconds a token over logits that are as
// peaked as a language model's, and over flat ones.  sampler_bench [VOCAB]
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "base/random.h"
#include "infer/sampler.h"

namespace maru::infer {
namespace {

using Clock = std::chrono::steady_clock;

std::vector<float> logits_of(int64_t vocab, double spread) {
  Random random(7);
  std::vector<float> logits(static_cast<size_t>(vocab));
  for (float& x : logits) x = static_cast<float>(spread * random.normal());
  return logits;
}

double microseconds(const SamplingOptions& options, const std::vector<float>& logits) {
  constexpr int kTokens = 200;
  SamplerScratch scratch(static_cast<int64_t>(logits.size()));
  Sampler sampler(options, 1, {});
  sampler.sample(logits, scratch);
  const Clock::time_point begin = Clock::now();
  for (int i = 0; i < kTokens; ++i) sampler.sample(logits, scratch);
  return std::chrono::duration<double, std::micro>(Clock::now() - begin).count() / kTokens;
}

void print(long vocab) {
  const std::pair<const char*, SamplingOptions> kCases[] = {{"greedy", {.temperature = 0}},
                                                            {"temperature", {}},
                                                            {"top_p 0.9", {.top_p = 0.9}},
                                                            {"top_k 50", {.top_k = 50}},
                                                            {"top_k 50, top_p 0.9", {.top_k = 50, .top_p = 0.9}},
                                                            {"min_p 0.05", {.min_p = 0.05}},
                                                            {"penalties", {.presence_penalty = 1}},
                                                            {"top_logprobs 5", {.top_logprobs = 5}}};
  const std::vector<float> peaked = logits_of(vocab, 3), flat = logits_of(vocab, 0.5);
  std::printf("%-22s %10s %10s   (microseconds a token, %ld ids)\n", "", "peaked", "flat", vocab);
  for (const auto& [name, options] : kCases)
    std::printf("%-22s %10.0f %10.0f\n", name, microseconds(options, peaked), microseconds(options, flat));
}

}  // namespace
}  // namespace maru::infer

int main(int argc, char** argv) { maru::infer::print(argc > 1 ? std::atol(argv[1]) : 152'000); }
