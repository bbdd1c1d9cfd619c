#include "ops/elementwise.h"

#include <fmt/format.h>

#include "kernels/add/add.h"
#include "kernels/convert/convert.h"
#include "kernels/swiglu/swiglu.h"

namespace maru {
namespace {

void check_alike(const char* op, const Tensor& a, const Tensor& b) {
  if (a.shape() == b.shape() && a.dtype() == b.dtype()) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[{}] operands are [{}, {}] {} and [{}, {}] {}, expected them alike", op, a.rows(),
                            a.cols(), name_of(a.dtype()), b.rows(), b.cols(), name_of(b.dtype())));
}

// y = alpha · x, or y += alpha · x.
void scale_into(Context& ctx, const Tensor& y, const Tensor& x, double alpha, bool add) {
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::scale(
        stream, kernels::Scale<T>{.y = y.data<T>(), .x = x.data<T>(), .count = x.size(), .alpha = alpha, .add = add});
  });
}

void swiglu_backward(Context& c, const Tensor& gate, const Tensor& up, const Tensor& dy) {
  const Gradient dgate = c.tape->gradient_or_scratch(c, gate), dup = c.tape->gradient_or_scratch(c, up);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    kernels::swiglu_backward(stream, kernels::SwigluBackward<T>{.dgate = dgate.template data<T>(),
                                                                .dup = dup.template data<T>(),
                                                                .add_dgate = dgate.add,
                                                                .add_dup = dup.add,
                                                                .dy = dy.data<T>(),
                                                                .gate = gate.data<T>(),
                                                                .up = up.data<T>(),
                                                                .rows = gate.rows(),
                                                                .cols = gate.cols(),
                                                                .stride = gate.cols()});
  });
}

}  // namespace

Tensor add_scaled(Context& ctx, const Tensor& x, const Tensor& z, double alpha) {
  check_alike("add_scaled", x, z);
  Tensor y = ctx.empty(x.shape(), x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::add(stream, kernels::Add<T>{
                             .y = y.data<T>(), .x = x.data<T>(), .z = z.data<T>(), .count = y.size(), .alpha = alpha});
  });
  if (ctx.recording(x, z))
    ctx.tape->record(y, [alpha, x = without_values(x), z = without_values(z)](Context& c, const Tensor& dy) {
      c.tape->pass_gradient(c, x, dy);
      if (alpha == 1) return c.tape->pass_gradient(c, z, dy);
      if (const Gradient dz = c.tape->gradient(c, z)) scale_into(c, dz.tensor, dy, alpha, dz.add);
    });
  return y;
}

Tensor scale(Context& ctx, const Tensor& x, double alpha) {
  if (alpha == 1) return x;
  Tensor y = ctx.empty(x.shape(), x.dtype());
  scale_into(ctx, y, x, alpha, false);
  if (ctx.recording(x))
    ctx.tape->record(y, [alpha, x = without_values(x)](Context& c, const Tensor& dy) {
      const Gradient dx = c.tape->gradient(c, x);
      scale_into(c, dx.tensor, dy, alpha, dx.add);
    });
  return y;
}

Tensor swiglu(Context& ctx, const Tensor& gate, const Tensor& up) {
  check_alike("swiglu", gate, up);
  Tensor y = ctx.empty(gate.shape(), gate.dtype());
  ctx.launch(y.dtype(), [&]<class T>(auto& stream) {
    kernels::swiglu_forward(stream, kernels::SwigluForward<T>{.y = y.data<T>(),
                                                              .gate = gate.data<T>(),
                                                              .up = up.data<T>(),
                                                              .rows = y.rows(),
                                                              .cols = y.cols(),
                                                              .stride = y.cols()});
  });
  if (ctx.recording(gate, up))
    ctx.tape->record(y, [=](Context& c, const Tensor& dy) { swiglu_backward(c, gate, up, dy); });
  return y;
}

Tensor as_accumulator(Context& ctx, const Tensor& x) {
  const Dtype wide = accumulator_of(x.dtype());
  if (wide == x.dtype()) return x;
  Tensor y = ctx.empty(x.shape(), wide);
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    if constexpr (!std::is_same_v<A, T>)
      kernels::convert(stream, kernels::Convert<A, T>{.y = y.data<A>(), .x = x.data<T>(), .count = x.size()});
  });
  if (ctx.recording(x))
    ctx.tape->record(y, [x = without_values(x)](Context& c, const Tensor& dy) {
      const Tensor narrow = c.empty(x.shape(), x.dtype());
      c.launch(x.dtype(), [&]<class T>(auto& stream) {
        using A = kernels::Accumulator<T>;
        if constexpr (!std::is_same_v<A, T>)
          kernels::convert(stream,
                           kernels::Convert<T, A>{.y = narrow.data<T>(), .x = dy.data<A>(), .count = dy.size()});
      });
      c.tape->pass_gradient(c, x, narrow);
    });
  return y;
}

Tensor copy(Context& ctx, const Tensor& x) {
  Tensor y = ctx.empty(x.shape(), x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::copy_bytes(stream, y.data<T>(), x.data<T>(), static_cast<int64_t>(x.bytes()));
  });
  return y;
}

Tensor fill(Context& ctx, Shape shape, Dtype dtype, double value) {
  Tensor y = ctx.empty(shape, dtype);
  ctx.launch(dtype, [&]<class T>(auto& stream) {
    kernels::fill(stream, kernels::Fill<T>{.y = y.data<T>(), .count = y.size(), .value = value});
  });
  return y;
}

void zero(Context& ctx, const Tensor& x) {
  ctx.launch(x.dtype(),
             [&]<class T>(auto& stream) { kernels::zero_bytes(stream, x.data<T>(), static_cast<int64_t>(x.bytes())); });
}

void add_into(Context& ctx, const Gradient& dx, const Tensor& dy, double alpha) {
  if (dx) scale_into(ctx, dx.tensor, dy, alpha, dx.add);
}

}  // namespace maru
