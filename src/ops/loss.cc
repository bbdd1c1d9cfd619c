#include "ops/loss.h"

#include <fmt/format.h>

#include "kernels/linear_cross_entropy/linear_cross_entropy.h"
#include "ops/elementwise.h"

namespace maru {
namespace {

int64_t scratch_bytes(const Context& ctx, Dtype dtype, int64_t rows, Shape weight, bool gradients) {
  return ctx.ask(dtype, [&]<class T>(auto& stream) {
    return kernels::linear_cross_entropy_scratch_bytes<T>(stream, rows, weight.rows, weight.cols, gradients);
  });
}

void check_loss(const Tensor& x, const Tensor& weight, const Tensor& targets) {
  if (x.cols() != weight.cols() || targets.rows() != x.rows() || targets.dtype() != Dtype::kI32)
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[linear_cross_entropy] x [{}, {}], weight [{}, {}] and {} targets do not fit together",
                              x.rows(), x.cols(), weight.rows(), weight.cols(), targets.rows()));
}

// Something of each row, or nothing.
void check_of_rows(const Tensor& t, int64_t rows, Dtype dtype) {
  if (!t || (t.shape() == Shape{rows, 1} && t.dtype() == dtype)) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[cross_entropy] weights or losses of rows: [{}, {}] {}, expected [{}, 1] {}", t.rows(),
                            t.cols(), name_of(t.dtype()), rows, name_of(dtype)));
}

}  // namespace

Tensor linear_cross_entropy(Context& ctx, const Tensor& x, const Tensor& weight, const Tensor& targets,
                            const LossOptions& options) {
  check_loss(x, weight, targets);
  for (const Tensor* of_rows : {&options.weights, &options.token_losses})
    check_of_rows(*of_rows, x.rows(), accumulator_of(x.dtype()));
  const bool record = ctx.recording(x, weight);
  Tensor loss = fill(ctx, {1, 1}, accumulator_of(x.dtype()), 0);
  // The kernel computes gradients with the loss, for a gradient of 1: dx waits here until the tape asks for it.
  const Tensor dx = record ? ctx.empty(x.shape(), x.dtype()) : Tensor();
  const Gradient dweight = record ? ctx.tape->gradient(ctx, weight) : Gradient();
  if (dweight && !dweight.add) zero(ctx, dweight.tensor);
  {
    const Tensor scratch = ctx.scratch(scratch_bytes(ctx, x.dtype(), x.rows(), weight.shape(), record));
    ctx.launch(x.dtype(), [&]<class T>(auto& s) {
      using A = kernels::Accumulator<T>;
      kernels::linear_cross_entropy(s, kernels::LinearCrossEntropy<T>{.loss = loss.data<A>(),
                                                                      .token_loss = options.token_losses.data<A>(),
                                                                      .dx = dx.data<T>(),
                                                                      .add_dx = false,
                                                                      .dweight = dweight.template data<A>(),
                                                                      .x = x.data<T>(),
                                                                      .weight = weight.data<T>(),
                                                                      .targets = targets.data<int32_t>(),
                                                                      .rows = x.rows(),
                                                                      .vocab = weight.rows(),
                                                                      .dim = weight.cols(),
                                                                      .scale = options.scale,
                                                                      .logit_scale = options.logit_scale,
                                                                      .scratch = scratch.data<std::byte>(),
                                                                      .softcap = options.softcap,
                                                                      .row_weights = options.weights.data<A>()});
    });
  }
  if (record)
    ctx.tape->record(loss, [dx, x = without_values(x)](Context& c, const Tensor&) { c.tape->pass_gradient(c, x, dx); });
  return loss;
}

void add_cross_entropy(Context& ctx, const Tensor& loss, const Tensor& logits, const Tensor& targets, double scale,
                       const Tensor& token_losses, const Tensor& weights) {
  check_of_rows(weights, logits.rows(), logits.dtype());
  if (targets.rows() != logits.rows() || token_losses.rows() != logits.rows() || targets.dtype() != Dtype::kI32 ||
      token_losses.dtype() != logits.dtype() || loss.dtype() != logits.dtype())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[cross_entropy] logits [{}, {}], {} targets and {} losses do not fit together",
                              logits.rows(), logits.cols(), targets.rows(), token_losses.rows()));
  ctx.launch(logits.dtype(), [&]<class T>(auto& s) {
    if constexpr (std::is_same_v<T, float> || std::is_same_v<T, double>)
      kernels::cross_entropy(s, kernels::CrossEntropy<T>{.loss = loss.data<T>(),
                                                         .token_loss = token_losses.data<T>(),
                                                         .logits = logits.data<T>(),
                                                         .targets = targets.data<int32_t>(),
                                                         .rows = logits.rows(),
                                                         .vocab = logits.cols(),
                                                         .scale = scale,
                                                         .row_weights = weights.data<T>()});
  });
}

Tensor loss_with_slopes(Context& ctx, const Tensor& x, const Tensor& slopes) {
  if (x.shape() != slopes.shape() || x.dtype() != slopes.dtype())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[loss_with_slopes] x is [{}, {}] {}, slopes are [{}, {}] {}", x.rows(), x.cols(),
                              name_of(x.dtype()), slopes.rows(), slopes.cols(), name_of(slopes.dtype())));
  Tensor loss = fill(ctx, {1, 1}, x.dtype(), 0);
  if (ctx.recording(x))
    ctx.tape->record(loss, [slopes, x = without_values(x)](Context& c, const Tensor&) {
      c.tape->pass_gradient(c, x, slopes);
    });
  return loss;
}

}  // namespace maru
