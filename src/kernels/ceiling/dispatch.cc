#include <atomic>
#include <chrono>

#include "kernels/ceiling/ceiling.h"

namespace maru::kernels {
namespace {

constexpr double kSeconds = 0.1;
constexpr int64_t kRounds = 1 << 15;  // 0.1 to 0.5 ms
constexpr int64_t kChunkBytes = 1 << 20;

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// Largest work / time of `burst`, which returns the work it did, for kSeconds and at least three bursts.
template <class F>
double best_rate(F&& burst) {
  double best = 0;
  const double end = seconds_now() + kSeconds;
  for (int i = 0; i < 3 || seconds_now() < end; ++i) {
    const double start = seconds_now(), work = burst();
    const double rate = work / (seconds_now() - start);
    best = rate > best ? rate : best;
  }
  return best;
}

// Eight tasks per thread: a thread that starts late does not hold up the others for the whole burst.
template <class F>
double best_rate_of_all(CpuStream& stream, F&& burst) {
  return best_rate([&] {
    std::atomic<double> work = 0;
    stream.pool->parallel_for(8 * stream.pool->size(), [&](int64_t, int) { work += burst(); });
    return work.load();
  });
}

}  // namespace

template <class T>
double measure_flops(CpuStream& stream) {
  double rate = 0;
  with_tiles_isa(stream.isa,
                 [&]<Isa isa>() { rate = best_rate_of_all(stream, [] { return multiply_adds<isa, T>(kRounds); }); });
  return rate;
}

double measure_int8_ops(CpuStream& stream) {
  double rate = 0;
  with_isa(stream.isa,
           [&]<Isa isa>() { rate = best_rate_of_all(stream, [] { return int8_multiply_adds<isa>(kRounds); }); });
  return rate;
}

double measure_read_bandwidth(CpuStream& stream, const std::byte* data, int64_t bytes) {
  double rate = 0;
  std::atomic<uint64_t> sum = 0;
  with_isa(stream.isa, [&]<Isa isa>() {
    rate = best_rate([&] {
      stream.pool->parallel_for(divide_up(bytes, kChunkBytes), [&](int64_t chunk, int) {
        const int64_t first = chunk * kChunkBytes;
        sum += read_words<isa>(data + first, bytes - first < kChunkBytes ? bytes - first : kChunkBytes);
      });
      return static_cast<double>(bytes);
    });
  });
  return rate;
}

template double measure_flops<float>(CpuStream&);
template double measure_flops<bfloat16>(CpuStream&);

}  // namespace maru::kernels
