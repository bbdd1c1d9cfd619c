#include "tensor/dtype.h"

#include <array>
#include <string>

namespace maru {

size_t size_of(Dtype dtype) {
  static constexpr std::array<size_t, 6> kSizes{1, 4, 2, 4, 8, 16};
  return kSizes[static_cast<size_t>(dtype)];
}

std::string_view name_of(Dtype dtype) {
  static constexpr std::array<std::string_view, 6> kNames{"u8", "i32", "bf16", "f32", "f64", "c128"};
  return kNames[static_cast<size_t>(dtype)];
}

Dtype accumulator_of(Dtype dtype) { return dtype == Dtype::kBf16 ? Dtype::kF32 : dtype; }

Dtype parse_dtype(std::string_view name) {
  if (name == "bf16") return Dtype::kBf16;
  if (name == "f32") return Dtype::kF32;
  throw Failure(ErrorCode::kInvalidArgument, "dtype: expected bf16 or f32, got \"" + std::string(name) + "\"");
}

}  // namespace maru
