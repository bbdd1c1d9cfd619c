// Matrix multiplication in its plainest form.
#pragma once
#include "kernels/matmul/matmul.h"

namespace maru::kernels::reference {

/// A packed b is op(b) [k, n], row by row.
template <class T>
void matmul_pack(const MatmulPack<T>& x) {
  T* packed = reinterpret_cast<T*>(x.packed);
  for (int64_t p = 0; p < x.k; ++p)
    for (int64_t j = 0; j < x.n; ++j) packed[p * x.n + j] = x.transpose_b ? x.b[j * x.ldb + p] : x.b[p * x.ldb + j];
}

template <class T>
T matmul_element(const Matmul<T, T>& x, int64_t i, int64_t j) {
  const bool packed = x.packed_b != nullptr, transposed = !packed && x.transpose_b;
  const T* b = packed ? reinterpret_cast<const T*>(x.packed_b) : x.b;
  const int64_t ldb = packed ? x.n : x.ldb;
  T sum = 0;
  for (int64_t p = 0; p < x.k; ++p) {
    const T left = x.transpose_a ? x.a[p * x.lda + i] : x.a[i * x.lda + p];
    sum += left * (transposed ? b[j * ldb + p] : b[p * ldb + j]);
  }
  return sum;
}

template <class T>
void matmul(const Matmul<T, T>& x) {
  for (int64_t i = 0; i < x.m; ++i)
    for (int64_t j = 0; j < x.n; ++j) {
      T& c = x.c[i * x.ldc + j];
      c = (x.add ? c : T(0)) + matmul_element(x, i, j);
    }
}

}  // namespace maru::kernels::reference
