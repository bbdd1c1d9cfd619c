// A panel of op(b) that lies as in files, line by line ([columns, k]), times one tile of rows: each step along k is
// transposed on its way from memory to the sums, so the matrix is read once and never copied.
#pragma once
#include "kernels/matmul/tile.h"

namespace maru::kernels {
namespace {

constexpr int64_t kStepWords = 16;  // as they are stored: a cache line of every line
static_assert(kStepWords % kLanes == 0);

template <class T>
struct LineStep {
  static constexpr int64_t kElements = kStepWords * kPerWord<T>;
  Words x[kTileVectors][kStepWords];

  MARU_INLINE void load_whole(const T* b, int64_t ldb) {
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v)
#pragma GCC unroll 16
      for (int64_t w = 0; w < kStepWords; w += kLanes) {
        Words block[kLanes];
        load_transposed(block, b + v * kLanes * ldb + w * kPerWord<T>, ldb * static_cast<int64_t>(sizeof(T)));
        keep(block, v, w);
      }
  }
  MARU_INLINE void load_part(const T* b, int64_t ldb, int64_t k) {
    for (int v = 0; v < kTileVectors; ++v)
      for (int64_t w = 0; w * kPerWord<T> < k; w += kLanes) {
        const int64_t rest = smaller(k - w * kPerWord<T>, kLanes * kPerWord<T>);
        Words block[kLanes];
        for (int64_t i = 0; i < kLanes; ++i)
          block[i] = load_elements(b + (v * kLanes + i) * ldb + w * kPerWord<T>, rest);
        transpose(block);
        keep(block, v, w);
      }
  }

 private:
  MARU_INLINE void keep(const Words (&block)[kLanes], int v, int64_t w) {
#pragma GCC unroll 16
    for (int64_t i = 0; i < kLanes; ++i) x[v][w + i] = block[i];
  }
};

// How a panel is fetched before it is multiplied. Where lines share a few sets of L1, because their length is a
// multiple of 2,048 bytes, fetching ahead drives out what it brings. Zen 3, two threads, GB/s without fetching, ahead
// and as a run:
//
//   bytes of a line    1 row          4 rows
//             2,048    24  25  29     17  20  24
//             4,096    27  26  28     21  19  22
//             5,632    24  29  24     17  23  19
//             8,192    27  26  24     21  19  19
enum class Fetching {
  kNone,
  kAhead,  // this panel a few steps ahead, at its end the next
  kRun,    // the next panel from front to back, as it lies in memory
};
MARU_INLINE Fetching fetching_of(int64_t line_bytes) {
  if (line_bytes % 2048 != 0) return Fetching::kAhead;
  return line_bytes <= 4096 ? Fetching::kRun : Fetching::kNone;
}

template <class T>
struct Ahead {
  static constexpr int64_t kDistance = 4 * LineStep<T>::kElements;
  const T* next = nullptr;  // for kAhead: the next panel at the same k
  Fetch run = {};           // for kRun

  /// At a step of the panel from which `k` elements are left.
  MARU_INLINE void fetch(int64_t step, const T* b, int64_t ldb, int64_t k) const {
    if constexpr (!kFetches) return;
    run.into_l2(step);
    if (next == nullptr) return;
    const T* from = k > kDistance ? b + kDistance : next + kDistance - k;
    for (int64_t line = 0; line < kTileCols; ++line) __builtin_prefetch(from + line * ldb, 0, 2);
  }
};

/// Elements up to the next cache line, of lines that all lie alike: files align to 32 bytes, and a step would take two.
template <class T>
MARU_INLINE int64_t before_cache_line(const T* b, int64_t ldb) {
  constexpr int64_t kSize = static_cast<int64_t>(sizeof(T));
  const auto past = static_cast<int64_t>(reinterpret_cast<uintptr_t>(b) % kCacheLine);
  const int64_t elements = past == 0 ? 0 : (kCacheLine - past) / kSize;
  return ldb * kSize % kCacheLine == 0 && past % static_cast<int64_t>(sizeof(Word)) == 0 ? elements : 0;
}

/// sums [kRows, kTileCols] = or += a [words of k, kRows]ᵀ · bᵀ, b [kTileCols, k]: the bits of multiply_tile.
template <class T, int kRows>
void multiply_lines(float* sums, const Word* a, const T* b, int64_t ldb, int64_t k, bool resume, Ahead<T> ahead) {
  TileSums<kRows> sum(sums, resume);
  LineStep<T> step;
  int64_t steps = 0;
  const auto add = [&]<int kHalf>(int64_t i) __attribute__((always_inline)) {
    decltype(factor<T, kHalf>(no_words())) right[kTileVectors];
#pragma GCC unroll 4
    for (int v = 0; v < kTileVectors; ++v) right[v] = factor<T, kHalf>(step.x[v][i]);
    sum.template add<T>(a + (i * kHalves<T> + kHalf) * kRows, right);
  };
  const auto add_part = [&](int64_t count) __attribute__((always_inline)) {
    if (count > 0) step.load_part(b, ldb, count);
    for (int64_t i = 0; i * kPerWord<T> < count; ++i) {
      add.template operator()<0>(i);
      if constexpr (kHalves<T> == 2)
        if (i * kPerWord<T> + 1 < count) add.template operator()<1>(i);
    }
    b += count, a += count / kPerPacked<T> * kRows, k -= count;
  };
  add_part(smaller(before_cache_line(b, ldb), k));
  for (; k >= step.kElements; k -= step.kElements, b += step.kElements, a += kStepWords * kHalves<T> * kRows) {
    ahead.fetch(steps++, b, ldb, k);
    step.load_whole(b, ldb);
#pragma GCC unroll 16
    for (int64_t i = 0; i < kStepWords; ++i) {
      add.template operator()<0>(i);
      if constexpr (kHalves<T> == 2) add.template operator()<1>(i);
    }
  }
  add_part(k);
  sum.store_to(sums);
}

template <class T>
using MultiplyLines = void (*)(float*, const Word*, const T*, int64_t, int64_t, bool, Ahead<T>);

template <class T, int... kRows>
MultiplyLines<T> lines_of(int64_t rows, std::integer_sequence<int, kRows...>) {
  static constexpr MultiplyLines<T> kTable[] = {multiply_lines<T, kRows + 1>...};
  return kTable[rows - 1];
}
template <class T>
MultiplyLines<T> lines_of(int64_t rows) {
  return lines_of<T>(rows, std::make_integer_sequence<int, kTileRows>());
}

}  // namespace
}  // namespace maru::kernels
