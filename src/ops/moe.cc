#include "ops/moe.h"

#include <fmt/format.h>

#include <algorithm>

#include "kernels/matmul/matmul.h"
#include "kernels/moe/moe.h"
#include "ops/quantized.h"

namespace maru {
namespace {

// Products come in few sizes, so that their scratch is known before the tokens have chosen: up to kFew rows exactly,
// then multiples of it. The rows too many are the next expert's, whose turn comes later, or spare ones at the end.
constexpr int64_t kFew = 8, kMost = 256;

int64_t piece_of(int64_t rows) {
  if (rows >= kMost) return kMost;
  return rows <= kFew ? rows : kernels::divide_up(rows, kFew) * kFew;
}

int64_t largest_scratch(const Context& ctx, Dtype dtype, int64_t rows, Shape weight) {
  int64_t most = 0;
  for (int64_t m = 1; m <= std::min(kMost, piece_of(rows)); m = m < kFew ? m + 1 : m + kFew)
    most = std::max(most, ctx.ask(dtype, [&]<class T>(auto& stream) {
      return kernels::matmul_scratch_bytes<T>(stream, m, weight.rows, weight.cols);
    }));
  return most;
}

template <class T>
void multiply_group(auto& stream, const Tensor& y, const Tensor& x, const Parameter& weight, int64_t first,
                    int64_t last, const Tensor& scratch) {
  for (int64_t row = first, m = 0; row < last; row += m) {
    m = piece_of(last - row);
    kernels::matmul(stream, kernels::Matmul<T>{.c = y.data<T>() + row * y.cols(),
                                               .ldc = y.cols(),
                                               .a = x.data<T>() + row * x.cols(),
                                               .lda = x.cols(),
                                               .b = weight.value.data<T>(),
                                               .ldb = x.cols(),
                                               .transpose_b = true,
                                               .m = m,
                                               .n = y.cols(),
                                               .k = x.cols(),
                                               .scratch = scratch.data<std::byte>()});
  }
}

// The rows of each expert with its quantized weight: no sizes to be known before, scratch is that of all rows.
Tensor quantized_groups(Context& ctx, const Tensor& x, const std::vector<const Parameter*>& weights,
                        const Routing& routing) {
  for (const Parameter* weight : weights)
    if (!weight->quantized)
      throw Failure(ErrorCode::kInvalidArgument,
                    "[grouped_linear] " + weight->name + " is not quantized as the first expert's weight is");
  Tensor y = ctx.empty({x.rows(), weights.front()->quantized.shape.rows}, x.dtype());
  const Tensor scratch = ctx.scratch(quantized_scratch_bytes(ctx, x));
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    if constexpr (!std::is_same_v<T, std::complex<double>>) {
      const int32_t* first = routing.first.data<int32_t>();
      for (size_t e = 0; e < weights.size(); ++e)
        kernels::quantized_matmul(stream, kernels::QuantizedMatmul<T>{.c = y.data<T>() + first[e] * y.cols(),
                                                                      .ldc = y.cols(),
                                                                      .x = x.data<T>() + first[e] * x.cols(),
                                                                      .ldx = x.cols(),
                                                                      .m = first[e + 1] - first[e],
                                                                      .w = quantized_matrix(weights[e]->quantized),
                                                                      .scratch = scratch.data<std::byte>()});
      std::fill_n(y.data<T>() + first[weights.size()] * y.cols(), kFew * y.cols(), T{});
    }
  });
  return y;
}

}  // namespace

Routing route(Context& ctx, const Tensor& logits, const Tensor& bias, const RoutingOptions& o) {
  if (logits.cols() != o.experts || (bias && bias.cols() != o.experts))
    throw Failure(
        ErrorCode::kInvalidArgument,
        fmt::format("[route] logits have {} columns, expected one for each of {} experts", logits.cols(), o.experts));
  const int64_t tokens = logits.rows(), pairs = tokens * o.per_token;
  const Routing routing{ctx.empty({tokens, o.per_token}, logits.dtype()), ctx.empty({tokens, o.per_token}, Dtype::kI32),
                        ctx.empty({pairs + kFew, 1}, Dtype::kI32), ctx.empty({1, o.experts + 1}, Dtype::kI32)};
  const Tensor scratch = ctx.empty({3, o.experts}, logits.dtype());
  ctx.launch(logits.dtype(), [&]<class T>(auto&) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>) {
      kernels::route(kernels::Route<T>{.weights = routing.weights.data<T>(),
                                       .places = routing.places.data<int32_t>(),
                                       .grouped_rows = routing.rows.data<int32_t>(),
                                       .first = routing.first.data<int32_t>(),
                                       .logits = logits.data<T>(),
                                       .bias = bias.data<T>(),
                                       .rows = tokens,
                                       .experts = o.experts,
                                       .per_token = o.per_token,
                                       .sigmoid = o.sigmoid,
                                       .normalise = o.normalise,
                                       .scale = o.scale,
                                       .groups = o.groups,
                                       .top_groups = o.top_groups,
                                       .scratch = scratch.data<T>()});
      std::fill_n(routing.rows.data<int32_t>() + pairs, kFew, 0);
    }
  });
  return routing;
}

Tensor grouped_linear(Context& ctx, const Tensor& x, const std::vector<const Parameter*>& weights,
                      const Routing& routing) {
  if (weights.front()->quantized) return quantized_groups(ctx, x, weights, routing);
  for (const Parameter* weight : weights)
    if (weight->quantized)
      throw Failure(ErrorCode::kInvalidArgument,
                    "[grouped_linear] " + weight->name + " is quantized, the first expert's weight is not");
  const Shape shape = weights.front()->value.shape();
  Tensor y = ctx.empty({x.rows(), shape.rows}, x.dtype());
  const Tensor scratch = ctx.scratch(largest_scratch(ctx, x.dtype(), x.rows(), shape));
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    const int32_t* first = routing.first.data<int32_t>();
    for (size_t e = 0; e < weights.size(); ++e)
      multiply_group<T>(stream, y, x, *weights[e], first[e], first[e + 1], scratch);
    std::fill_n(y.data<T>() + first[weights.size()] * y.cols(), kFew * y.cols(), T{});
  });
  return y;
}

Tensor combine(Context& ctx, const Tensor& x, const Routing& routing) {
  Tensor y = ctx.empty({routing.places.rows(), x.cols()}, x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::combine(stream, kernels::Combine<T>{.y = y.data<T>(),
                                                 .x = x.data<T>(),
                                                 .weights = routing.weights.data<A>(),
                                                 .places = routing.places.data<int32_t>(),
                                                 .rows = y.rows(),
                                                 .cols = y.cols(),
                                                 .per_token = routing.places.cols()});
  });
  return y;
}

}  // namespace maru
