// Times the matrix products of whole models with quantized weights: every matrix once, in the order of a forward pass,
// so that a model larger than the caches is read from memory as in decoding. Beside the ceilings measured just before.
//
//   quantized_bench [--models 0.1,0.5,1.5] [--kinds int4,int8,q4_0,q8_0] [--rows 1,2,4,8,16,64,512] [--isa avx2]
//   [--threads 2] [--seconds 0.5] [--cpu-time]
//
// q4_0 and q8_0 are int4 and int8 in rows of blocks.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/quantized_matmul/quantized_matmul.h"
#include "tensor/arena.h"
#include "tensor/host_buffer.h"
#include "timer.h"

namespace maru::kernels {
namespace {

struct Options {
  std::vector<std::string> models = {"0.1", "0.5", "1.5"}, kinds = {"int4", "int8", "q4_0", "q8_0"};
  std::vector<int64_t> rows = {1, 2, 4, 8, 16, 64, 512};
  std::string isa = "auto";
  int threads = 0;
  double seconds = 0.5;   // per line
  bool cpu_time = false;  // on a machine that others use
};

struct Model {
  int64_t layers, hidden, heads, kv_heads, mlp, vocabulary;
};

Model model_of(const std::string& name) {
  if (name == "0.1") return {12, 768, 12, 12, 2048, 32000};
  if (name == "0.5") return {24, 1024, 16, 8, 2816, 65536};
  if (name == "1.5") return {24, 2048, 16, 8, 7168, 65536};
  throw Failure(ErrorCode::kInvalidArgument, "--models: expected 0.1, 0.5 or 1.5, got \"" + name + "\"");
}

struct MatrixShape {
  int64_t n, k;
};

std::vector<MatrixShape> matrices_of(const Model& m) {
  const int64_t head_dim = m.hidden / m.heads, kv = m.kv_heads * head_dim;
  std::vector<MatrixShape> list;
  for (int64_t i = 0; i < m.layers; ++i)
    for (MatrixShape s : {MatrixShape{m.hidden, m.hidden},
                          {kv, m.hidden},
                          {kv, m.hidden},
                          {m.hidden, m.hidden},
                          {m.mlp, m.hidden},
                          {m.mlp, m.hidden},
                          {m.hidden, m.mlp}})
      list.push_back(s);
  list.push_back({m.vocabulary, m.hidden});
  return list;
}

struct Kind {
  QuantizedKind kind;
  QuantizedLayout layout;
  int64_t quads_bytes(const MatrixShape& s) const {
    return layout == QuantizedLayout::kBlocks ? quantized_blocks_bytes(kind, s.n, s.k)
                                              : quantized_quads_bytes(kind, s.n, s.k);
  }
  int64_t scales_bytes(const MatrixShape& s) const {
    return layout == QuantizedLayout::kBlocks ? 0 : quantized_scales_bytes(s.n, s.k);
  }
};

Kind kind_of(const std::string& name) {
  if (name == "int4") return {QuantizedKind::kInt4, QuantizedLayout::kPanels};
  if (name == "int8") return {QuantizedKind::kInt8, QuantizedLayout::kPanels};
  if (name == "q4_0") return {QuantizedKind::kInt4, QuantizedLayout::kBlocks};
  if (name == "q8_0") return {QuantizedKind::kInt8, QuantizedLayout::kBlocks};
  throw Failure(ErrorCode::kInvalidArgument, "--kinds: expected int4, int8, q4_0 or q8_0, got \"" + name + "\"");
}

// All matrices of a model in one buffer, quads and scales one after the other, as in a file.
class Weights {
 public:
  Weights(const Model& model, Kind kind) {
    int64_t bytes = 0;
    const std::vector<MatrixShape> shapes = matrices_of(model);
    for (const MatrixShape& s : shapes) bytes += kind.quads_bytes(s) + kind.scales_bytes(s);
    buffer_ = HostBuffer(static_cast<size_t>(bytes));
    fill(bytes);
    int64_t at = 0;
    for (const MatrixShape& s : shapes) {
      auto* scales = reinterpret_cast<float16*>(buffer_.data() + at + kind.quads_bytes(s));
      matrices_.push_back({kind.kind, s.n, s.k, buffer_.data() + at, scales, nullptr, kind.layout});
      at += kind.quads_bytes(s) + kind.scales_bytes(s);
    }
  }
  const std::vector<QuantizedMatrix>& matrices() const { return matrices_; }
  const HostBuffer& memory() const { return buffer_; }

