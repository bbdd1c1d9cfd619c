// The record of one training step. Ops append a closure each; backward() runs them last to first and frees them.
//
// Gradients are written by whoever comes first and added to by the others: gradient() says which (`add`).
#pragma once
#include <functional>
#include <unordered_map>
#include <vector>

#include "ops/parameter.h"
#include "tensor/tensor.h"

namespace maru {

struct Context;

/// Where an op puts the gradient of one of its inputs. Empty: nobody wants it.
struct Gradient {
  Tensor tensor;
  bool add = false;  // add to what is there, or overwrite all of it
  explicit operator bool() const { return static_cast<bool>(tensor); }
  template <class T>
  T* data() const {
    return tensor.data<T>();
  }
};

/// Shape, type and place on the tape without the memory: what closures keep of inputs whose values no gradient needs.
inline Tensor without_values(const Tensor& t) {
  Tensor place(nullptr, nullptr, t.shape(), t.dtype(), t.device());
  place.node = t.node;
  return place;
}

class Tape {
 public:
  using Backward = std::function<void(Context&, const Tensor& dy)>;

  /// The value of a parameter as a leaf of this tape; as it is when it has no gradient. Tied weights share one leaf.
  Tensor watch(Parameter& parameter);
  /// x as an input of this tape whose gradient goes to `gradient`.
  Tensor leaf(const Tensor& x, Gradient gradient);
  /// Makes y a result of this tape.
  void record(Tensor& y, Backward backward);

  Gradient gradient(Context&, const Tensor& x);
  /// The same, or memory that nobody reads: for kernels that write several gradients at once.
  Gradient gradient_or_scratch(Context&, const Tensor& x);
  /// Adds dy to the gradient of x; without copying when dy is the first to arrive.
  void pass_gradient(Context&, const Tensor& x, const Tensor& dy);

  /// From a scalar whose gradient is 1, or from y with gradient dy. Runs once.
  void backward(Context&, const Tensor& loss);
  void backward(Context&, const Tensor& y, const Tensor& dy);

 private:
  struct Node {
    Parameter* parameter = nullptr;
    Shape shape;
    Dtype dtype = Dtype::kF32;
    Gradient slot;  // slot.add: something was written
    bool leaf = false;
    Backward backward;
  };
  std::vector<Node> nodes_;
  std::unordered_map<const Parameter*, int32_t> leaves_;
};

}  // namespace maru
