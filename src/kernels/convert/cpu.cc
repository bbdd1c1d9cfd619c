// Conversions, SIMD. Compiled once per instruction set.
#include "kernels/convert/convert.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

template <class To, class From>
void converted(ThreadPool& pool, const Convert<To, From>& a) {
  for_elements(pool, a.count, [&](int64_t i, int64_t n) { store(a.y + i, load(a.x + i, n), n); });
}

}  // namespace

template <>
void convert<kIsa>(ThreadPool& pool, const Convert<bfloat16, float>& a) {
  converted(pool, a);
}
template <>
void convert<kIsa>(ThreadPool& pool, const Convert<float, bfloat16>& a) {
  converted(pool, a);
}

}  // namespace maru::kernels
