#include "ops/lora.h"

#include <fmt/format.h>

#include "kernels/bias/bias.h"
#include "kernels/convert/convert.h"
#include "kernels/lora/lora.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/quantized.h"

namespace maru {
namespace {

void check(const char* op, const Tensor& y, const LoraWeights& lora) {
  const Tensor& b = lora.b.value;
  if (y.cols() == b.rows()) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[{}] y is [{}, {}], expected {} columns as b [{}, {}] has rows", op, y.rows(), y.cols(),
                            b.rows(), b.rows(), b.cols()));
}

// y = row_scale ⊙ (y + alpha · z) + bias
Tensor scaled_columns(Context& ctx, const Tensor& y, const Tensor& z, double alpha, const Tensor& row_scale,
                      const Tensor& bias) {
  const Tensor sum = ctx.empty(y.shape(), y.dtype());
  ctx.launch(y.dtype(), [&]<class T>(auto& stream) {
    kernels::scale_columns(stream, kernels::ScaleColumns<T>{.y = sum.data<T>(),
                                                            .x = y.data<T>(),
                                                            .z = z.data<T>(),
                                                            .scale = row_scale.data<kernels::Accumulator<T>>(),
                                                            .bias = bias.data<T>(),
                                                            .rows = y.rows(),
                                                            .cols = y.cols(),
                                                            .alpha = alpha});
  });
  return sum;
}

// Where lengths of rows come over what they are.
void over_norms(Context& ctx, const Tensor& y, const Tensor& x, const Tensor& norms, bool add) {
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::over_norms(
          stream, kernels::OverNorms<T>{
                      .y = y.data<T>(), .x = x.data<T>(), .norms = norms.data<double>(), .rows = x.size(), .add = add});
  });
}

// What the backward of y = row_scale ⊙ (x + alpha · z) needs.
struct Decomposed {
  Tensor x, z, row_scale, magnitude, norms;
  double alpha;
};

void decomposed_backward(Context& c, const Decomposed& d, const Tensor& dy) {
  const Gradient dx = c.tape->gradient(c, d.x), dz = c.tape->gradient(c, d.z),
                 dmagnitude = c.tape->gradient(c, d.magnitude);
  const Tensor dscale = dmagnitude ? fill(c, d.row_scale.shape(), d.row_scale.dtype(), 0) : Tensor();
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::scale_columns_backward(stream,
                                    kernels::ScaleColumnsBackward<T>{.dx = dx ? dx.data<T>() : nullptr,
                                                                     .dz = dz ? dz.data<T>() : nullptr,
                                                                     .dscale = dscale ? dscale.data<A>() : nullptr,
                                                                     .dy = dy.data<T>(),
                                                                     .x = d.x.data<T>(),
                                                                     .z = d.z.data<T>(),
                                                                     .scale = d.row_scale.data<A>(),
                                                                     .rows = dy.rows(),
                                                                     .cols = dy.cols(),
                                                                     .alpha = d.alpha,
                                                                     .add_dx = dx.add,
                                                                     .add_dz = dz.add});
  });
  if (dmagnitude) over_norms(c, dmagnitude.tensor, dscale, d.norms, dmagnitude.add);
}

// Lengths that are trained: their factors follow a and b.
Tensor with_trained_lengths(Context& ctx, const Tensor& y, const Tensor& z, double alpha, const Parameter& weight,
                            LoraWeights& lora, const Tensor& bias) {
  Decomposed d{.x = y, .z = z, .row_scale = {}, .magnitude = ctx.use(lora.magnitude), .norms = {}, .alpha = alpha};
  d.norms = lora_row_norms(ctx, weight, lora);
  d.row_scale = ctx.empty(d.magnitude.shape(), d.magnitude.dtype());
  over_norms(ctx, d.row_scale, d.magnitude, d.norms, false);
  Tensor sum = scaled_columns(ctx, y, z, alpha, d.row_scale, bias);
  if (ctx.recording(y, z, d.magnitude)) {
    if (bias.node >= 0) throw Failure(ErrorCode::kUnimplemented, "[add_lora] a bias is not trained beside DoRA");
    ctx.tape->record(sum, [d](Context& c, const Tensor& dy) { decomposed_backward(c, d, dy); });
  }
  return sum;
}

// From the inner product a · x on. `weight` is that of a layer; null: of a table, which has no lengths.
Tensor add_update(Context& ctx, const Tensor& y, const Tensor& inner, const Parameter* weight, LoraWeights& lora,
                  const Tensor& bias, double multiplier) {
  const Tensor b = ctx.use(lora.b);
  const bool trained = weight != nullptr && lora.magnitude.value;
  if (ctx.recording(y, inner, b) && lora.row_scale && !trained)
    throw Failure(ErrorCode::kUnimplemented, "[add_lora] lengths of DoRA that stay have no gradient");
  const Tensor update = y.dtype() == inner.dtype() ? linear(ctx, inner, b) : project(ctx, inner, b);
  const double alpha = multiplier * lora.scale;
  if (trained) return with_trained_lengths(ctx, y, update, alpha, *weight, lora, bias);
  if (lora.row_scale) return scaled_columns(ctx, y, update, alpha, lora.row_scale, bias);
  return add_scaled(ctx, y, update, alpha);
}

// The same numbers in the accumulator type.
Tensor widened(Context& ctx, const Tensor& t) {
  if (t.dtype() == accumulator_of(t.dtype())) return t;
  const Tensor wide = ctx.empty(t.shape(), accumulator_of(t.dtype()));
  ctx.launch(t.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    if constexpr (!std::is_same_v<T, A>)
      kernels::convert(stream, kernels::Convert<A, T>{.y = wide.data<A>(), .x = t.data<T>(), .count = t.size()});
  });
  return wide;
}

}  // namespace

Tensor add_lora(Context& ctx, const Tensor& y, const Tensor& x, const Parameter& weight, LoraWeights& lora,
                const Tensor& bias, double multiplier) {
  check("add_lora", y, lora);
  return add_update(ctx, y, linear(ctx, x, ctx.use(lora.a)), &weight, lora, bias, multiplier);
}

Tensor add_lora_rows(Context& ctx, const Tensor& y, const Tensor& tokens, LoraWeights& lora, double multiplier) {
  check("add_lora_rows", y, lora);
  return add_update(ctx, y, embedding(ctx, tokens, ctx.use(lora.a)), nullptr, lora, {}, multiplier);
}

Tensor lora_row_norms(Context& ctx, const Parameter& parameter, const LoraWeights& lora) {
  const Tensor weight = parameter.quantized ? dequantize(ctx, parameter.quantized) : parameter.value;
  const Tensor a = widened(ctx, lora.a.value), b = widened(ctx, lora.b.value);
  const Tensor a_w = project(ctx, lora.a.value.dtype() == weight.dtype() ? lora.a.value : a, weight);
  const Tensor b_a_a = project(ctx, b, project(ctx, a, a));
  const Tensor norms = ctx.empty({1, weight.rows()}, Dtype::kF64);
  ctx.launch(weight.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::lora_row_norms(stream, kernels::LoraRowNorms<T>{.norms = norms.data<double>(),
                                                             .weight = weight.data<T>(),
                                                             .b = b.data<A>(),
                                                             .b_a_a = b_a_a.data<A>(),
                                                             .a_w = a_w.data<A>(),
                                                             .rows = weight.rows(),
                                                             .cols = weight.cols(),
                                                             .rank = b.cols(),
                                                             .scale = lora.scale});
  });
  return norms;
}

}  // namespace maru
