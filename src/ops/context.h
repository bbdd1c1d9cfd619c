// Everything a forward pass touches besides its inputs and weights.
#pragma once
#include <functional>

#include "base/error.h"
#include "ops/adapter_rows.h"
#include "ops/tape.h"
#include "tensor/device.h"
#include "tensor/tensor.h"

namespace maru {

/// Sees what a linear layer's weight is about to be multiplied with.
using InputObserver = std::function<void(const Parameter& weight, const Tensor& x)>;

struct Context {
  Device& device;
  Arena& arena;
  Tape* tape = nullptr;  // null: serving; nothing is recorded and every temporary dies with its scope
  const InputObserver* observe_input = nullptr;  // null: nobody looks
  const AdapterRuns* adapters = nullptr;         // of the rows that pass through; null: the model as it is

  Tensor empty(Shape shape, Dtype dtype) { return Tensor(arena, shape, dtype); }
  Tensor scratch(int64_t bytes) { return Tensor(arena, {1, bytes}, Dtype::kU8); }
  /// The value of a parameter, which lies where it is computed with.
  Tensor use(Parameter& p) {
    CHECK(p.value.device() == device.tag());
    return tape != nullptr ? tape->watch(p) : p.value;
  }
  template <class... X>
  bool recording(const X&... x) const {
    return tape != nullptr && ((x.node >= 0) || ...);
  }
  /// What f.operator()<T>(stream) answers for the C++ type of a floating dtype, as how much scratch a kernel takes:
  /// also in a dry run.
  template <class F>
  auto ask(Dtype dtype, F&& f) const {
    return device.ask(
        [&](const auto& s) { return visit_dtype(dtype, [&]<class T>() { return f.template operator()<T>(s); }); });
  }
  /// Runs f.operator()<T>(stream) with the C++ type of a floating dtype; nothing in a dry run.
  template <class F>
  void launch(Dtype dtype, F&& f) {
    if (arena.dry()) return;
    device.launch([&](auto& s) { visit_dtype(dtype, [&]<class T>() { f.template operator()<T>(s); }); });
  }
  /// Numbers of the host as a temporary, for this step.
  Tensor upload(const void* from, Shape shape, Dtype dtype) {
    const Tensor to = empty(shape, dtype);
    if (!arena.dry()) maru::upload(to, from);
    return to;
  }
};

}  // namespace maru
