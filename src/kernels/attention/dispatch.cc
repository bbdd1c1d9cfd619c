#include <algorithm>

#include "kernels/attention/attention.h"
#include "kernels/attention/plan.h"
#include "kernels/attention/reference.h"

namespace maru::kernels {
namespace {

constexpr int64_t kAlignment = 64;

template <class Workspace, class... Sizes>
int64_t workspace_bytes(const AttentionShape& shape, Sizes... sizes) {
  Carver carver;
  Workspace workspace(carver, shape, sizes...);
  return carver.used;
}

int64_t plan_bytes(int64_t num_spans) {
  return kAlignment + divide_up((num_spans + 1) * static_cast<int64_t>(sizeof(SpanTasks)), kAlignment) * kAlignment;
}

/// Orders spans by cost and numbers their tasks. Takes its memory from the carver.
template <class Count>
const SpanTasks* order_tasks(Carver& carver, const AttentionSpan* spans, int64_t num_spans, Count count) {
  SpanTasks* tasks = carver.take<SpanTasks>(num_spans + 1);
  for (int64_t i = 0; i <= num_spans; ++i) tasks[i] = {0, i};
  auto keys = [&](const SpanTasks& t) { return spans[t.span].past + spans[t.span].rows; };
  std::sort(tasks, tasks + num_spans, [&](const SpanTasks& a, const SpanTasks& b) {
    return keys(a) != keys(b) ? keys(a) > keys(b) : a.span < b.span;
  });
  for (int64_t i = 0; i < num_spans; ++i) tasks[i + 1].first = tasks[i].first + count(spans[tasks[i].span]);
  return tasks;
}

Carver aligned(std::byte* scratch) {
  const auto address = reinterpret_cast<uintptr_t>(scratch);
  return {scratch + (kAlignment - address % kAlignment) % kAlignment};
}

template <class T>
TaskPlan forward_plan(const AttentionForward<T>& a) {
  Carver carver = aligned(a.scratch);
  auto count = [&](const AttentionSpan& span) { return forward_blocks(a.shape, span) * a.shape.kv_heads; };
  const SpanTasks* tasks = order_tasks(carver, a.spans, a.num_spans, count);
  return {tasks, a.num_spans, carver.rest(), workspace_bytes<ForwardWorkspace<T>>(a.shape), nullptr, 0};
}

/// Sums of dk and dv in two ranges, for sequences that are split.
int64_t partial_floats(const AttentionShape& shape, int64_t rows, int64_t longest) {
  return backward_ranges(shape, longest) == 1 ? 0 : rows * shape.kv_heads * 2 * 2 * shape.head_dim;
}

template <class T>
TaskPlan backward_plan(const AttentionBackward<T>& a) {
  Carver carver = aligned(a.scratch);
  auto count = [&](const AttentionSpan& span) {
    return span.rows == 0 ? 0 : a.shape.kv_heads * backward_ranges(a.shape, span.rows);
  };
  const SpanTasks* tasks = order_tasks(carver, a.spans, a.num_spans, count);
  int64_t rows = 0, longest = 0;
  for (int64_t i = 0; i < a.num_spans; ++i) {
    rows = std::max(rows, a.spans[i].first_row + a.spans[i].rows);
    longest = std::max(longest, a.spans[i].rows);
  }
  float* partials = carver.take<float>(partial_floats(a.shape, rows, longest));
  const int64_t worker_bytes = workspace_bytes<BackwardWorkspace<T>>(a.shape, longest);
  return {tasks, a.num_spans, carver.rest(), worker_bytes, partials, longest};
}

}  // namespace

template <class T>
int64_t attention_forward_scratch_bytes(const CpuStream& stream, const AttentionShape& shape, int64_t num_spans) {
  if constexpr (kIsSimd<T>)
    return plan_bytes(num_spans) + stream.pool->size() * workspace_bytes<ForwardWorkspace<T>>(shape);
  return 0;
}

template <class T>
int64_t attention_backward_scratch_bytes(const CpuStream& stream, const AttentionShape& shape, int64_t num_spans,
                                         int64_t rows, int64_t longest) {
  if constexpr (kIsSimd<T>) {
    const auto partials = partial_floats(shape, rows, longest) * static_cast<int64_t>(sizeof(float));
    const int64_t worker_bytes = workspace_bytes<BackwardWorkspace<T>>(shape, longest);
    return plan_bytes(num_spans) + kAlignment + partials + stream.pool->size() * worker_bytes;
  }
  return 0;
}

template <class T>
void append_keys(CpuStream& stream, const AppendKeys<T>& a) {
  if constexpr (kIsSimd<T>)
    with_isa(stream.isa, [&]<Isa isa>() { append_keys<isa>(*stream.pool, a); });
  else
    reference::append_keys(a);
}

template <class T>
void attention_forward(CpuStream& stream, const AttentionForward<T>& a) {
  if constexpr (kIsSimd<T>) {
    const TaskPlan plan = forward_plan(a);
    with_tiles_isa(stream.isa, [&]<Isa isa>() { attention_forward<isa>(*stream.pool, a, plan); });
  } else {
    reference::attention_forward(a);
  }
}

template <class T>
void attention_backward(CpuStream& stream, const AttentionBackward<T>& a) {
  if constexpr (kIsSimd<T>) {
    const TaskPlan plan = backward_plan(a);
    with_tiles_isa(stream.isa, [&]<Isa isa>() { attention_backward<isa>(*stream.pool, a, plan); });
  } else {
    reference::attention_backward(a);
  }
}

using Complex = std::complex<double>;
template void append_keys(CpuStream&, const AppendKeys<float>&);
template void append_keys(CpuStream&, const AppendKeys<bfloat16>&);
template void append_keys(CpuStream&, const AppendKeys<double>&);
template void append_keys(CpuStream&, const AppendKeys<Complex>&);
template int64_t attention_forward_scratch_bytes<float>(const CpuStream&, const AttentionShape&, int64_t);
template int64_t attention_forward_scratch_bytes<bfloat16>(const CpuStream&, const AttentionShape&, int64_t);
template int64_t attention_forward_scratch_bytes<double>(const CpuStream&, const AttentionShape&, int64_t);
template int64_t attention_forward_scratch_bytes<Complex>(const CpuStream&, const AttentionShape&, int64_t);
template void attention_forward(CpuStream&, const AttentionForward<float>&);
template void attention_forward(CpuStream&, const AttentionForward<bfloat16>&);
template void attention_forward(CpuStream&, const AttentionForward<double>&);
template void attention_forward(CpuStream&, const AttentionForward<Complex>&);
template int64_t attention_backward_scratch_bytes<float>(const CpuStream&, const AttentionShape&, int64_t, int64_t,
                                                         int64_t);
template void attention_backward(CpuStream&, const AttentionBackward<float>&);
template int64_t attention_backward_scratch_bytes<bfloat16>(const CpuStream&, const AttentionShape&, int64_t, int64_t,
                                                            int64_t);
template void attention_backward(CpuStream&, const AttentionBackward<bfloat16>&);
template int64_t attention_backward_scratch_bytes<double>(const CpuStream&, const AttentionShape&, int64_t, int64_t,
                                                          int64_t);
template void attention_backward(CpuStream&, const AttentionBackward<double>&);
template int64_t attention_backward_scratch_bytes<Complex>(const CpuStream&, const AttentionShape&, int64_t, int64_t,
                                                           int64_t);
template void attention_backward(CpuStream&, const AttentionBackward<Complex>&);

}  // namespace maru::kernels
