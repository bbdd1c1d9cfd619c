#include "ops/embedding.h"

#include "kernels/embedding/embedding.h"

namespace maru {
namespace {

void look_up(Context& ctx, const Tensor& y, const Tensor& table, const Tensor& rows, double multiplier) {
  ctx.launch(y.dtype(), [&]<class T>(auto& stream) {
    kernels::embedding_forward(stream, kernels::EmbeddingForward<T>{.y = y.data<T>(),
                                                                    .table = table.data<T>(),
                                                                    .tokens = rows.data<int32_t>(),
                                                                    .rows = rows.rows(),
                                                                    .cols = table.cols(),
                                                                    .multiplier = multiplier});
  });
}

}  // namespace

Tensor embedding(Context& ctx, const Tensor& tokens, const Tensor& table, double multiplier) {
  Tensor y = ctx.empty({tokens.rows(), table.cols()}, table.dtype());
  look_up(ctx, y, table, tokens, multiplier);
  if (ctx.recording(table))
    ctx.tape->record(y, [=](Context& c, const Tensor& dy) {
      const Gradient dtable = c.tape->gradient(c, table);
      c.launch(dy.dtype(), [&]<class T>(auto& stream) {
        kernels::embedding_backward(
            stream, kernels::EmbeddingBackward<T>{.dtable = dtable.template data<kernels::Accumulator<T>>(),
                                                  .dy = dy.data<T>(),
                                                  .tokens = tokens.data<int32_t>(),
                                                  .rows = tokens.rows(),
                                                  .cols = table.cols(),
                                                  .multiplier = multiplier});
      });
    });
  return y;
}

Tensor gather_rows(Context& ctx, const Tensor& x, const Tensor& rows) {
  Tensor y = ctx.empty({rows.rows(), x.cols()}, x.dtype());
  look_up(ctx, y, x, rows, 1);
  return y;
}

}  // namespace maru
