// Element types.
#pragma once
#include <complex>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "base/bfloat16.h"
#include "base/error.h"

namespace maru {

enum class Dtype : uint8_t {
  kU8,  // packed or opaque bytes
  kI32,
  kBf16,
  kF32,
  kF64,   // reference only
  kC128,  // reference only: gradient checks by complex step
};

size_t size_of(Dtype dtype);
/// "bf16", "f32", …
std::string_view name_of(Dtype dtype);
/// What statistics, losses and parameter gradients of a dtype are kept in: f32 for bf16, else itself.
Dtype accumulator_of(Dtype dtype);
/// Throws kInvalidArgument unless "bf16" or "f32".
Dtype parse_dtype(std::string_view name);

/// Calls f.operator()<T>() with the C++ type of a floating dtype.
template <class F>
decltype(auto) visit_dtype(Dtype dtype, F&& f) {
  switch (dtype) {
    case Dtype::kBf16: return f.template operator()<bfloat16>();
    case Dtype::kF32: return f.template operator()<float>();
    case Dtype::kF64: return f.template operator()<double>();
    case Dtype::kC128: return f.template operator()<std::complex<double>>();
    default: break;
  }
  CHECK(!"a floating dtype");
  __builtin_unreachable();
}

}  // namespace maru
