#include "ops/rope.h"

#include <fmt/format.h>

#include "kernels/rope/rope.h"

namespace maru {
namespace {

struct RopeOp {
  Tensor positions;
  RopeTable table;
  int64_t head_dim;
};

void rotate(Context& ctx, const RopeOp& op, const Tensor& y, const Tensor& x, bool inverse, bool add) {
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    using A = kernels::Accumulator<T>;
    kernels::rope(stream, kernels::Rope<T>{.y = y.data<T>(),
                                           .x = x.data<T>(),
                                           .y_stride = y.cols(),
                                           .x_stride = x.cols(),
                                           .add = add,
                                           .inverse = inverse,
                                           .interleaved = op.table.interleaved,
                                           .positions = op.positions.data<int32_t>(),
                                           .cos = op.table.cos.data<A>(),
                                           .sin = op.table.sin.data<A>(),
                                           .rows = x.rows(),
                                           .heads = x.cols() / op.head_dim,
                                           .head_dim = op.head_dim,
                                           .rotary_dim = 2 * op.table.cos.cols()});
  });
}

}  // namespace

void fill_rope_table(const RopeTable& table, std::span<const double> frequencies, double magnitude) {
  CHECK(static_cast<int64_t>(frequencies.size()) == table.cos.cols());
  visit_dtype(table.cos.dtype(), [&]<class T>() {
    if constexpr (std::is_same_v<T, kernels::Accumulator<T>>)
      kernels::rope_table(table.cos.data<T>(), table.sin.data<T>(), table.cos.rows(), frequencies.data(),
                          table.cos.cols(), magnitude);
  });
}

Tensor rope(Context& ctx, const Tensor& x, const Tensor& positions, const RopeTable& table, int64_t head_dim) {
  if (x.cols() % head_dim != 0 || positions.rows() != x.rows())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[rope] x is [{}, {}], expected a multiple of head_dim = {} columns and {} rows",
                              x.rows(), x.cols(), head_dim, positions.rows()));
  Tensor y = ctx.empty(x.shape(), x.dtype());
  const RopeOp op{positions, table, head_dim};
  rotate(ctx, op, y, x, false, false);
  if (ctx.recording(x))
    ctx.tape->record(y, [op, x = without_values(x)](Context& c, const Tensor& dy) {
      const Gradient dx = c.tape->gradient(c, x);
      rotate(c, op, dx.tensor, dy, true, dx.add);
    });
  return y;
}

}  // namespace maru