 private:
  // Any bytes will do; as scales they are finite.
  void fill(int64_t bytes) {
    uint64_t state = 1;
    for (int64_t i = 0; i + 8 <= bytes; i += 8) {
      state = state * 6364136223846793005u + 1442695040888963407u;
      const uint64_t value = (state >> 1) & 0x3f3f3f3f3f3f3f3fu;
      std::memcpy(buffer_.data() + i, &value, 8);
    }
  }
  HostBuffer buffer_;
  std::vector<QuantizedMatrix> matrices_;
};

class Pass {
 public:
  Pass(CpuStream& stream, const Weights& weights, int64_t rows) : stream_(stream), weights_(weights), rows_(rows) {
    int64_t n = 0, k = 0;
    for (const QuantizedMatrix& w : weights.matrices()) n = std::max(n, w.n), k = std::max(k, w.k);
    x_.resize(static_cast<size_t>(rows * k));
    for (size_t i = 0; i < x_.size(); ++i) x_[i] = to_bfloat16(static_cast<float>(i * 7919 % 201) / 100 - 1);
    c_.resize(static_cast<size_t>(rows * n));
    scratch_ = HostBuffer(static_cast<size_t>(quantized_matmul_scratch_bytes(stream, rows, k)));
  }
  void run() {
    for (const QuantizedMatrix& w : weights_.matrices())
      quantized_matmul<bfloat16>(
          stream_,
          {.c = c_.data(), .ldc = w.n, .x = x_.data(), .ldx = w.k, .m = rows_, .w = w, .scratch = scratch_.data()});
  }
  double operations() const {
    double sum = 0;
    for (const QuantizedMatrix& w : weights_.matrices()) sum += 2.0 * static_cast<double>(rows_ * w.n * w.k);
    return sum;
  }

 private:
  CpuStream& stream_;
  const Weights& weights_;
  int64_t rows_;
  std::vector<bfloat16> x_, c_;
  HostBuffer scratch_;
};

struct Ceilings {
  double bytes, operations;
};

void print_line(const std::string& model, const std::string& kind, Pass& pass, int64_t rows, double bytes,
                Ceilings ceiling, const bench::Timer& timer, double budget) {
  double best = 1e9, spent = 0;
  for (int i = 0; i < 3 || spent < budget; ++i) {
    const double time = timer([&] { pass.run(); });
    best = std::min(best, time);
    spent += time;
  }
  const double read = bytes / best, done = pass.operations() / best;
  std::cout << fmt::format("| {} B {} | {:3} | {:8.2f} | {:8.1f} | {:5.1f} | {:3.0f} % | {:6.0f} | {:3.0f} % |\n",
                           model, kind, rows, 1e3 * best, static_cast<double>(rows) / best, read / 1e9,
                           100 * read / ceiling.bytes, done / 1e9, 100 * done / ceiling.operations)
            << std::flush;
}

void run_model(CpuStream& stream, const Options& options, const std::string& name, const std::string& kind) {
  const Weights weights(model_of(name), kind_of(kind));
  const auto bytes = static_cast<int64_t>(weights.memory().size());
  const Ceilings ceiling{measure_read_bandwidth(stream, weights.memory().data(), bytes), measure_int8_ops(stream)};
  std::cout << fmt::format("\nread {:.1f} GB/s, int8 {:.0f} GOP/s, {:.0f} MB of weights\n\n", ceiling.bytes / 1e9,
                           ceiling.operations / 1e9, static_cast<double>(bytes) / 1e6);
  for (int64_t rows : options.rows) {
    Pass pass(stream, weights, rows);
    print_line(name, kind, pass, rows, static_cast<double>(bytes), ceiling,
               bench::Timer(options.cpu_time, stream.pool->size()), options.seconds);
  }
}

void run(const Options& options) {
  ThreadPool pool(options.threads);
  CpuStream stream{&pool, parse_isa(options.isa)};
  std::cout << fmt::format("{}, {} threads\n", name_of(stream.isa), pool.size())
            << "| model | rows | ms | rows/s | GB/s | of read | GOP/s | of int8 |\n|---|---|---|---|---|---|---|---|\n";
  for (const std::string& model : options.models)
    for (const std::string& kind : options.kinds) run_model(stream, options, model, kind);
}

}  // namespace
}  // namespace maru::kernels

int main(int argc, char** argv) {
  maru::kernels::Options options;
  CLI::App app("Quantized matrix products of whole models beside the ceilings of the machine.");
  app.add_option("--models", options.models, "0.1, 0.5, 1.5 (billion parameters)")->delimiter(',');
  app.add_option("--kinds", options.kinds, "int4, int8, q4_0, q8_0")->delimiter(',');
  app.add_option("--rows", options.rows, "rows of activations")->delimiter(',');
  app.add_option("--isa", options.isa, "auto, scalar, avx2, avx512 or amx");
  app.add_option("--threads", options.threads, "0: all cores");
  app.add_option("--seconds", options.seconds, "per line");
  app.add_flag("--cpu-time", options.cpu_time, "CPU time per thread instead of wall time");
  CLI11_PARSE(app, argc, argv);
  try {
    maru::kernels::run(options);
  } catch (const maru::Failure& failure) {
    std::cerr << failure.what() << "\n";
    return maru::exit_code_of(failure.code());
  }
}
