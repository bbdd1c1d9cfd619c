// Parameters of tests.
#pragma once
#include <vector>

#include "ops/parameter.h"

namespace maru {

/// A parameter with memory of its own.
struct Weight {
  Parameter p;
  std::vector<std::byte> value, gradient;
  Weight(Shape shape, Dtype dtype, uint64_t seed)
      : value(static_cast<size_t>(shape.size()) * size_of(dtype)), gradient(value.size()) {
    p.value = Tensor(nullptr, value.data(), shape, dtype);
    p.gradient = Tensor(nullptr, gradient.data(), shape, dtype);
    visit_dtype(dtype, [&]<class T>() {
      for (int64_t i = 0; i < shape.size(); ++i)
        if constexpr (!std::is_same_v<T, bfloat16>)
          p.value.data<T>()[i] = T(static_cast<double>((i * 37 + static_cast<int64_t>(seed) * 11) % 17) / 9.0 - 0.8);
    });
  }
};

}  // namespace maru
