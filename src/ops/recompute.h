// Activation recomputation.
#pragma once
#include "ops/context.h"

namespace maru {

/// f(ctx, x) with a tape that is thrown away, not without one: beside quantized weights the bits would be others (see
/// quantized_linear).
template <class F>
Tensor forgotten(const Context& ctx, Tensor x, const F& f) {
  Tape tape;
  Context once = ctx;
  once.tape = &tape;
  x.node = -1;
  return f(once, x);
}

/// f(ctx, x), keeping only x: what is inside is computed again when its gradient is needed.
/// f and the adapters of the context must outlive the tape; f may touch parameters through Context::use only.
///
/// Source   Chen et al. 2016, arXiv:1604.06174.
template <class F>
Tensor recomputed(Context& ctx, const Tensor& x, F f) {
  if (!ctx.recording(x)) return f(ctx, x);
  Context quiet = ctx;
  quiet.tape = nullptr;
  Tensor y = forgotten(ctx, x, f);
  ctx.tape->record(y, [=](Context& c, const Tensor& dy) {
    Tape inner;
    Context again = quiet;
    again.tape = &inner;
    const Tensor z = f(again, inner.leaf(x, c.tape->gradient(c, x)));
    inner.backward(again, z, dy);
  });
  return y;
}

}  // namespace maru
