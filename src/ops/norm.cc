#include "ops/norm.h"

#include <fmt/format.h>

#include "kernels/layer_norm/layer_norm.h"
#include "kernels/rms_norm/rms_norm.h"

namespace maru {
namespace {

void check_norm(const char* op, const Tensor& x, const Tensor& weight) {
  if (weight.rows() == 1 && weight.cols() > 0 && x.cols() % weight.cols() == 0) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format("[{}] weight has {} elements, expected a divisor of x.cols() = {}", op, weight.size(), x.cols()));
}

struct SavedLayerNorm {
  Tensor x, weight, bias, mean, rstd;
};

void layer_norm_backward(Context& c, const SavedLayerNorm& s, const Tensor& dy) {
  const int64_t cols = s.weight.cols(), rows = s.x.size() / cols;
  const Gradient dx = c.tape->gradient(c, s.x), dweight = c.tape->gradient(c, s.weight),
                 dbias = c.tape->gradient(c, s.bias);
  const int64_t partials =
      c.ask(s.x.dtype(), [&]<class T>(auto& stream) { return kernels::layer_norm_partials(stream, rows, cols); });
  const Tensor partial = c.empty({partials, cols}, accumulator_of(s.x.dtype()));
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::layer_norm_backward(stream, kernels::LayerNormBackward<T>{.dx = dx.template data<T>(),
                                                                       .add_dx = dx.add,
                                                                       .dweight = dweight.template data<A>(),
                                                                       .dbias = dbias.template data<A>(),
                                                                       .partial = partial.data<A>(),
                                                                       .dy = dy.data<T>(),
                                                                       .x = s.x.data<T>(),
                                                                       .weight = s.weight.data<T>(),
                                                                       .mean = s.mean.data<A>(),
                                                                       .rstd = s.rstd.data<A>(),
                                                                       .rows = rows,
                                                                       .cols = cols});
  });
}

}  // namespace

Tensor rms_norm(Context& ctx, const Tensor& x, const Tensor& weight, double eps, double weight_offset) {
  const int64_t cols = weight.cols();
  check_norm("rms_norm", x, weight);
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
                                                                 .eps = eps,
                                                                 .weight_offset = weight_offset});
  });
  if (!record) return y;
  ctx.tape->record(y, [=](Context& c, const Tensor& dy) {
    const Gradient dx = c.tape->gradient(c, x), dweight = c.tape->gradient(c, weight);
    const int64_t partials =
        c.ask(x.dtype(), [&]<class T>(auto& stream) { return kernels::rms_norm_partials(stream, rows, cols); });
    const Tensor partial = c.empty({partials, cols}, accumulator_of(x.dtype()));
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
                                                                     .cols = cols,
                                                                     .weight_offset = weight_offset});
    });
  });
  return y;
}

Tensor layer_norm(Context& ctx, const Tensor& x, const Tensor& weight, const Tensor& bias, double eps) {
  check_norm("layer_norm", x, weight);
  if (bias && bias.shape() != weight.shape())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[layer_norm] bias has {} elements, expected {} as weight", bias.size(), weight.size()));
  const int64_t cols = weight.cols(), rows = x.size() / cols;
  Tensor y = ctx.empty(x.shape(), x.dtype());
  const bool record = ctx.recording(x, weight, bias);
  const Tensor mean = record ? ctx.empty({rows, 1}, accumulator_of(x.dtype())) : Tensor();
  const Tensor rstd = record ? ctx.empty({rows, 1}, accumulator_of(x.dtype())) : Tensor();
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::layer_norm_forward(stream, kernels::LayerNormForward<T>{.y = y.data<T>(),
                                                                     .mean = mean.data<A>(),
                                                                     .rstd = rstd.data<A>(),
                                                                     .x = x.data<T>(),
                                                                     .weight = weight.data<T>(),
                                                                     .bias = bias.data<T>(),
                                                                     .rows = rows,
                                                                     .cols = cols,
                                                                     .eps = eps});
  });
  if (record)
    ctx.tape->record(y, [s = SavedLayerNorm{x, weight, bias, mean, rstd}](Context& c, const Tensor& dy) {
      layer_norm_backward(c, s, dy);
    });
  return y;
}

}  // namespace maru
