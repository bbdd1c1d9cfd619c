// Activation functions as differentiable ops.
#pragma once
#include <optional>
#include <string_view>

#include "kernels/activation/activation.h"
#include "ops/context.h"

namespace maru {

using kernels::Activation;

/// By the names that Hugging Face's configurations use: "gelu", "gelu_new", "gelu_pytorch_tanh", "relu", "silu", …
/// Nothing for a name that is not known.
std::optional<Activation> activation_named(std::string_view name);

/// y = f(x).
///
/// Shapes   x, y alike.
/// Saves    x (no copy).
Tensor activate(Context&, const Tensor& x, Activation function);

/// y = f(gate) · up: GEGLU with a gelu, SwiGLU with silu.
///
/// Shapes   gate, up, y alike.
/// Saves    gate and up (no copy).
/// Source   Shazeer 2020, arXiv:2002.05202, eq. 6.
Tensor gated(Context&, const Tensor& gate, const Tensor& up, Activation function);

}  // namespace maru
