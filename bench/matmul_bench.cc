// Times matrix multiplication at the shapes of training and serving: the best of short runs, against the ceiling
// measured just before and, where it was found at build time, beside oneDNN in alternate runs.
//
//   matmul_bench [--shapes train,vocabulary,decode] [--type bf16] [--isa avx2] [--threads 1] [--seconds 0.3]
//   [--cpu-time]
//
// Training products pack both operands within the time measured; decoding uses a weight packed before, or as it lies in
// files, many weights in turn so that each is read from memory.
#include <fmt/format.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cstring>
#include <functional>
#include <iostream>
#include <vector>

#include "base/error.h"
#include "kernels/ceiling/ceiling.h"
#include "kernels/matmul/matmul.h"
#include "matmul_peer.h"
#include "timer.h"

namespace maru::kernels {
namespace {

using bench::PeerMatmul;
using bench::Timer;

struct Options {
  std::vector<std::string> shapes = {"train", "vocabulary", "decode"};
  std::string type, isa = "auto";
  int threads = 0;
  double seconds = 0.3;   // per product
  bool cpu_time = false;  // on a machine that others use
};

struct Product {
  std::string what;
  int64_t m, n, k;
  bool transpose_a, transpose_b, packed, wide;  // wide: f32 result, added to
  bool from_memory = false;                     // copies of b in turn
};

// The three products of a linear layer: forward, gradient of its input, gradient of its weight.
void add_layer(std::vector<Product>& list, int64_t tokens, int64_t in, int64_t out) {
  list.push_back({"y = x Wt", tokens, out, in, false, true, false, false});
  list.push_back({"dx = dy W", tokens, in, out, false, false, false, false});
  list.push_back({"dW += dyt x", out, in, tokens, true, false, false, true});
}

std::vector<Product> products(const std::string& shapes) {
  std::vector<Product> list;
  if (shapes == "train") {
    for (auto [in, out] :
         {std::pair{256, 256}, {512, 512}, {512, 2048}, {768, 768}, {768, 3072}, {1024, 1024}, {1024, 3072}})
      add_layer(list, 4096, in, out);
    add_layer(list, 16384, 768, 2048);
  } else if (shapes == "vocabulary") {
    add_layer(list, 512, 768, 16384);
    add_layer(list, 512, 512, 32000);
  } else {
    for (bool packed : {true, false})
      for (int64_t m : {1, 2, 4, 8, 16, 32, 64, 512})
        list.push_back({packed ? "packed" : "in place", m, 4096, 2048, false, true, packed, false, true});
  }
  return list;
}

// Large enough to be backed by huge pages where the system has them.
template <class T>
std::vector<T> values(int64_t n) {
  std::vector<T> x(static_cast<size_t>(n));
  for (size_t i = 0; i < x.size(); ++i) {
    const float value = static_cast<float>(i * 7919 % 201) / 100 - 1;
    if constexpr (std::is_same_v<T, bfloat16>)
      x[i] = to_bfloat16(value);
    else
      x[i] = value;
  }
  return x;
}

class Bytes {
 public:
  explicit Bytes(int64_t size) : bytes_(static_cast<size_t>(size) + 64) {}
  std::byte* data() { return bytes_.data() + (64 - reinterpret_cast<uintptr_t>(bytes_.data()) % 64) % 64; }

 private:
  std::vector<std::byte> bytes_;
};

struct Times {
  double ours = 1e9, peer = 1e9;
};

// Alternates, so that both see the same neighbours.
Times best_times(const Timer& timer, const std::function<void()>& ours, const std::function<void()>& peer,
                 double budget) {
  Times best;
  double spent = 0;
  for (int i = 0; i < 4 || spent < budget; ++i) {
    const double a = timer(ours), b = peer ? timer(peer) : 0;
    best.ours = std::min(best.ours, a);
    if (peer) best.peer = std::min(best.peer, b);
    spent += a + b;
  }
  return best;
}

// One product with its operands. A weight that is read from memory has copies that together exceed the caches.
template <class T, class C>
class Timed {
 public:
  Timed(CpuStream& stream, const Product& p)
      : stream_(stream),
        p_(p),
        a_(values<T>(p.m * p.k)),
        b_(values<T>(p.k * p.n)),
        c_(static_cast<size_t>(p.m * p.n)),
        scratch_(matmul_scratch_bytes<T>(stream, p.m, p.n, p.k)) {
    const int64_t plain = p.n * p.k * static_cast<int64_t>(sizeof(T));
    const int64_t bytes = p.packed ? matmul_packed_bytes<T>(stream, p.n, p.k) : plain;
    for (int64_t copies = p.from_memory ? divide_up(int64_t{160} << 20, bytes) : 0; copies > 0; --copies) {
      weights_.emplace_back(bytes);
      if (p.packed)
        matmul_pack<T>(stream, {weights_.back().data(), b_.data(), ldb(), p.transpose_b, p.n, p.k});
      else
        std::memcpy(weights_.back().data(), b_.data(), static_cast<size_t>(plain));
    }
  }
  Times run(const Options& options) {
    PeerMatmul peer(
        {p_.m, p_.n, p_.k, p_.transpose_a, p_.transpose_b, p_.packed, p_.wide, sizeof(T) == 2, sizeof(C) == 2},
        stream_.pool->size(), a_.data(), b_.data(), c_.data(), std::max<int64_t>(1, weights_.size()));
    // oneDNN has no copies of a weight that is not packed: it would read that from a cache.
    return best_times(
        Timer(options.cpu_time, stream_.pool->size()), [&] { once(); },
        peer.available() && p_.packed == p_.from_memory ? [&] { peer.run(); } : std::function<void()>(),
        options.seconds);
  }

