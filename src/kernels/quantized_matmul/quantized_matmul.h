// Matrices of 8- or 4-bit weights, and their product with activations that are quantized on the way in.
//
// Weights are quantized in groups of 32 along k: w = scale · q with an f16 scale, q in [-127, 127] or [-8, 7]. Those
// that others quantized may hold q = -128, and an f16 offset per group: w = scale · q + offset.
// Activations are quantized in chunks of 128 along k: x ≈ scale · q with an f32 scale (largest |x| / 127) and q in
// [-127, 127], rounded to nearest even. The dot product of a group is then an exact 32-bit integer, and the few f32
// operations around it (one fused multiply-add per group, with offsets a second one for the sum of the group's
// activations, and one per chunk, in ascending order) are the same everywhere: the bits of an element depend on its row
// of x and its row of w alone, not on the instruction set, the number of threads or the other rows.
//
// Layout, the same for every instruction set, so that files can be mapped: panels of 16 rows of w (the last one filled
// up with zeros). A group of a panel holds 8 quads: quad j is 64 bytes, bytes 4r … 4r+3 being the elements 4j … 4j+3 of
// row r, stored without sign as q + 128 or q + 8. Of 4-bit weights quad j (j < 4) and quad j + 4 share 64 bytes, low
// and high nibbles. A panel's groups follow each other, then the next panel's. Scales likewise, and offsets: 16 per
// group of a panel.
//
// Weights may also lie in rows of blocks, as GGUF's Q8_0 and Q4_0 do: a block is the f16 scale of a group and then its
// 32 signed bytes, or 16 bytes of q + 8, of which byte i holds element i in its low nibble and 16 + i in its high one.
// These are multiplied with where they are, to the same bits: of one row of x as they lie, of several a piece of a
// panel at a time on its way through L1.
#pragma once
#include <cstddef>

#include "base/float16.h"
#include "kernels/kernel.h"

