// Attention, SIMD. Compiled once per instruction set.
#include "kernels/attention/append_cpu.h"
#include "kernels/attention/backward_cpu.h"
#include "kernels/attention/forward_cpu.h"

namespace maru::kernels {

template <>
void append_keys<kIsa>(ThreadPool& pool, const AppendKeys<float>& a) {
  append(pool, a);
}
template <>
void append_keys<kIsa>(ThreadPool& pool, const AppendKeys<bfloat16>& a) {
  append(pool, a);
}
template <>
void attention_forward<kIsa>(ThreadPool& pool, const AttentionForward<float>& a, const TaskPlan& plan) {
  forward(pool, a, plan);
}
template <>
void attention_forward<kIsa>(ThreadPool& pool, const AttentionForward<bfloat16>& a, const TaskPlan& plan) {
  forward(pool, a, plan);
}
template <>
void attention_backward<kIsa>(ThreadPool& pool, const AttentionBackward<float>& a, const TaskPlan& plan) {
  backward(pool, a, plan);
}
template <>
void attention_backward<kIsa>(ThreadPool& pool, const AttentionBackward<bfloat16>& a, const TaskPlan& plan) {
  backward(pool, a, plan);
}

}  // namespace maru::kernels
