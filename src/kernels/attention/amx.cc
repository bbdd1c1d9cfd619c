// Attention of bfloat16 with AMX tiles; of floats, and of pages that are only written, it is that of AVX-512.
#include "kernels/attention/backward_cpu.h"
#include "kernels/attention/forward_cpu.h"

namespace maru::kernels {

template <>
void attention_forward<kIsa>(ThreadPool& pool, const AttentionForward<float>& a, const TaskPlan& plan) {
  attention_forward<Isa::kAvx512>(pool, a, plan);
}
template <>
void attention_forward<kIsa>(ThreadPool& pool, const AttentionForward<bfloat16>& a, const TaskPlan& plan) {
  forward(pool, a, plan);
}
template <>
void attention_backward<kIsa>(ThreadPool& pool, const AttentionBackward<float>& a, const TaskPlan& plan) {
  attention_backward<Isa::kAvx512>(pool, a, plan);
}
template <>
void attention_backward<kIsa>(ThreadPool& pool, const AttentionBackward<bfloat16>& a, const TaskPlan& plan) {
  backward(pool, a, plan);
}

}  // namespace maru::kernels