namespace maru::kernels {

enum class QuantizedKind : uint8_t { kInt8, kInt4 };
enum class QuantizedLayout : uint8_t { kPanels, kBlocks };

inline constexpr int64_t kQuantizedGroup = 32;   // elements of k that share a scale of w
inline constexpr int64_t kQuantizedChunk = 128;  // elements of k that share a scale of x
inline constexpr int64_t kQuantizedPanel = 16;   // rows of w

/// A quantized matrix [n, k]; the memory is the caller's. Quads aligned to 64 bytes are read fastest.
struct QuantizedMatrix {
  QuantizedKind kind;
  int64_t n, k;
  const std::byte* quads;            // quantized_quads_bytes; in blocks, quantized_blocks_bytes with the scales
  const float16* scales = nullptr;   // quantized_scales_bytes; null in blocks
  const float16* offsets = nullptr;  // as many, or null: none
  QuantizedLayout layout = QuantizedLayout::kPanels;  // in blocks k is a multiple of 32
};

constexpr int64_t quantized_panels(int64_t n) { return divide_up(n, kQuantizedPanel); }
constexpr int64_t quantized_groups(int64_t k) { return divide_up(k, kQuantizedGroup); }
/// Bytes of one group of a panel.
constexpr int64_t quantized_group_bytes(QuantizedKind kind) { return kind == QuantizedKind::kInt8 ? 512 : 256; }
constexpr int64_t quantized_quads_bytes(QuantizedKind kind, int64_t n, int64_t k) {
  return quantized_panels(n) * quantized_groups(k) * quantized_group_bytes(kind);
}
constexpr int64_t quantized_scales_bytes(int64_t n, int64_t k) {
  return quantized_panels(n) * quantized_groups(k) * kQuantizedPanel * static_cast<int64_t>(sizeof(float16));
}
/// Bytes of one block: a scale, and the numbers of a group of one row.
constexpr int64_t quantized_block_bytes(QuantizedKind kind) {
  return static_cast<int64_t>(sizeof(float16)) + quantized_group_bytes(kind) / kQuantizedPanel;
}
constexpr int64_t quantized_blocks_bytes(QuantizedKind kind, int64_t n, int64_t k) {
  return n * quantized_groups(k) * quantized_block_bytes(kind);
}

/// c = multiplier · x · wᵀ + bias.
///
/// Shapes   x [m, k]; w [n, k]; c [m, n]; bias [n] or null; leading dimensions in elements.
/// Types    T activations (and bias), C = T or float results. In chunks whose largest |x| is below 2^-120, x counts as
///          zero. A row of x with a NaN or an infinity gives a row of NaN.
/// Cost     2·m·n·k integer operations; m = 1 reads w at the speed of memory.
template <class T, class C = T>
struct QuantizedMatmul {
  C* c;
  int64_t ldc;
  const T* x;
  int64_t ldx;
  int64_t m;
  QuantizedMatrix w;
  double multiplier = 1;
  const T* bias = nullptr;
  std::byte* scratch;  // quantized_matmul_scratch_bytes, aligned to 64
};

/// The same for groups of rows, each with a matrix of its own: c[r] = x[r] · w[e]ᵀ for rows r in
/// [first[e], first[e + 1]); rows behind the last group become zeros.
///
/// Shapes   x [rows, k]; c [rows, n]; weights [groups], on the host, alike but for their contents; first [groups + 1],
///          ascending from 0. A row's bits are those of quantized_matmul.
template <class T>
struct QuantizedGroupedMatmul {
  T* c;
  const T* x;
  const QuantizedMatrix* weights;
  const int32_t* first;
  int64_t groups, rows;
  std::byte* scratch;  // quantized_matmul_scratch_bytes of all rows, aligned to 64
};

/// y[i] = multiplier · w[tokens[i]]: rows of the matrix as numbers again. tokens null: rows 0 … rows-1.
template <class T>
struct QuantizedRows {
  T* y;
  QuantizedMatrix w;
  const int32_t* tokens;
  int64_t rows;
  double multiplier = 1;
};

/// Quantizes w [n, k]; what it writes is the same on every machine.
///
/// int8: scale = largest |w| / 127, as f16. int4: of several scales (the element of largest magnitude at -9 … -6 and at
/// 7, each then refitted to its q by least squares), the one of smallest squared error.
template <class T>
struct QuantizeMatrix {
  QuantizedKind kind;
  std::byte* quads;
  float16* scales;
  const T* w;
  int64_t ldw, n, k;
  int32_t* fits;  // becomes 0 if a weight is not finite or too large for an f16 scale, the result then unusable; else 1
};

/// Lays out up to 16 rows that are quantized already: one panel of a matrix, whose other rows become zeros.
///
/// Shapes   q [rows, k], in [-128, 127] or (int4) [-8, 7]; from_scales and from_offsets [rows, groups of 32].
/// Cost     runs at about the speed of memory.
struct PackQuantizedPanel {
  QuantizedKind kind;
  std::byte* quads;           // one panel's
  float16 *scales, *offsets;  // one panel's; offsets null: none
  const int8_t* q;
  const float *from_scales, *from_offsets;
  int64_t rows, k;
};

int64_t quantized_matmul_scratch_bytes(const CpuStream&, int64_t m, int64_t k);

/// T = float, bfloat16 or double (the reference).
template <class T, class C = T>
void quantized_matmul(CpuStream& stream, const QuantizedMatmul<T, C>& a);
template <class T>
void quantized_grouped_matmul(CpuStream& stream, const QuantizedGroupedMatmul<T>& a);
template <class T>
void quantized_rows(CpuStream& stream, const QuantizedRows<T>& a);
/// T = float or bfloat16.
template <class T>
void quantize_matrix(CpuStream& stream, const QuantizeMatrix<T>& a);
/// Not parallel: called for several panels at once. False if an f16 cannot hold a scale or an offset; the result is
/// then unusable.
[[nodiscard]] bool pack_quantized_panel(const CpuStream& stream, const PackQuantizedPanel& a);

/// The same for one instruction set, T = float or bfloat16, C = T or float.
template <Isa kIsa, class T, class C>
void quantized_matmul(ThreadPool& pool, const QuantizedMatmul<T, C>& a);
template <Isa kIsa, class T>
void quantized_rows(ThreadPool& pool, const QuantizedRows<T>& a);
template <Isa kIsa>
void pack_quantized_panel(const PackQuantizedPanel& a);

}  // namespace maru::kernels
