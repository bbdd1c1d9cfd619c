// Register loops and read loops. Compiled once per instruction set.
#include "kernels/ceiling/ceiling.h"
#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

constexpr int kChains = 12;  // independent sums: enough to hide the latency, few enough for 16 registers

// The result goes where the compiler cannot ignore it.
template <class F>
MARU_INLINE void keep_busy(F&& step, int64_t rounds) {
  F32 sum[kChains];
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sum[c] = step(sum[c]);
  F32 total;
  for (int c = 0; c < kChains; ++c) total = total + sum[c];
  float lanes[kLanes];
  store(lanes, total);
  [[maybe_unused]] volatile float result = lanes[0];
}

template <class T>
double run(int64_t rounds) {
  volatile float half = 0.5f;
  const F32 a(half), b(half);
  if constexpr (kHalves<T> == 1 && kPerWord<T> == 2) {
    const volatile Word pair = 0x3f003f00;
    const Word word = pair;
    const auto x = factor<T, 0>(broadcast_word(&word));
    keep_busy(
        [&](F32 sum) __attribute__((always_inline)) { return fma(x, x, sum); }, rounds);
  } else {
    keep_busy(
        [&](F32 sum) __attribute__((always_inline)) { return fma(sum, a, b); }, rounds);
  }
  return 2.0 * static_cast<double>(rounds * kChains * kLanes) * (kHalves<T> == 1 ? kPerWord<T> : 1);
}

// A register of 32-bit sums and the step that adds the products of four (or two) pairs of bytes to each.
#if defined(MARU_ISA_AVX512)
using Sums = __m512i;
MARU_INLINE Sums add_products(Sums sum, Sums a, Sums b) { return _mm512_dpbusd_epi32(sum, a, b); }
MARU_INLINE Sums all_bytes(int x) { return _mm512_set1_epi8(static_cast<char>(x)); }
MARU_INLINE int first_sum(Sums x) { return _mm512_cvtsi512_si32(x); }
#elif defined(MARU_ISA_AVX2)
using Sums = __m256i;
MARU_INLINE Sums add_products(Sums sum, Sums a, Sums b) {
  asm volatile("" : "+x"(b));  // the products are always the same, which the compiler must not know
  return _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(a, b), a));
}
MARU_INLINE Sums all_bytes(int x) { return _mm256_set1_epi8(static_cast<char>(x)); }
MARU_INLINE int first_sum(Sums x) { return _mm256_cvtsi256_si32(x); }
#else
using Sums = int32_t;
MARU_INLINE Sums add_products(Sums sum, Sums a, Sums b) { return sum + (a ^ sum) * b; }
MARU_INLINE Sums all_bytes(int x) { return x; }
MARU_INLINE int first_sum(Sums x) { return x; }
#endif

double run_int8(int64_t rounds) {
  volatile int one = 1;
  const Sums a = all_bytes(one), b = all_bytes(one);
  Sums sum[kChains];
  for (int c = 0; c < kChains; ++c) sum[c] = all_bytes(c & one);
  for (int64_t i = 0; i < rounds; ++i)
#pragma GCC unroll 12
    for (int c = 0; c < kChains; ++c) sum[c] = add_products(sum[c], a, b);
  int total = 0;
  for (int c = 0; c < kChains; ++c) total ^= first_sum(sum[c]);
  [[maybe_unused]] volatile int result = total;
  constexpr int64_t kProducts = kLanes == 1 ? 1 : 4 * kLanes;
  return 2.0 * static_cast<double>(rounds * kChains * kProducts);
}

}  // namespace

template <>
double int8_multiply_adds<kIsa>(int64_t rounds) {
  return run_int8(rounds);
}
template <>
double multiply_adds<kIsa, float>(int64_t rounds) {
  return run<float>(rounds);
}
template <>
double multiply_adds<kIsa, bfloat16>(int64_t rounds) {
  return run<bfloat16>(rounds);
}
template <>
uint64_t read_words<kIsa>(const std::byte* data, int64_t bytes) {
  constexpr int64_t kRuns = 4;  // more than one keeps more of memory busy
  const int64_t run = bytes / kRuns / 64 * 64;
  uint64_t sum = 0;
  for (int64_t i = 0; i < run; i += 64)
    for (int64_t r = 0; r < kRuns; ++r)
      for (int64_t w = 0; w < 64; w += 8) {
        uint64_t word;
        __builtin_memcpy(&word, data + r * run + i + w, sizeof word);
        sum += word;
      }
  return sum;
}

}  // namespace maru::kernels
