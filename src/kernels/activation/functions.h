// Activation functions and their slopes on registers. Included by cpu.cc only, once per instruction set.
//
// Each is a struct with value(x) and slope(x). All are good to a few units in the last place of the terms they are made
// of, tails included: small results are computed as small numbers, not as differences of large ones.
#pragma once
#include "kernels/activation/activation.h"
#include "kernels/simd/simd.h"

namespace maru::kernels {
namespace {

MARU_INLINE F32 absolute(F32 x) { return max(F32(0.0f) - x, x); }

/// The normal distribution at x and, shared with its density, exp(-x²/2).
struct Normal {
  F32 cdf, bell;
};

/// erfc(z) = t · P(t) · exp(-z²), t = 1 / (1 + z/2), z = |x|/√2; relative error of t · P(t) below 3e-7.
/// Source: the form is Abramowitz & Stegun 1964, 7.1.26; degree 8, minimax over z in [0, 14].
MARU_INLINE Normal normal(F32 x) {
  const F32 size = absolute(x);
  const F32 t = F32(1.0f) / fma(size, F32(0.353553391f), F32(1.0f));
  F32 p = fma(F32(-0.0593861f), t, F32(0.28612189f));
  p = fma(p, t, F32(-0.49040131f));
  p = fma(p, t, F32(0.28172649f));
  p = fma(p, t, F32(-0.02914306f));
  p = fma(p, t, F32(0.20374984f));
  p = fma(p, t, F32(0.2428359f));
  p = fma(p, t, F32(0.28241198f));
  p = fma(p, t, F32(0.28208434f));
  const F32 bell = exp(F32(-0.5f) * x * x);
  const F32 tail = F32(0.5f) * t * p * bell;  // Φ(-|x|)
  return {tail + keep_above(x, 0.0f, fma(F32(-2.0f), tail, F32(1.0f))), bell};
}

struct Gelu {
  MARU_INLINE static F32 value(F32 x) { return x * normal(x).cdf; }
  MARU_INLINE static F32 slope(F32 x) {
    const Normal n = normal(x);
    return fma(x * F32(0.398942280f), n.bell, n.cdf);
  }
};

struct GeluTanh {
  MARU_INLINE static F32 share(F32 x) { return sigmoid(x * fma(x * x, F32(0.0713548163f), F32(1.59576912f))); }
  MARU_INLINE static F32 value(F32 x) { return x * share(x); }
  MARU_INLINE static F32 slope(F32 x) {
    const F32 s = share(x), inner = fma(x * x, F32(0.214064449f), F32(1.59576912f));
    return fma(x * s * (F32(1.0f) - s), inner, s);
  }
};

struct Relu {
  MARU_INLINE static F32 value(F32 x) { return max(F32(0.0f), x); }
  MARU_INLINE static F32 slope(F32 x) { return keep_above(x, 1.4e-45f, F32(1.0f)); }
};

/// Near zero an odd polynomial (relative error below 5e-9), from 0.625 on by the exponential, which would cancel there.
/// Source: the parting is Cody & Waite 1980, ch. 13; the polynomial is minimax over |x| ≤ 0.625.
struct Tanh {
  MARU_INLINE static F32 value(F32 x) {
    const F32 near = max(F32(-0.625f), min(F32(0.625f), x)), square = near * near;
    F32 p = fma(F32(-0.00570492385f), square, F32(0.020639025f));
    p = fma(p, square, F32(-0.0537396937f));
    p = fma(p, square, F32(0.133314419f));
    p = fma(p, square, F32(-0.333332819f));
    const F32 series = fma(near * square, p, near);
    const F32 far = F32(1.0f) - F32(2.0f) / (exp(x + x) + F32(1.0f));
    return series + keep_above(absolute(x), 0.625f, far - series);
  }
  MARU_INLINE static F32 slope(F32 x) {
    const F32 y = value(x);
    return fma(F32(0.0f) - y, y, F32(1.0f));
  }
};

struct Sigmoid {
  MARU_INLINE static F32 value(F32 x) { return sigmoid(x); }
  MARU_INLINE static F32 slope(F32 x) {
    const F32 s = sigmoid(x);
    return s * (F32(1.0f) - s);
  }
};

struct Silu {
  MARU_INLINE static F32 value(F32 x) { return x * sigmoid(x); }
  MARU_INLINE static F32 slope(F32 x) {
    const F32 s = sigmoid(x);
    return s * fma(x, F32(1.0f) - s, F32(1.0f));
  }
};

/// Calls f with the function's struct.
template <class F>
void with_function(Activation function, F&& f) {
  switch (function) {
    case Activation::kGelu: return f(Gelu());
    case Activation::kGeluTanh: return f(GeluTanh());
    case Activation::kRelu: return f(Relu());
    case Activation::kTanh: return f(Tanh());
    case Activation::kSigmoid: return f(Sigmoid());
    case Activation::kSilu: return f(Silu());
  }
}

}  // namespace
}  // namespace maru::kernels
