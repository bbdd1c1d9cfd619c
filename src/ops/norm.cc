#include "ops/norm.h"

#include <fmt/format.h>

#include "kernels/rms_norm/rms_norm.h"

namespace maru {

Tensor rms_norm(Context& ctx, const Tensor& x, const Tensor& weight, double eps) {
  const int64_t cols = weight.cols();
  if (weight.rows() != 1 || x.cols() % cols != 0)
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("[rms_norm] weight has {} elements, expected a divisor of x.cols() = {}", weight.size(), x.cols()));
  const int64_t rows = x.size() / cols;
  Tensor y = ctx.empty(x.shape(), x.dtype());
  const bool record = ctx.recording(x, weight);
  const Tensor rstd = record ? ctx.empty({rows, 1}, accumulator_of(x.dtype())) : Tensor();
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::rms_norm_forward(stream, kernels::RmsNormForward<T>{.y = y.data<T>(),
                                                                 .rstd = rstd.data<kernels::Accumulator<T>>(),
                                                                 .x = x.data<T>(),
                                                                 .weight = weight.data<T>(),
                                                                 .rows = rows,
                                                                 .cols = cols,
                                                                 .eps = eps});
  });
  if (!record) return y;
  ctx.tape->record(y, [=](Context& c, const Tensor& dy) {
    const Gradient dx = c.tape->gradient(c, x), dweight = c.tape->gradient(c, weight);
    const Tensor partial = c.empty({kernels::rms_norm_partials(rows, cols), cols}, accumulator_of(x.dtype()));
    c.launch(x.dtype(), [&]<class T>(auto& stream) {
      using A = kernels::Accumulator<T>;
      kernels::rms_norm_backward(stream, kernels::RmsNormBackward<T>{.dx = dx.template data<T>(),
                                                                     .add_dx = dx.add,
                                                                     .dweight = dweight.template data<A>(),
                                                                     .partial = partial.data<A>(),
                                                                     .dy = dy.data<T>(),
                                                                     .x = x.data<T>(),
                                                                     .weight = weight.data<T>(),
                                                                     .rstd = rstd.data<A>(),
                                                                     .rows = rows,
                                                                     .cols = cols});
    });
  });
  return y;
}

}  // namespace maru
