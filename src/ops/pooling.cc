#include "ops/pooling.h"

#include <fmt/format.h>

namespace maru {
namespace {

void check_pooling(const Tensor& x, const KeySpans& spans) {
  for (const KeySpan& s : spans.host)
    if (s.rows < 1 || s.first_row < 0 || s.first_row + s.rows > x.rows())
      throw Failure(ErrorCode::kInvalidArgument, fmt::format("[pool] a span of rows {} to {}, expected some of {}",
                                                             s.first_row, s.first_row + s.rows, x.rows()));
}

void pool_backward(Context& c, const Tensor& x, const KeySpans& spans, Pooling pooling, const Tensor& dy) {
  const Gradient dx = c.tape->gradient(c, x);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    kernels::pooling_backward(stream, kernels::PoolingBackward<T>{.dx = dx.template data<T>(),
                                                                  .add_dx = dx.add,
                                                                  .dy = dy.data<T>(),
                                                                  .spans = spans.table.data<kernels::AttentionSpan>(),
                                                                  .num_spans = dy.rows(),
                                                                  .rows = x.rows(),
                                                                  .cols = x.cols(),
                                                                  .pooling = pooling});
  });
}

}  // namespace

Tensor pool(Context& ctx, const Tensor& x, const KeySpans& spans, Pooling pooling) {
  check_pooling(x, spans);
  Tensor y = ctx.empty({spans.size(), x.cols()}, x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::pooling_forward(stream, kernels::PoolingForward<T>{.y = y.data<T>(),
                                                                .x = x.data<T>(),
                                                                .spans = spans.table.data<kernels::AttentionSpan>(),
                                                                .num_spans = y.rows(),
                                                                .cols = x.cols(),
                                                                .pooling = pooling});
  });
  if (ctx.recording(x))
    ctx.tape->record(y, [=](Context& c, const Tensor& dy) { pool_backward(c, x, spans, pooling, dy); });
  return y;
}

}  // namespace maru
