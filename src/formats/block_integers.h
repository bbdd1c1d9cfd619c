// GGUF's block types as the integers that Maru multiplies with: w = scale · q + offset, scale and offset halves of 32
// elements each. What is rounded on the way, and how far, is in docs/formats/gguf.md. Pure functions, thread-safe.
#pragma once
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "formats/ggml_type.h"

namespace maru::formats {

inline constexpr int64_t kIntegerGroup = 32;  // elements that share scale and offset

struct IntegerForm {
  int bits;          // 4: q in [-8, 7]; 8: q in [-128, 127]
  bool has_offsets;  // else all are 0
  bool exact;        // nothing is rounded
  bool as_stored;    // a block is a scale and the integers, which kernels read as it is
};

/// How a type becomes integers; nothing for plain numbers and for types whose values cannot be read.
std::optional<IntegerForm> integer_form(GgmlType type);

/// Where the integers of a run of whole blocks go. `offsets` may be null if the form has none.
struct IntegerSpan {
  int8_t* q;
  float* scales;   // one per 32 elements, each exact as a half
  float* offsets;  // likewise
};

/// The integers of whole blocks.
///
/// Shapes   bytes: whole blocks of a type that has a form; CHECKed. `to` has room for their elements.
void to_integers(GgmlType type, std::span<const std::byte> bytes, const IntegerSpan& to);

}  // namespace maru::formats
