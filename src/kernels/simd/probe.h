// The vector wrappers behind plain functions, one copy per instruction set, so that simd_test can reach each of them.
#pragma once
#include <cstdint>

#include "kernels/kernel.h"

namespace maru::kernels {

/// How a function of the wrappers is probed: over a whole array, as kernels do.
enum class Probe { kExp, kLog, kSigmoid, kSquareRoot, kRound, kCopy };

struct ProbeSums {
  float sum, top;
  double squares;
};

/// The instruction set that the code was compiled for, as it says itself.
template <Isa kIsa>
Isa probe_isa();
template <Isa kIsa>
int64_t probe_lanes();
/// y = f(x), full registers and then the rest.
template <Isa kIsa>
void probe(Probe f, const float* x, float* y, int64_t n);
/// To bfloat16 and back.
template <Isa kIsa>
void probe_bfloat16(const float* x, bfloat16* narrow, float* back, int64_t n);
template <Isa kIsa>
ProbeSums probe_sums(const float* x, int64_t n);

}  // namespace maru::kernels
