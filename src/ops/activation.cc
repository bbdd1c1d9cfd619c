#include "ops/activation.h"

#include <fmt/format.h>

#include <array>

#include "ops/elementwise.h"

namespace maru {
namespace {

struct Name {
  std::string_view name;
  Activation function;
};

constexpr std::array<Name, 10> kNames{{{"gelu", Activation::kGelu},
                                       {"gelu_python", Activation::kGelu},
                                       {"gelu_new", Activation::kGeluTanh},
                                       {"gelu_fast", Activation::kGeluTanh},
                                       {"gelu_pytorch_tanh", Activation::kGeluTanh},
                                       {"relu", Activation::kRelu},
                                       {"silu", Activation::kSilu},
                                       {"swish", Activation::kSilu},
                                       {"tanh", Activation::kTanh},
                                       {"sigmoid", Activation::kSigmoid}}};

void activate_backward(Context& c, const Tensor& x, const Tensor& dy, Activation function) {
  const Gradient dx = c.tape->gradient(c, x);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    kernels::activation_backward(stream, kernels::ActivationBackward<T>{.dx = dx.template data<T>(),
                                                                        .add_dx = dx.add,
                                                                        .dy = dy.data<T>(),
                                                                        .x = x.data<T>(),
                                                                        .count = x.size(),
                                                                        .function = function});
  });
}

void gated_backward(Context& c, const Tensor& gate, const Tensor& up, const Tensor& dy, Activation function) {
  const Gradient dgate = c.tape->gradient_or_scratch(c, gate), dup = c.tape->gradient_or_scratch(c, up);
  c.launch(dy.dtype(), [&]<class T>(auto& stream) {
    kernels::gated_backward(stream, kernels::GatedBackward<T>{.dgate = dgate.template data<T>(),
                                                              .dup = dup.template data<T>(),
                                                              .add_dgate = dgate.add,
                                                              .add_dup = dup.add,
                                                              .dy = dy.data<T>(),
                                                              .gate = gate.data<T>(),
                                                              .up = up.data<T>(),
                                                              .rows = gate.rows(),
                                                              .cols = gate.cols(),
                                                              .stride = gate.cols(),
                                                              .function = function});
  });
}

}  // namespace

std::optional<Activation> activation_named(std::string_view name) {
  for (const Name& known : kNames)
    if (known.name == name) return known.function;
  return std::nullopt;
}

Tensor activate(Context& ctx, const Tensor& x, Activation function) {
  Tensor y = ctx.empty(x.shape(), x.dtype());
  ctx.launch(x.dtype(), [&]<class T>(auto& stream) {
    kernels::activation_forward(
        stream,
        kernels::ActivationForward<T>{.y = y.data<T>(), .x = x.data<T>(), .count = x.size(), .function = function});
  });
  if (ctx.recording(x))
    ctx.tape->record(y, [=](Context& c, const Tensor& dy) { activate_backward(c, x, dy, function); });
  return y;
}

Tensor gated(Context& ctx, const Tensor& gate, const Tensor& up, Activation function) {
  if (function == Activation::kSilu) return swiglu(ctx, gate, up);
  if (gate.shape() != up.shape() || gate.dtype() != up.dtype())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("[gated] gate is [{}, {}] and up is [{}, {}], expected them alike", gate.rows(),
                              gate.cols(), up.rows(), up.cols()));
  Tensor y = ctx.empty(gate.shape(), gate.dtype());
  ctx.launch(y.dtype(), [&]<class T>(auto& stream) {
    kernels::gated_forward(stream, kernels::GatedForward<T>{.y = y.data<T>(),
                                                            .gate = gate.data<T>(),
                                                            .up = up.data<T>(),
                                                            .rows = y.rows(),
                                                            .cols = y.cols(),
                                                            .stride = y.cols(),
                                                            .function = function});
  });
  if (ctx.recording(gate, up))
    ctx.tape->record(y, [=](Context& c, const Tensor& dy) { gated_backward(c, gate, up, dy, function); });
  return y;
}

}  // namespace maru
