#include <cmath>

#include "kernels/adamw/adamw.h"
#include "kernels/adamw/reference.h"

namespace maru::kernels {

AdamWFactors adamw_factors(int64_t step, double lr, double beta1, double beta2, double weight_decay) {
  const double n = static_cast<double>(step);
  return {.decay = 1 - lr * weight_decay,
          .rate = lr / (1 - std::pow(beta1, n)),
          .root = 1 / std::sqrt(1 - std::pow(beta2, n))};
}

template <class T>
void adamw(CpuStream& stream, const AdamW<T>& a) {
  if constexpr (kIsSimd<T>) {
    const AdamWFactors factors = adamw_factors(a.step, a.lr, a.beta1, a.beta2, a.weight_decay);
    with_isa(stream.isa, [&]<Isa isa>() { adamw<isa>(*stream.pool, a, factors); });
  } else {
    reference::adamw(a);
  }
}

template void adamw(CpuStream&, const AdamW<float>&);
template void adamw(CpuStream&, const AdamW<bfloat16>&);
template void adamw(CpuStream&, const AdamW<double>&);

}  // namespace maru::kernels
