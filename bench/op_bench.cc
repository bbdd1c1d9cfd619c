// Times every op of the case list that has a timed shape: the best of short runs, beside the machine's ceilings
// measured in the same run. More than 100 % of memory means that the arrays stay in a cache.
//
//   op_bench [--op rope] [--isa avx2] [--threads 1] [--seconds 0.3]
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <chrono>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/op_case.h"

namespace maru::kernels {
namespace {

struct Options {
  std::string op, isa = "auto";
  int threads = 0;
  double seconds = 0.3;  // per op
};

struct Ceilings {
  double f32, bf16, read;  // flops per second, bytes per second
};

Ceilings measure(CpuStream& stream) {
  const std::vector<std::byte> memory(size_t{256} << 20, std::byte{1});
  return {measure_flops<float>(stream), measure_flops<bfloat16>(stream),
          measure_read_bandwidth(stream, memory.data(), static_cast<int64_t>(memory.size()))};
}

double best_seconds(const std::function<void(OpStream)>& run, CpuStream& stream, double budget) {
  using Clock = std::chrono::steady_clock;
  double best = 1e9, spent = 0;
  for (int i = 0; i < 3 || spent < budget; ++i) {
    const auto start = Clock::now();
    run(&stream);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    best = std::min(best, seconds);
    spent += seconds;
  }
  return best;
}

void report(const OpCase& c, double seconds, const Ceilings& top) {
  const double flops = c.flops / seconds, bytes = c.bytes / seconds;
  std::cout << fmt::format("| {} | {} | {} | {:.3f} | {:.1f} | {:.0f} % | {:.1f} | {:.0f} % |\n", c.op, c.type, c.shape,
                           1e3 * seconds, 1e-9 * flops, 100 * flops / (c.type == "bf16" ? top.bf16 : top.f32),
                           1e-9 * bytes, 100 * bytes / top.read);
}

void run(const Options& options) {
  ThreadPool pool(options.threads);
  CpuStream stream{&pool, parse_isa(options.isa)};
  const Ceilings top = measure(stream);
  std::cout
      << fmt::format("{} threads, {}: f32 {:.0f} GFLOP/s, bf16 {:.0f} GFLOP/s, memory read {:.1f} GB/s\n\n",
                     pool.size(), name_of(stream.isa), 1e-9 * top.f32, 1e-9 * top.bf16, 1e-9 * top.read)
      << "| op | type | shape | ms | GFLOP/s | of ceiling | GB/s | of memory |\n|---|---|---|---|---|---|---|---|\n";
  for (const OpCase& c : all_op_cases())
    if (c.benchmark && (options.op.empty() || c.op == options.op))
      report(c, best_seconds(c.benchmark(), stream, options.seconds), top);
}

}  // namespace
}  // namespace maru::kernels

int main(int argc, char** argv) {
  maru::kernels::Options options;
  CLI::App app("Times kernels: forward and backward together");
  app.add_option("--op", options.op, "only this op");
  app.add_option("--isa", options.isa, "auto, scalar, avx2, avx512 or amx");
  app.add_option("--threads", options.threads, "0: one per core")->check(CLI::Range(0, 1024));
  app.add_option("--seconds", options.seconds, "per op")->check(CLI::Range(0.0, 3600.0));
  CLI11_PARSE(app, argc, argv);
  try {
    maru::kernels::run(options);
  } catch (const maru::Failure& failure) {
    std::cerr << "op_bench: " << failure.what() << "\n";
    return 1;
  }
}
