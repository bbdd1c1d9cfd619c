#include "ops/linear.h"

#include <fmt/format.h>

#include "kernels/activation/activation.h"
#include "kernels/add/add.h"
#include "kernels/bias/bias.h"
#include "kernels/convert/convert.h"
#include "kernels/matmul/matmul.h"
#include "ops/elementwise.h"

namespace maru {
namespace {

// c (+)= op(a) · op(b) for dense tensors; the element types are T for a and b and C for c.
template <class T, class C>
void run_matmul(auto& stream, const Tensor& c, bool add, const Tensor& a, bool transpose_a, const Tensor& b,
                bool transpose_b, const Tensor& scratch) {
  kernels::matmul(stream, kernels::Matmul<T, C>{.c = c.data<C>(),
                                                .ldc = c.cols(),
                                                .a = a.data<T>(),
                                                .lda = a.cols(),
                                                .transpose_a = transpose_a,
                                                .b = b.data<T>(),
                                                .ldb = b.cols(),
                                                .transpose_b = transpose_b,
                                                .m = c.rows(),
                                                .n = c.cols(),
                                                .k = transpose_a ? a.rows() : a.cols(),
                                                .add = add,
                                                .scratch = scratch.data<std::byte>()});
}

int64_t scratch_bytes(const Context& ctx, Dtype dtype, int64_t m, int64_t n, int64_t k) {
  return ctx.ask(dtype, [&]<class T>(auto& stream) { return kernels::matmul_scratch_bytes<T>(stream, m, n, k); });
}

void check_linear(const char* op, const Tensor& x, const Tensor& weight) {
  if (x.cols() == weight.cols() && x.dtype() == weight.dtype()) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format("[{}] x is [{}, {}] {}, expected {} columns of {} for weight [{}, {}]", op, x.rows(), x.cols(),
                  name_of(x.dtype()), weight.cols(), name_of(weight.dtype()), weight.rows(), weight.cols()));
}

void check_bias(const Tensor& weight, const Tensor& bias) {
  if (!bias || (bias.shape() == Shape{1, weight.rows()} && bias.dtype() == weight.dtype())) return;
  throw Failure(
      ErrorCode::kInvalidArgument,
      fmt::format("[linear] bias is [{}, {}] {}, expected [1, {}] {} for weight [{}, {}]", bias.rows(), bias.cols(),
                  name_of(bias.dtype()), weight.rows(), name_of(weight.dtype()), weight.rows(), weight.cols()));
}

// Every row starts as the bias; the matrix product is added to it with one rounding.
void fill_with_bias(Context& ctx, const Tensor& y, const Tensor& bias) {
  if (!bias) return;
  ctx.launch(y.dtype(), [&]<class T>(auto& s) {
    kernels::bias_forward(
        s, kernels::BiasForward<T>{.y = y.data<T>(), .bias = bias.data<T>(), .rows = y.rows(), .cols = y.cols()});
  });
}

void bias_backward(Context& c, const Tensor& bias, const Tensor& dy) {
  const Gradient dbias = c.tape->gradient(c, bias);
  if (!dbias) return;
  c.launch(dy.dtype(), [&]<class T>(auto& s) {
    kernels::bias_backward(s, kernels::BiasBackward<T>{.dbias = dbias.template data<kernels::Accumulator<T>>(),
                                                       .dy = dy.data<T>(),
                                                       .rows = dy.rows(),
                                                       .cols = dy.cols()});
  });
}

// Gradients of logits are rounded to the type of x and weight before they are multiplied, as those of the loss are.
Tensor rounded(Context& c, const Tensor& dy, Dtype dtype) {
  if (dy.dtype() == dtype) return dy;
  const Tensor narrow = c.empty(dy.shape(), dtype);
  c.launch(dtype, [&]<class T>(auto& s) {
    using A = kernels::Accumulator<T>;
    if constexpr (!std::is_same_v<T, A>)
      kernels::convert(s, kernels::Convert<T, A>{.y = narrow.data<T>(), .x = dy.data<A>(), .count = dy.size()});
  });
  return narrow;
}

// Only the gradient of a weight reads x.
Tensor read_by(const Tensor& weight, const Tensor& x) { return weight.node >= 0 ? x : without_values(x); }

}  // namespace