 private:
  int64_t ldb() const { return p_.transpose_b ? p_.k : p_.n; }
  void once() {
    const std::byte* weight = weights_.empty() ? nullptr : weights_[turn_++ % weights_.size()].data();
    const bool in_place = weight != nullptr && !p_.packed;
    matmul<T, C>(stream_, {.c = c_.data(),
                           .ldc = p_.n,
                           .a = a_.data(),
                           .lda = p_.transpose_a ? p_.m : p_.k,
                           .transpose_a = p_.transpose_a,
                           .b = in_place ? reinterpret_cast<const T*>(weight) : b_.data(),
                           .ldb = ldb(),
                           .transpose_b = p_.transpose_b,
                           .packed_b = p_.packed ? weight : nullptr,
                           .m = p_.m,
                           .n = p_.n,
                           .k = p_.k,
                           .add = p_.wide,
                           .scratch = scratch_.data()});
  }
  CpuStream& stream_;
  const Product& p_;
  std::vector<T> a_, b_;
  std::vector<C> c_;
  std::vector<Bytes> weights_;
  Bytes scratch_;
  size_t turn_ = 0;
};

struct Ceilings {
  double flops, read;
};

std::string figure(double flops, double seconds, double ceiling) {
  if (seconds >= 1e9) return "- | -";
  return fmt::format("{:.1f} | {:.0f} %", 1e-9 * flops / seconds, 100 * flops / seconds / ceiling);
}

template <class T>
void report(CpuStream& stream, const Product& p, const Options& options, const Ceilings& top) {
  const Times times = p.wide ? Timed<T, Accumulator<T>>(stream, p).run(options) : Timed<T, T>(stream, p).run(options);
  const double flops = 2.0 * static_cast<double>(p.m) * static_cast<double>(p.n) * static_cast<double>(p.k);
  const double weight = static_cast<double>(p.n * p.k) * sizeof(T);
  std::cout << fmt::format("| {} | {} | {} x {} x {} | {:.3f} | {} | {} | {} |\n", p.what,
                           sizeof(T) == 2 ? "bf16" : "f32", p.m, p.n, p.k, 1e3 * times.ours,
                           figure(flops, times.ours, top.flops), figure(weight, times.ours, top.read),
                           figure(flops, times.peer, top.flops));
}

template <class T>
void table(CpuStream& stream, const Options& options) {
  const std::vector<std::byte> memory(size_t{256} << 20, std::byte{1});
  const Ceilings top{measure_flops<T>(stream),
                     measure_read_bandwidth(stream, memory.data(), static_cast<int64_t>(memory.size()))};
  std::cout
      << fmt::format("\n{} thread(s), {}: {:.0f} GFLOP/s, memory read {:.1f} GB/s\n\n", stream.pool->size(),
                     name_of(stream.isa), 1e-9 * top.flops, 1e-9 * top.read)
      << "| product | type | m x n x k | ms | GFLOP/s | of ceiling | weight GB/s | of memory | oneDNN GFLOP/s | of "
         "ceiling |\n|---|---|---|---|---|---|---|---|---|---|\n";
  for (const std::string& shapes : options.shapes)
    for (const Product& p : products(shapes)) report<T>(stream, p, options, top);
}

void run(const Options& options) {
  for (int threads : options.threads > 0 ? std::vector{options.threads} : std::vector{1, 2}) {
    ThreadPool pool(threads);
    CpuStream stream{&pool, parse_isa(options.isa)};
    if (options.type != "bf16") table<float>(stream, options);
    if (options.type != "f32") table<bfloat16>(stream, options);
  }
}

}  // namespace
}  // namespace maru::kernels

int main(int argc, char** argv) {
  maru::kernels::Options options;
  CLI::App app("Times matrix multiplication");
  app.add_option("--shapes", options.shapes, "train, vocabulary, decode")
      ->delimiter(',')
      ->check(CLI::IsMember({"train", "vocabulary", "decode"}));
  app.add_option("--type", options.type, "f32 or bf16; both if not given")->check(CLI::IsMember({"f32", "bf16"}));
  app.add_option("--isa", options.isa, "auto, scalar, avx2, avx512 or amx");
  app.add_option("--threads", options.threads, "0: 1 and then 2")->check(CLI::Range(0, 1024));
  app.add_option("--seconds", options.seconds, "per product")->check(CLI::Range(0.0, 3600.0));
  app.add_flag("--cpu-time", options.cpu_time, "CPU time per thread instead of wall time");
  CLI11_PARSE(app, argc, argv);
  try {
    maru::kernels::run(options);
  } catch (const maru::Failure& failure) {
    std::cerr << "matmul_bench: " << failure.what() << "\n";
    return 1;
  }
}
