#include "ops/moe.h"

#include <fmt/format.h>

#include <utility>

#include "kernels/matmul/matmul.h"
#include "kernels/moe/moe.h"
#include "ops/quantized.h"

namespace maru {
namespace {

// One row for each expert, as the kernels read them.
template <class Row>
Tensor upload_table(Context& ctx, const std::vector<Row>& rows) {
  return ctx.upload(rows.data(), {static_cast<int64_t>(rows.size()), sizeof(Row)}, Dtype::kU8);
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
  std::vector<kernels::QuantizedMatrix> matrices;
  for (const Parameter* weight : weights) matrices.push_back(quantized_matrix(weight->quantized));
  const Tensor table = upload_table(ctx, matrices);
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    if constexpr (!std::is_same_v<T, std::complex<double>>)
      kernels::quantized_grouped_matmul(
          stream, kernels::QuantizedGroupedMatmul<T>{.c = y.data<T>(),
                                                     .x = x.data<T>(),
                                                     .weights = table.data<kernels::QuantizedMatrix>(),
                                                     .first = routing.first.data<int32_t>(),
                                                     .groups = table.rows(),
                                                     .rows = x.rows(),
                                                     .scratch = scratch.data<std::byte>()});
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
  const auto [spare, bytes] = ctx.ask(logits.dtype(), [&]<class T>(auto& stream) {
    return std::pair{kernels::grouped_spare_rows(stream),
                     kernels::route_scratch_bytes<kernels::Accumulator<T>>(stream, o.experts)};
  });
  const Routing routing{ctx.empty({tokens, o.per_token}, logits.dtype()), ctx.empty({tokens, o.per_token}, Dtype::kI32),
                        ctx.empty({pairs + spare, 1}, Dtype::kI32), ctx.empty({1, o.experts + 1}, Dtype::kI32)};
  const Tensor scratch = ctx.scratch(bytes);
  ctx.launch(logits.dtype(), [&, spare = spare]<class T>(auto& stream) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::route(stream, kernels::Route<T>{.weights = routing.weights.data<T>(),
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
                                               .spare = spare,
                                               .scratch = scratch.data<std::byte>()});
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
  const int64_t bytes = ctx.ask(x.dtype(), [&]<class T>(auto& stream) {
    return kernels::grouped_matmul_scratch_bytes<T>(stream, x.rows(), shape.rows, shape.cols);
  });
  const Tensor scratch = ctx.scratch(bytes);
  std::vector<const void*> addresses;
  for (const Parameter* weight : weights) addresses.push_back(weight->value.data<std::byte>());
  const Tensor matrices = upload_table(ctx, addresses);
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::grouped_matmul(stream, kernels::GroupedMatmul<T>{.y = y.data<T>(),
                                                              .x = x.data<T>(),
                                                              .weights = matrices.data<const T*>(),
                                                              .first = routing.first.data<int32_t>(),
                                                              .groups = matrices.rows(),
                                                              .rows = x.rows(),
                                                              .n = shape.rows,
                                                              .k = shape.cols,
                                                              .scratch = scratch.data<std::byte>()});
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