void linear_backward(Context& c, const Tensor& x, const Tensor& weight, const Tensor& bias, const Tensor& dy) {
  const int64_t rows = x.rows(), in = x.cols(), out = weight.rows();
  bias_backward(c, bias, dy);
  if (const Gradient dx = c.tape->gradient(c, x)) {
    const Tensor scratch = c.scratch(scratch_bytes(c, x.dtype(), rows, in, out));
    c.launch(x.dtype(),
             [&]<class T>(auto& s) { run_matmul<T, T>(s, dx.tensor, dx.add, dy, false, weight, false, scratch); });
  }
  if (const Gradient dweight = c.tape->gradient(c, weight)) {
    const Tensor scratch = c.scratch(scratch_bytes(c, x.dtype(), out, in, rows));
    c.launch(x.dtype(), [&]<class T>(auto& s) {
      run_matmul<T, kernels::Accumulator<T>>(s, dweight.tensor, dweight.add, dy, true, x, false, scratch);
    });
  }
}

Tensor linear(Context& ctx, const Tensor& x, const Tensor& weight, const Tensor& bias) {
  check_linear("linear", x, weight);
  check_bias(weight, bias);
  Tensor y = ctx.empty({x.rows(), weight.rows()}, x.dtype());
  fill_with_bias(ctx, y, bias);
  {
    const bool add = static_cast<bool>(bias);
    const Tensor scratch = ctx.scratch(scratch_bytes(ctx, x.dtype(), y.rows(), y.cols(), x.cols()));
    ctx.launch(x.dtype(), [&]<class T>(auto& s) { run_matmul<T, T>(s, y, add, x, false, weight, true, scratch); });
  }
  if (ctx.recording(x, weight, bias))
    ctx.tape->record(y, [=, x = read_by(weight, x)](Context& c, const Tensor& dy) {
      linear_backward(c, x, weight, bias, dy);
    });
  return y;
}

Tensor project(Context& ctx, const Tensor& x, const Tensor& weight, double scale, double softcap) {
  check_linear("project", x, weight);
  Tensor y = ctx.empty({x.rows(), weight.rows()}, accumulator_of(x.dtype()));
  const Tensor scratch = ctx.scratch(scratch_bytes(ctx, x.dtype(), y.rows(), y.cols(), x.cols()));
  ctx.launch(x.dtype(), [&]<class T>(auto& s) {
    using A = kernels::Accumulator<T>;
    run_matmul<T, A>(s, y, false, x, false, weight, true, scratch);
    if (softcap != 0)
      kernels::soft_cap(s,
                        kernels::SoftCap<A>{.y = y.data<A>(), .count = y.size(), .scale = scale, .softcap = softcap});
    else if (scale != 1)
      kernels::scale(s, kernels::Scale<A>{.y = y.data<A>(), .x = y.data<A>(), .count = y.size(), .alpha = scale});
  });
  if (!ctx.recording(x, weight)) return y;
  if (softcap != 0) throw Failure(ErrorCode::kUnimplemented, "[project] capped logits have no gradient");
  ctx.tape->record(y, [=, x = read_by(weight, x)](Context& c, const Tensor& dy) {
    linear_backward(c, x, weight, {}, rounded(c, maru::scale(c, dy, scale), x.dtype()));
  });
  return y;
}

void cap_logits(Context& ctx, const Tensor& y, double softcap) {
  ctx.launch(y.dtype(), [&]<class T>(auto& s) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::soft_cap(s, kernels::SoftCap<T>{.y = y.data<T>(), .count = y.size(), .scale = 1, .softcap = softcap});
  });
}

}  // namespace maru
