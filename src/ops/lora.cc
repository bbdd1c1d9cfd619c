#include "ops/lora.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "kernels/bias/bias.h"
#include "ops/elementwise.h"
#include "ops/embedding.h"
#include "ops/linear.h"
#include "ops/quantized.h"

namespace maru {
namespace {

void check(const char* op, const Context& ctx, const Tensor& y, const LoraWeights& lora) {
  if (ctx.tape != nullptr)
    throw Failure(ErrorCode::kUnimplemented, fmt::format("[{}] adapters are for serving: they have no gradient", op));
  if (y.cols() == lora.b.rows()) return;
  throw Failure(ErrorCode::kInvalidArgument,
                fmt::format("[{}] y is [{}, {}], expected {} columns as b [{}, {}] has rows", op, y.rows(), y.cols(),
                            lora.b.rows(), lora.b.rows(), lora.b.cols()));
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

// From the inner product a · x on.
Tensor add_update(Context& ctx, const Tensor& y, const Tensor& inner, const LoraWeights& lora, const Tensor& bias,
                  double multiplier) {
  const Tensor update = y.dtype() == inner.dtype() ? linear(ctx, inner, lora.b) : project(ctx, inner, lora.b);
  const double alpha = multiplier * lora.scale;
  if (lora.row_scale) return scaled_columns(ctx, y, update, alpha, lora.row_scale, bias);
  return add_scaled(ctx, y, update, alpha);
}

template <class T>
double as_double(T x) {
  if constexpr (std::is_same_v<T, bfloat16>)
    return to_float(x);
  else if constexpr (std::is_same_v<T, std::complex<double>>)
    return x.real();
  else
    return x;
}

std::vector<double> values_of(const Tensor& on_device) {
  const Tensor t = to_host(on_device);
  std::vector<double> values(static_cast<size_t>(t.size()));
  visit_dtype(t.dtype(), [&]<class T>() {
    for (int64_t i = 0; i < t.size(); ++i) values[static_cast<size_t>(i)] = as_double(t.data<T>()[i]);
  });
  return values;
}

// The same numbers in the accumulator type.
Tensor widened(Context& ctx, const Tensor& t) {
  if (t.dtype() == accumulator_of(t.dtype())) return t;
  const std::vector<double> values = values_of(t);
  const std::vector<float> wide(values.begin(), values.end());
  return ctx.upload(wide.data(), t.shape(), Dtype::kF32);
}

// Four sums that do not wait for each other.
template <class T>
double sum_of_squares(const T* x, int64_t count) {
  double sums[4] = {};
  for (int64_t i = 0; i < count; ++i) {
    const double value = as_double(x[i]);
    sums[i % 4] += value * value;
  }
  return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

std::vector<double> row_squares(Context& ctx, const Tensor& weight) {
  std::vector<double> squares(static_cast<size_t>(weight.rows()));
  ctx.launch(weight.dtype(), [&]<class T>(auto& stream) {
    stream.pool->parallel_for(weight.rows(), [&](int64_t r, int) {
      squares[static_cast<size_t>(r)] = sum_of_squares(weight.data<T>() + r * weight.cols(), weight.cols());
    });
  });
  return squares;
}

}  // namespace

Tensor add_lora(Context& ctx, const Tensor& y, const Tensor& x, const LoraWeights& lora, const Tensor& bias,
                double multiplier) {
  check("add_lora", ctx, y, lora);
  return add_update(ctx, y, linear(ctx, x, lora.a), lora, bias, multiplier);
}

Tensor add_lora_rows(Context& ctx, const Tensor& y, const Tensor& tokens, const LoraWeights& lora, double multiplier) {
  check("add_lora_rows", ctx, y, lora);
  return add_update(ctx, y, embedding(ctx, tokens, lora.a), lora, {}, multiplier);
}

std::vector<double> lora_row_norms(Context& ctx, const Parameter& parameter, const LoraWeights& lora) {
  const Tensor weight = parameter.quantized ? dequantize(ctx, parameter.quantized) : parameter.value;
  const Tensor a = widened(ctx, lora.a), b = widened(ctx, lora.b);
  const std::vector<double> cross = values_of(project(ctx, lora.a.dtype() == weight.dtype() ? lora.a : a, weight));
  const std::vector<double> products = values_of(project(ctx, b, project(ctx, a, a)));  // b · (a · aᵀ)
  const std::vector<double> factors = values_of(b);
  std::vector<double> norms = row_squares(ctx, weight);
  const size_t rows = norms.size(), rank = static_cast<size_t>(lora.b.cols());
  for (size_t r = 0; r < rows; ++r) {
    double mixed = 0, own = 0;
    for (size_t k = 0; k < rank; ++k) {
      mixed += factors[r * rank + k] * cross[k * rows + r];
      own += factors[r * rank + k] * products[r * rank + k];
    }
    norms[r] = std::sqrt(std::max(0.0, norms[r] + lora.scale * (2 * mixed + lora.scale * own)));
  }
  return norms;
}

}  // namespace maru
