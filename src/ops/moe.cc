#include "ops/moe.h"

#include <fmt/format.h>

#include <utility>

#include "kernels/matmul/matmul.h"
#include "kernels/moe/moe.h"
#include "ops/embedding.h"
#include "ops/quantized.h"

namespace maru {
namespace {

// One row for each expert, as the kernels read them.
template <class Row>
Tensor upload_table(Context& ctx, const std::vector<Row>& rows) {
  return ctx.upload(rows.data(), {static_cast<int64_t>(rows.size()), sizeof(Row)}, Dtype::kU8);
}

// The rows of each expert with its quantized weight: no sizes to be known before, scratch is that of all rows.
Tensor quantized_groups(Context& ctx, const Tensor& x, const std::vector<Parameter*>& weights, const Routing& routing) {
  if (ctx.tape != nullptr)
    throw Failure(ErrorCode::kUnimplemented, "[grouped_linear] quantized weights have no gradient");
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

void route_backward(Context& c, const Tensor& logits, const Tensor& places, const Tensor& first,
                    const RoutingOptions& o, const Tensor& dweights) {
  const Gradient dlogits = c.tape->gradient(c, logits);
  const int64_t bytes = c.ask(logits.dtype(), [&]<class T>(auto& stream) {
    return kernels::route_scratch_bytes<kernels::Accumulator<T>>(stream, o.experts);
  });
  const Tensor scratch = c.scratch(bytes);
  c.launch(logits.dtype(), [&]<class T>(auto& stream) {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::route_backward(stream, kernels::RouteBackward<T>{.dlogits = dlogits.template data<T>(),
                                                                .add_dlogits = dlogits.add,
                                                                .dweights = dweights.data<T>(),
                                                                .logits = logits.data<T>(),
                                                                .places = places.data<int32_t>(),
                                                                .first = first.data<int32_t>(),
                                                                .rows = logits.rows(),
                                                                .experts = o.experts,
                                                                .per_token = o.per_token,
                                                                .sigmoid = o.sigmoid,
                                                                .normalise = o.normalise,
                                                                .scale = o.scale,
                                                                .scratch = scratch.data<std::byte>()});
  });
}

// The experts' weights as they are on the tape.
struct Saved {
  Tensor x, first;
  std::vector<Tensor> weights;
};

void grouped_backward(Context& c, const Saved& s, const Tensor& dy) {
  const Gradient dx = c.tape->gradient(c, s.x);
  std::vector<Gradient> gradients;
  for (const Tensor& weight : s.weights) gradients.push_back(c.tape->gradient(c, weight));
  const Shape shape = s.weights.front().shape();
  const int64_t bytes = c.ask(dy.dtype(), [&]<class T>(auto& stream) {
    return kernels::grouped_matmul_backward_scratch_bytes<T>(stream, dy.rows(), shape.rows, shape.cols);
  });
  const Tensor scratch = c.scratch(bytes);
  std::vector<const std::byte*> values;
  std::vector<std::byte*> sums;
  for (const Tensor& weight : s.weights) values.push_back(weight.data<std::byte>());
  for (const Gradient& gradient : gradients) sums.push_back(gradient.data<std::byte>());
  const Tensor weights = upload_table(c, values), dweights = upload_table(c, sums);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::grouped_matmul_backward(stream,
                                     kernels::GroupedMatmulBackward<T>{.dx = dx.template data<T>(),
                                                                       .add_dx = dx.add,
                                                                       .dweights = dweights.data<A*>(),
                                                                       .dy = dy.data<T>(),
                                                                       .x = s.x.data<T>(),
                                                                       .weights = weights.data<const T*>(),
                                                                       .first = s.first.data<int32_t>(),
                                                                       .groups = weights.rows(),
                                                                       .rows = dy.rows(),
                                                                       .n = shape.rows,
                                                                       .k = shape.cols,
                                                                       .scratch = scratch.data<std::byte>()});
  });
}

void combine_backward(Context& c, const Tensor& x, const Tensor& weights, const Tensor& places, const Tensor& dy) {
  const Gradient dx = c.tape->gradient(c, x), dweights = c.tape->gradient(c, weights);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::combine_backward(stream, kernels::CombineBackward<T>{.dx = dx.template data<T>(),
                                                                  .dweights = dweights.template data<A>(),
                                                                  .add_dx = dx.add,
                                                                  .add_dweights = dweights.add,
                                                                  .dy = dy.data<T>(),
                                                                  .x = x.data<T>(),
                                                                  .weights = weights.data<A>(),
                                                                  .places = places.data<int32_t>(),
                                                                  .rows = dy.rows(),
                                                                  .cols = dy.cols(),
                                                                  .per_token = places.cols(),
                                                                  .grouped_rows = x.rows()});
  });
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
  Routing routing{ctx.empty({tokens, o.per_token}, logits.dtype()), ctx.empty({tokens, o.per_token}, Dtype::kI32),
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
  if (ctx.recording(logits))
    ctx.tape->record(routing.weights,
                     [=, places = routing.places, first = routing.first](Context& c, const Tensor& dy) {
                       route_backward(c, logits, places, first, o, dy);
                     });
  return routing;
}

Tensor group_rows(Context& ctx, const Tensor& x, const Routing& routing) {
  Tensor y = gather_rows(ctx, x, routing.rows);
  if (ctx.recording(x))
    ctx.tape->record(y, [x = without_values(x), places = routing.places](Context& c, const Tensor& dy) {
      const Gradient dx = c.tape->gradient(c, x);
      c.launch(dy.dtype(), [&]<class T>(auto& stream) {
        kernels::combine(stream, kernels::Combine<T>{.y = dx.template data<T>(),
                                                     .add_y = dx.add,
                                                     .x = dy.data<T>(),
                                                     .weights = nullptr,
                                                     .places = places.data<int32_t>(),
                                                     .rows = x.rows(),
                                                     .cols = x.cols(),
                                                     .per_token = places.cols()});
      });
    });
  return y;
}

Tensor grouped_linear(Context& ctx, const Tensor& x, const std::vector<Parameter*>& weights, const Routing& routing) {
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
  if (ctx.tape != nullptr) {
    Saved saved{x, routing.first, {}};
    for (Parameter* weight : weights) saved.weights.push_back(ctx.use(*weight));
    ctx.tape->record(y, [s = std::move(saved)](Context& c, const Tensor& dy) { grouped_backward(c, s, dy); });
  }
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
  if (ctx.recording(x, routing.weights))
    ctx.tape->record(y, [=, weights = routing.weights, places = routing.places](Context& c, const Tensor& dy) {
      combine_backward(c, x, weights, places, dy);
    });
  return y;
}

}  // namespace maru
