// Compiled once per instruction set, for simd_test only. See probe.h.
#include "kernels/simd/probe.h"

#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

MARU_INLINE F32 apply(Probe f, F32 x) {
  switch (f) {
    case Probe::kExp: return exp(x);
    case Probe::kLog: return log(x);
    case Probe::kSigmoid: return sigmoid(x);
    case Probe::kSquareRoot: return sqrt(x);
    case Probe::kRound: return round(x);
    case Probe::kCopy: break;
  }
  return x;
}

}  // namespace

template <>
Isa probe_isa<kIsa>() {
  return kIsa;
}

template <>
int64_t probe_lanes<kIsa>() {
  return kLanes;
}

template <>
void probe<kIsa>(Probe f, const float* x, float* y, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t lanes) { store(y + i, apply(f, load(x + i, lanes)), lanes); });
}

template <>
void probe_bfloat16<kIsa>(const float* x, bfloat16* narrow, float* back, int64_t n) {
  for_lanes(n, [&](int64_t i, int64_t lanes) {
    store(narrow + i, load(x + i, lanes), lanes);
    store(back + i, load(narrow + i, lanes), lanes);
  });
}

template <>
ProbeSums probe_sums<kIsa>(const float* x, int64_t n) {
  F32 sum, top;
  F64 squares;
  for_lanes(n, [&](int64_t i, int64_t lanes) {
    const F32 v = load(x + i, lanes);
    sum = sum + v;
    top = max(top, v);
    squares = add_square(v, squares);
  });
  return {reduce_add(sum), reduce_max(top), reduce_add(squares)};
}

}  // namespace maru::kernels
