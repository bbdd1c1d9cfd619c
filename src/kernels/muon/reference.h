// Muon in its plainest form.
#pragma once
#include <cmath>
#include <utility>

#include "kernels/muon/muon.h"

namespace maru::kernels::reference {

/// c = x · y for x [m, k], y [k, n].
template <class T>
void product(T* c, const T* x, const T* y, int64_t m, int64_t n, int64_t k) {
  for (int64_t i = 0; i < m; ++i)
    for (int64_t j = 0; j < n; ++j) {
      T sum = 0;
      for (int64_t l = 0; l < k; ++l) sum += x[i * k + l] * y[l * n + j];
      c[i * n + j] = sum;
    }
}

template <class T>
void transpose(T* y, const T* x, int64_t rows, int64_t cols) {
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < cols; ++j) y[j * rows + i] = x[i * cols + j];
}

template <class T>
void newton_schulz(const NewtonSchulz<T>& a) {
  const MuonCoefficients k;
  const int64_t count = a.rows * a.cols, square = a.rows * a.rows;
  T *other = reinterpret_cast<T*>(a.scratch), *gram = other + count, *gram2 = gram + square;
  T norm = 0;
  for (int64_t i = 0; i < count; ++i) norm += a.x[i] * a.x[i];
  for (int64_t i = 0; i < count; ++i) a.x[i] /= std::sqrt(norm) + T(k.floor);
  for (int step = 0; step < a.steps; ++step) {
    transpose(other, a.x, a.rows, a.cols);
    product(gram, a.x, other, a.rows, a.rows, a.cols);
    product(gram2, gram, gram, a.rows, a.rows, a.rows);
    for (int64_t i = 0; i < square; ++i) gram[i] = T(k.b) * gram[i] + T(k.c) * gram2[i];
    product(other, gram, a.x, a.rows, a.cols, a.rows);
    for (int64_t i = 0; i < count; ++i) a.x[i] = T(k.a) * a.x[i] + other[i];
  }
}

template <class T>
void muon(const Muon<T>& a) {
  const int64_t count = a.rows * a.cols;
  T *u = reinterpret_cast<T*>(a.scratch), *master = a.master != nullptr ? a.master : a.parameter;
  for (int64_t i = 0; i < count; ++i) {
    const T g = T(a.gradient_scale) * a.gradient[i];
    a.m[i] = T(a.momentum) * a.m[i] + g;
    u[i] = a.nesterov ? g + T(a.momentum) * a.m[i] : a.m[i];
    if (a.zero_gradient) a.gradient[i] = 0;
  }
  newton_schulz<T>({u, a.rows, a.cols, a.steps, reinterpret_cast<std::byte*>(u + count)});
  for (int64_t i = 0; i < count; ++i) {
    master[i] -= T(a.lr * a.weight_decay) * master[i] + T(muon_rate(a.lr, a.rows, a.cols)) * u[i];
    a.parameter[i] = master[i];
  }
}

}  // namespace maru::kernels::reference
