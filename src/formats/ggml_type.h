// The element types of GGUF files: how many elements a block has and how many bytes it takes. Immutable tables.
#pragma once
#include <cstdint>
#include <optional>
#include <string_view>

namespace maru::formats {

/// Values are those in the file.
enum class GgmlType : uint32_t {
  kF32 = 0,
  kF16 = 1,
  kQ4_0 = 2,
  kQ4_1 = 3,
  kQ5_0 = 6,
  kQ5_1 = 7,
  kQ8_0 = 8,
  kQ2_K = 10,
  kQ3_K = 11,
  kQ4_K = 12,
  kQ5_K = 13,
  kQ6_K = 14,
  kIq4Nl = 20,
  kIq4Xs = 23,
  kI8 = 24,
  kI16 = 25,
  kI32 = 26,
  kI64 = 27,
  kF64 = 28,
  kBf16 = 30,
};

struct GgmlLayout {
  uint32_t type;  // a GgmlType, or one that is only sized
  std::string_view name;
  int64_t block_elements, block_bytes;
};

/// Nothing for a number that no published type has.
/// Source   the table GGML_QUANT_SIZES of the gguf Python package.
const GgmlLayout* layout_of(uint32_t type);
inline const GgmlLayout& layout_of(GgmlType type) { return *layout_of(static_cast<uint32_t>(type)); }
inline std::string_view name_of(GgmlType type) { return layout_of(type).name; }
/// By name, upper or lower case ("Q8_0", "bf16").
std::optional<GgmlType> ggml_type_named(std::string_view name);

/// Bytes of `elements` in whole blocks; nothing when they do not divide or the product overflows.
std::optional<uint64_t> bytes_of(const GgmlLayout& layout, uint64_t elements);

}  // namespace maru::formats
