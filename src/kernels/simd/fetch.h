// Memory that will be read soon. To ask for memory that is not there does nothing.
#pragma once
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

constexpr int64_t kCacheLine = 64;

/// A run of cache lines, `lines` with each step of a loop.
struct Fetch {
  const std::byte* next = nullptr;
  int64_t lines = 0;

  MARU_INLINE void into_l1(int64_t step) const { into<3>(step); }
  MARU_INLINE void into_l2(int64_t step) const { into<2>(step); }

  /// For the i-th of `count` loops of so many steps, which fetch all of it together.
  MARU_INLINE Fetch share(int64_t i, int64_t count, int64_t steps) const {
    const int64_t most = (lines + count - 1) / count, rest = lines - i * most;
    return {next + kCacheLine * steps * i * most, rest < 0 ? 0 : rest < most ? rest : most};
  }

 private:
  template <int kLocality>
  MARU_INLINE void into(int64_t step) const {
    for (int64_t i = 0; i < lines; ++i) __builtin_prefetch(next + kCacheLine * (lines * step + i), 0, kLocality);
  }
};

}  // namespace
}  // namespace maru::kernels
