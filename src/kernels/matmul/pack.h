// Packing: lines (rows of op(a), or columns of op(b)) become panels of words [words of k][width], so that one step
// along k reads consecutive words. Elements that are not there (odd k, fewer lines than width) are zeros. Where pairs
// of bfloat16 are not multiplied as such they are widened here, once for many products: a word is then one float.
#pragma once
#include <type_traits>

#include "kernels/simd/words.h"

namespace maru::kernels {
namespace {

MARU_INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }
MARU_INLINE int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }

/// What a packed word holds, and how many elements of k.
template <class T>
using Packed = std::conditional_t<kHalves<T> == 2, float, T>;
template <class T>
constexpr int64_t kPerPacked = kPerWord<Packed<T>>;

template <class T>
MARU_INLINE int64_t words_of(int64_t k) {
  return (k + kPerPacked<T> - 1) / kPerPacked<T>;
}

template <class T>
struct Lines {
  const T* data;
  int64_t ld;
  bool k_major;  // stored [k, lines], else [lines, k]
  MARU_INLINE Lines from(int64_t line, int64_t k) const {
    return {data + (k_major ? k * ld + line : line * ld + k), ld, k_major};
  }
};

/// The packed words of one half of words as they are stored: all of them, or one widened.
template <class T, int kHalf>
MARU_INLINE Words half(Words x) {
  if constexpr (kHalves<T> == 1) {
    return x;
  } else {
    return words_from(factor<T, kHalf>(x));
  }
}
/// Both halves, one `width` behind the other; `elements` of k: an odd one has no second half.
template <class T>
MARU_INLINE void store_halves(Word* to, int64_t width, Words x, int64_t columns, int64_t elements = 2) {
  store_words(to, half<T, 0>(x), columns);
  if constexpr (kHalves<T> == 2)
    if (elements > 1) store_words(to + width, half<T, 1>(x), columns);
}

// kLanes lines stored [lines, k]; k in whole registers. Without masks, which are slow where they are emulated.
template <class T>
void transpose_whole(Word* to, int64_t width, const T* from, int64_t ld, int64_t k) {
  constexpr int64_t kStep = kLanes * kPerWord<T>;
  for (int64_t p = 0; p < k; p += kStep, to += kLanes * kHalves<T> * width) {
    Words x[kLanes];
    load_transposed(x, from + p, ld * static_cast<int64_t>(sizeof(T)));
#pragma GCC unroll 16
    for (int64_t i = 0; i < kLanes; ++i) store_halves<T>(to + i * kHalves<T> * width, width, x[i], kLanes);
  }
}

// Up to kLanes lines stored [lines, k], fewer than a whole register of k. Writes `columns` words of each step.
template <class T>
void transpose_part(Word* to, int64_t width, int64_t columns, Lines<T> from, int64_t lines, int64_t k) {
  Words x[kLanes];
#pragma GCC unroll 16
  for (int64_t i = 0; i < kLanes; ++i) x[i] = i < lines ? load_elements(from.data + i * from.ld, k) : no_words();
  transpose(x);
#pragma GCC unroll 16
  for (int64_t i = 0; i < kLanes; ++i)
    if (i * kPerWord<T> < k) store_halves<T>(to + i * kHalves<T> * width, width, x[i], columns, k - i * kPerWord<T>);
}

// Up to kLanes lines stored [lines, k]. Writes `columns` words of each step; steps lie `width` words apart.
template <class T>
void pack_by_transposing(Word* to, int64_t width, int64_t columns, Lines<T> from, int64_t lines, int64_t k) {
  constexpr int64_t kStep = kLanes * kPerWord<T>;
  const int64_t whole = lines == kLanes && columns == kLanes ? k / kStep * kStep : 0;
  transpose_whole(to, width, from.data, from.ld, whole);
  for (int64_t p = whole; p < k; p += kStep)
    transpose_part(to + p / kPerPacked<T> * width, width, columns, from.from(0, p), lines, smaller(kStep, k - p));
}

// Up to kLanes lines stored [k, lines].
template <class T>
void pack_by_zipping(Word* to, int64_t width, int64_t columns, Lines<T> from, int64_t lines, int64_t k) {
  int64_t p = 0;
  const T* x = from.data;
  if constexpr (kPerPacked<T> == 2)
    for (; p + 2 <= k; p += 2, x += 2 * from.ld, to += width) store_words(to, zip(x, x + from.ld, lines), columns);
  for (; p < k; ++p, x += from.ld, to += width) store_words(to, half<T, 0>(zip(x, lines)), columns);
}

// One line alone: its words are in order already.
template <class T>
void pack_line(Word* to, const T* from, int64_t k) {
  if constexpr (kHalves<T> == 2) {
    for_lanes(k, [&](int64_t i, int64_t n) { store(reinterpret_cast<float*>(to) + i, load(from + i, n), n); });
  } else if (k > 0) {
    to[words_of<T>(k) - 1] = 0;
    __builtin_memcpy(to, from, static_cast<size_t>(k) * sizeof(T));
  }
}

template <class T>
void pack_panel(Word* to, int64_t width, Lines<T> from, int64_t lines, int64_t k) {
  if (width == 1 && lines == 1 && !from.k_major) return pack_line(to, from.data, k);
  for (int64_t i = 0; i < width; i += kLanes) {
    const int64_t columns = smaller(width - i, kLanes), there = larger(smaller(lines - i, columns), 0);
    const Lines<T> part = from.from(there > 0 ? i : 0, 0);
    if (from.k_major)
      pack_by_zipping(to + i, width, columns, part, there, k);
    else
      pack_by_transposing(to + i, width, columns, part, there, k);
  }
}

// Steps of k that pack_panel takes at a time before going on to the next panel: lines stored [k, lines] are read along
// their rows this way.
template <class T>
MARU_INLINE int64_t pack_chunk(const Lines<T>& from, int64_t k) {
  return from.k_major ? smaller(k, 16) : k;
}

}  // namespace
}  // namespace maru::kernels
