// Reductions, SIMD. Compiled once per instruction set.
#include "kernels/reduce/reduce.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

struct Span {
  const float* x;
  int64_t count;
};

Span span_of(const Reduce<float>& a, int64_t task) {
  const int64_t first = task * kElementsPerTask, rest = a.count - first;
  return {a.x + first, rest < kElementsPerTask ? rest : kElementsPerTask};
}

double squares(Span s) {
  F64 sum;
  for_lanes(s.count, [&](int64_t i, int64_t n) { sum = add_square(load(s.x + i, n), sum); });
  return reduce_add(sum);
}

// Zero times anything finite is zero: `poison` becomes NaN when an element is not finite.
float maximum(Span s) {
  F32 largest, poison;
  for_lanes(s.count, [&](int64_t i, int64_t n) {
    const F32 x = load(s.x + i, n);
    largest = max(max(x, F32(0.0f) - x), largest);
    poison = fma(x, F32(0.0f), poison);
  });
  return reduce_max(largest) + reduce_add(poison);
}

}  // namespace

template <>
void sums_of_squares<kIsa>(ThreadPool& pool, const Reduce<float>& a) {
  pool.parallel_for(divide_up(a.count, kElementsPerTask),
                    [&](int64_t task, int) { a.partial[task] = squares(span_of(a, task)); });
}

template <>
void maxima<kIsa>(ThreadPool& pool, const Reduce<float>& a) {
  pool.parallel_for(divide_up(a.count, kElementsPerTask),
                    [&](int64_t task, int) { a.partial[task] = static_cast<double>(maximum(span_of(a, task))); });
}

}  // namespace maru::kernels
