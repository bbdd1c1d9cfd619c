// Modules are plain structs: parameters, one forward, one visit. No base class, no backward, no decode variant.
#pragma once
#include <functional>
#include <string>

#include "ops/activation.h"
#include "ops/context.h"
#include "ops/parameter.h"

namespace maru {

/// Sees every parameter by name and shape: loading, saving, initialising, counting and optimising are visitors.
using Visitor = std::function<void(const std::string& name, Parameter&, Shape, ParameterRole)>;

/// y = x · weightᵀ, + bias if it has one; with the quantized weight and the adapters of the rows where there are any.
struct Linear {
  int64_t in, out;
  ParameterRole role = ParameterRole::kMatrix;
  bool has_bias = false;
  Parameter weight, bias;
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);

 private:
  Tensor compute(Context&, const Tensor& x);
};

/// scale · x · weightᵀ in the accumulator type, capped if softcap is not 0: the logits of a head, the scores of a
/// router. With quantized weights and adapters like Linear; capped ones have no gradient.
Tensor project(Context&, const Tensor& x, Parameter& weight, double scale = 1, double softcap = 0);

struct RmsNorm {
  int64_t dim;
  double eps;
  double weight_offset = 0;  // 1: weights are stored minus 1 and start as zeros (Gemma)
  Parameter weight;
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);
};

/// (x - mean) / deviation · weight, + bias if it has one.
struct LayerNorm {
  int64_t dim;
  double eps;
  bool has_bias = true;
  Parameter weight, bias;
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);
};

/// down(f(gate(x)) · up(x)), f = silu: SwiGLU, a gelu: GEGLU (Shazeer 2020, arXiv:2002.05202).
struct Mlp {
  Activation activation;
  Linear gate_proj, up_proj, down_proj;
  Mlp(int64_t hidden_size, int64_t intermediate_size, Activation activation = Activation::kSilu, bool has_bias = false);
  Tensor forward(Context&, const Tensor& x);
  void visit(const std::string& prefix, const Visitor&);
};

}  // namespace maru
