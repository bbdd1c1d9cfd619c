#include "ops/tape.h"

#include <utility>

#include "ops/context.h"
#include "ops/elementwise.h"

namespace maru {

Tensor Tape::watch(Parameter& parameter) {
  Tensor leaf = parameter.value;
  if (!parameter.gradient) return leaf;
  const auto [it, first] = leaves_.try_emplace(&parameter, static_cast<int32_t>(nodes_.size()));
  if (first) nodes_.push_back({.parameter = &parameter, .shape = leaf.shape(), .dtype = leaf.dtype()});
  leaf.node = it->second;
  return leaf;
}

Tensor Tape::leaf(const Tensor& x, Gradient gradient) {
  Tensor leaf = x;
  leaf.node = static_cast<int32_t>(nodes_.size());
  nodes_.push_back({.shape = x.shape(), .dtype = x.dtype(), .slot = std::move(gradient), .leaf = true});
  return leaf;
}

void Tape::record(Tensor& y, Backward backward) {
  y.node = static_cast<int32_t>(nodes_.size());
  nodes_.push_back({.shape = y.shape(), .dtype = y.dtype(), .backward = std::move(backward)});
}

Gradient Tape::gradient(Context& ctx, const Tensor& x) {
  if (x.node < 0) return {};
  Node& node = nodes_[static_cast<size_t>(x.node)];
  if (node.parameter != nullptr) return {node.parameter->gradient, true};
  if (!node.slot.tensor) node.slot.tensor = ctx.empty(node.shape, node.dtype);
  // A gradient that pass_gradient left in two places must not be changed in both.
  if (node.slot.add && !node.leaf && node.slot.tensor.shared()) node.slot.tensor = copy(ctx, node.slot.tensor);
  return {node.slot.tensor, std::exchange(node.slot.add, true)};
}

Gradient Tape::gradient_or_scratch(Context& ctx, const Tensor& x) {
  if (x.node < 0) return {ctx.empty(x.shape(), x.dtype()), false};
  return gradient(ctx, x);
}

void Tape::pass_gradient(Context& ctx, const Tensor& x, const Tensor& dy) {
  if (x.node < 0) return;
  Node& node = nodes_[static_cast<size_t>(x.node)];
  if (node.parameter == nullptr && !node.slot.tensor) {
    node.slot = {dy, true};
    return;
  }
  const Gradient dx = gradient(ctx, x);
  add_into(ctx, dx, dy, 1.0);
}

void Tape::backward(Context& ctx, const Tensor& loss) {
  backward(ctx, loss, fill(ctx, loss.shape(), loss.dtype(), 1.0));
}

void Tape::backward(Context& ctx, const Tensor& y, const Tensor& dy) {
  CHECK(y.node >= 0 && y.shape() == dy.shape());
  nodes_[static_cast<size_t>(y.node)].slot = {dy, true};
  for (size_t i = nodes_.size(); i-- > 0;) {
    const Node node = std::move(nodes_[i]);  // its saved tensors and its gradient die with this scope
    if (node.backward && node.slot.add) node.backward(ctx, node.slot.tensor);
    if (node.leaf && node.slot.tensor && !node.slot.add) zero(ctx, node.slot.tensor);
  }
  nodes_.clear();
  leaves_.clear();
}

}  // namespace maru
