// Matrix multiplication.
//
// The bits of an element of the result depend only on its row of op(a), its column of op(b), k, the types and the
// instruction set: not on m, n, the element's place, the other rows, the transposition flags, whether b was packed
// before, the scratch or the number of threads. Each element is one sum over k in ascending order, kept in f32.
#pragma once
#include <cstddef>

#include "kernels/kernel.h"

namespace maru::kernels {

/// c = op(a) · op(b), or c + op(a) · op(b): the sum is complete before c is added and the result rounded once.
///
/// Shapes   op(a) [m, k]; op(b) [k, n]; c [m, n]; each with its leading dimension (elements from row to row as stored).
/// Types    C is T or Accumulator<T>; sums in f32 for float and bfloat16. AVX-512 multiplies bfloat16 with `vdpbf16ps`,
///          which rounds each sum of two products once and takes subnormal numbers for zero; AMX sums 32 products from
///          zero before it adds them (kernels/simd/amx.h).
/// Cost     2·m·n·k flops. m = 1 reads b at the speed of memory, packed or stored [n, k]; a few tiles of rows are
/// slower
///          with a b that is not packed.
template <class T, class C = T>
struct Matmul {
  C* c;
  int64_t ldc;
  const T* a;
  int64_t lda;
  bool transpose_a;  // a is stored [k, m]
  const T* b;        // unused where packed_b is given, as are ldb and transpose_b
  int64_t ldb;
  bool transpose_b;                     // b is stored [n, k], as the weight of a linear layer is
  const std::byte* packed_b = nullptr;  // or what matmul_pack made of op(b) for this instruction set
  int64_t m, n, k;
  bool add;
  std::byte* scratch;  // matmul_scratch_bytes, aligned to 64
};

/// Products of groups of rows, each with a matrix of its own: y[r] = x[r] · weights[e]ᵀ for rows r in
/// [first[e], first[e + 1]); rows behind the last group become zeros.
///
/// Shapes   x [rows, k]; y [rows, n]; weights [groups], on the host, of matrices [n, k]; first [groups + 1], ascending
///          from 0, with rows - first[groups] ≥ grouped_spare_rows. A row's bits are those of matmul.
template <class T>
struct GroupedMatmul {
  T* y;
  const T* x;
  const T* const* weights;
  const int32_t* first;
  int64_t groups, rows, n, k;
  std::byte* scratch;  // grouped_matmul_scratch_bytes, aligned to 64
};

/// dx[r] (+)= dy[r] · weights[e] and dweights[e] += dy[rows of e]ᵀ · x[rows of e]. Rows of dx behind the last group are
/// left alone (added) or zero (overwritten).
///
/// Shapes   as in GroupedMatmul; dx as x, dy as y; dweights [groups], on the host, of matrices [n, k].
/// Types    dweights is added to once every 1,024 rows.
template <class T>
struct GroupedMatmulBackward {
  T* dx;                            // null: not wanted
  bool add_dx;                      // add to dx, or overwrite it
  Accumulator<T>* const* dweights;  // each null: not wanted
  const T* dy;
  const T* x;
  const T* const* weights;
  const int32_t* first;
  int64_t groups, rows, n, k;
  std::byte* scratch;  // grouped_matmul_backward_scratch_bytes, aligned to 64
};

/// Lays op(b) out as the kernel of the stream's instruction set reads it: once per weight, for many products.
template <class T>
struct MatmulPack {
  std::byte* packed;  // matmul_packed_bytes, aligned to 64
  const T* b;
  int64_t ldb;
  bool transpose_b;
  int64_t n, k;
};

template <class T>
int64_t matmul_packed_bytes(const CpuStream& stream, int64_t n, int64_t k);

/// Scratch of a product; at most about 7 MiB per thread whatever the shape.
template <class T>
int64_t matmul_scratch_bytes(const CpuStream& stream, int64_t m, int64_t n, int64_t k);

/// Rows behind the last group's that grouped products need: sizes of groups are not known when memory is laid out.
int64_t grouped_spare_rows(const CpuStream& stream);
/// Scratch of a grouped product, however its rows are shared out.
template <class T>
int64_t grouped_matmul_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t n, int64_t k);
template <class T>
int64_t grouped_matmul_backward_scratch_bytes(const CpuStream& stream, int64_t rows, int64_t n, int64_t k);

template <class T, class C = T>
void matmul(CpuStream& stream, const Matmul<T, C>& x);
template <class T>
void grouped_matmul(CpuStream& stream, const GroupedMatmul<T>& x);
template <class T>
void grouped_matmul_backward(CpuStream& stream, const GroupedMatmulBackward<T>& x);
template <class T>
void matmul_pack(CpuStream& stream, const MatmulPack<T>& x);

/// The same for one instruction set, T = float or bfloat16, C = T or float.
template <Isa kIsa, class T, class C>
void matmul(ThreadPool& pool, const Matmul<T, C>& x);
template <Isa kIsa, class T>
void matmul_pack(ThreadPool& pool, const MatmulPack<T>& x);
template <Isa kIsa, class T>
int64_t matmul_packed_bytes(int64_t n, int64_t k);
template <Isa kIsa, class T>
int64_t matmul_scratch_bytes(int threads, int64_t m, int64_t n, int64_t k);

}  // namespace maru::kernels
