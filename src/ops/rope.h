// Rotary position embedding.
#pragma once
#include <span>

#include "ops/context.h"

namespace maru {

/// Angles of every position, computed once per model. Scaling variants (linear, NTK, YaRN, Llama 3) are other tables.
struct RopeTable {
  Tensor cos, sin;           // [max_position, rotary_dim / 2] in the accumulator type
  bool interleaved = false;  // pairs are neighbours (2i, 2i + 1), not half a rotary_dim apart
  explicit operator bool() const { return static_cast<bool>(cos); }
};

/// Fills a table with magnitude · cos and sin of position · frequency, computed in f64; a frequency per pair.
void fill_rope_table(const RopeTable& table, std::span<const double> frequencies, double magnitude = 1);

/// Rotates pairs (i, i + rotary_dim/2) of every head by the angle of the row's position; the rest of a head is copied.
/// Interleaved: pairs (2i, 2i + 1).
///
/// Shapes   x, y [rows, heads · head_dim]; positions i32 [rows, 1], below the table's rows; table [·, rotary_dim/2].
/// Saves    nothing: the backward is the rotation back.
/// Source   Su et al. 2021, arXiv:2104.09864, eq. 34, in the half-split order of Hugging Face's Llama.
Tensor rope(Context&, const Tensor& x, const Tensor& positions, const RopeTable& table, int64_t head_dim);

}  // namespace maru
