#include "ops/pooling.h"

#include <fmt/format.h>

#include "kernels/pooling/pooling.h"

namespace maru {
namespace {

using kernels::RowSpan;

// The rows that are averaged; of one, the average is the row.
RowSpan pooled_rows(const KeySpan& span, Pooling pooling) {
  if (pooling == Pooling::kMean) return {span.first_row, span.rows};
  return {pooling == Pooling::kFirst ? span.first_row : span.first_row + span.rows - 1, 1};
}

void check_pooling(const Tensor& x, const std::vector<KeySpan>& spans) {
  for (const KeySpan& s : spans)
    if (s.rows < 1 || s.first_row < 0 || s.first_row + s.rows > x.rows())
      throw Failure(ErrorCode::kInvalidArgument, fmt::format("[pool] a span of rows {} to {}, expected some of {}",
                                                             s.first_row, s.first_row + s.rows, x.rows()));
}

void pool_backward(Context& c, const Tensor& x, const std::vector<RowSpan>& rows, const Tensor& dy) {
  const Gradient dx = c.tape->gradient(c, x);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    kernels::pooling_backward(stream, kernels::PoolingBackward<T>{.dx = dx.template data<T>(),
                                                                  .add_dx = dx.add,
                                                                  .dy = dy.data<T>(),
                                                                  .spans = rows.data(),
                                                                  .num_spans = dy.rows(),
                                                                  .rows = x.rows(),
                                                                  .cols = x.cols()});
  });
}

}  // namespace

Tensor pool(Context& ctx, const Tensor& x, const std::vector<KeySpan>& spans, Pooling pooling) {
  check_pooling(x, spans);
  std::vector<RowSpan> rows;
  for (const KeySpan& span : spans) rows.push_back(pooled_rows(span, pooling));
  Tensor y = ctx.empty({static_cast<int64_t>(rows.size()), x.cols()}, x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::pooling_forward(
        stream, kernels::PoolingForward<T>{
                    .y = y.data<T>(), .x = x.data<T>(), .spans = rows.data(), .num_spans = y.rows(), .cols = x.cols()});
  });
  if (ctx.recording(x)) ctx.tape->record(y, [=](Context& c, const Tensor& dy) { pool_backward(c, x, rows, dy); });
  return y;
}

}  // namespace maru
