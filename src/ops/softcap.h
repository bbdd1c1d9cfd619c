// What the two ways to logits share (ops/linear.cc, ops/quantized.cc).
#pragma once
#include "kernels/activation/activation.h"

namespace maru {

/// y = softcap · tanh(scale · y / softcap)
template <class A>
void cap_in_place(auto& stream, A* y, int64_t count, double scale, double softcap) {
  for (int64_t i = 0; i < count; ++i) y[i] *= A(scale / softcap);
  kernels::activation_forward(
      stream, kernels::ActivationForward<A>{.y = y, .x = y, .count = count, .function = kernels::Activation::kTanh});
  for (int64_t i = 0; i < count; ++i) y[i] *= A(softcap);
}

}  // namespace maru
