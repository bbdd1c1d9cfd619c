// How a layer computes with the adapters of a batch's rows.
#pragma once
#include <initializer_list>

#include "ops/context.h"

namespace maru {

/// What rows compute with in place of a parameter: an adapter's, or the parameter itself. For contexts in which all
/// rows use the same.
Parameter& chosen(Context&, Parameter&);

/// When rows of several adapters cannot share what the model's own weight gives.
enum class Apart : uint8_t {
  kReplaced,  // an adapter has another parameter in its place
  kScaled,    // or scales the rows of the first one, before a bias is added
  kUpdated,   // or adds to the first one
};
/// Whether rows of a context must be computed apart, for some adapter of theirs.
bool differ(const Context&, std::initializer_list<const Parameter*>, Apart);

/// y with each run of rows written by f(ctx, rows of x), in whose context all rows use one adapter.
///
/// Throws   kUnimplemented while recording: the rows of one training batch use one adapter.
template <class F>
Tensor run_by_run(Context& ctx, const Tensor& x, const F& f) {
  if (ctx.tape != nullptr)
    throw Failure(ErrorCode::kUnimplemented, "[adapters] rows of several adapters have no gradient");
  Tensor y;
  int64_t first = 0;
  for (const AdapterRun& run : *ctx.adapters) {
    const AdapterRuns alone{run};
    Context rows = ctx;
    rows.adapters = &alone;
    const Tensor part = f(rows, x.rows_from(first, run.rows));
    if (!y) y = ctx.empty({x.rows(), part.cols()}, part.dtype());
    if (!ctx.arena.dry()) ctx.device.copy(y.rows_from(first, run.rows), part);
    first += run.rows;
  }
  CHECK(first == x.rows());
  return y;
}

/// f(ctx, x), run by run where it must be.
template <class F>
Tensor by_adapter(Context& ctx, const Tensor& x, std::initializer_list<const Parameter*> parameters, const F& f,
                  Apart when = Apart::kReplaced) {
  return differ(ctx, parameters, when) ? run_by_run(ctx, x, f) : f(ctx, x);
}

/// The update beside a weight, where all rows have the same; else null.
LoraWeights* common_update(const Context&, const Parameter& weight);
/// Calls add(ctx, rows of y, rows of x, update) for every run of rows that has an update beside the weight; what it
/// gives stands in their place.
template <class F>
Tensor with_updates(Context& ctx, const Tensor& y, const Tensor& x, const Parameter& weight, const F& add) {
  if (ctx.adapters == nullptr) return y;
  if (ctx.adapters->size() == 1) {
    LoraWeights* const update = common_update(ctx, weight);
    return update != nullptr ? add(ctx, y, x, *update) : y;
  }
  int64_t first = 0;
  for (const AdapterRun& run : *ctx.adapters) {
    LoraWeights* const update = run.adapter != nullptr ? run.adapter->update(weight) : nullptr;
    if (update != nullptr) {
      const Tensor rows = y.rows_from(first, run.rows);
      const Tensor sum = add(ctx, rows, x.rows_from(first, run.rows), *update);
      if (!ctx.arena.dry()) ctx.device.copy(rows, sum);
    }
    first += run.rows;
  }
  return y;
}

}  // namespace maru
