// Linear layer and cross entropy in their plainest form: logits are computed again wherever they are needed.
#pragma once
#include <algorithm>
#include <cmath>
#include <type_traits>

#include "kernels/linear_cross_entropy/linear_cross_entropy.h"

namespace maru::kernels::reference {

template <class T>
T logit(const LinearCrossEntropy<T>& a, int64_t row, int64_t token) {
  T sum = 0;
  for (int64_t c = 0; c < a.dim; ++c) sum += a.x[row * a.dim + c] * a.weight[token * a.dim + c];
  sum *= T(a.logit_scale);
  return a.softcap == 0 ? sum : T(a.softcap) * std::tanh(sum / T(a.softcap));
}

template <class T>
T log_sum_exp(const LinearCrossEntropy<T>& a, int64_t row) {
  double largest = -INFINITY;
  for (int64_t j = 0; j < a.vocab; ++j) largest = std::max(largest, std::real(logit(a, row, j)));
  T sum = 0;
  for (int64_t j = 0; j < a.vocab; ++j) sum += std::exp(logit(a, row, j) - largest);
  return std::log(sum) + largest;
}

// Of either struct.
auto row_weight(const auto& a, int64_t row) {
  using T = std::remove_cvref_t<decltype(*a.row_weights)>;
  return a.row_weights != nullptr ? a.row_weights[row] : T(1);
}

template <class T>
void add_row_gradients(const LinearCrossEntropy<T>& a, int64_t row, T normaliser) {
  for (int64_t j = 0; j < a.vocab; ++j) {
    const T value = logit(a, row, j), probability = std::exp(value - normaliser);
    const T slope = a.softcap == 0 ? T(1) : T(1) - value * value / T(a.softcap * a.softcap);
    const T dlogit =
        (probability - T(j == a.targets[row] ? 1 : 0)) * slope * T(a.scale * a.logit_scale) * row_weight(a, row);
    for (int64_t c = 0; c < a.dim; ++c) {
      if (a.dx != nullptr) a.dx[row * a.dim + c] += dlogit * a.weight[j * a.dim + c];
      if (a.dweight != nullptr) a.dweight[j * a.dim + c] += dlogit * a.x[row * a.dim + c];
    }
  }
}

template <class T>
void linear_cross_entropy(const LinearCrossEntropy<T>& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    if (a.token_loss != nullptr) a.token_loss[row] = 0;
    for (int64_t c = 0; a.dx != nullptr && !a.add_dx && c < a.dim; ++c) a.dx[row * a.dim + c] = 0;
    if (a.targets[row] < 0) continue;
    const T normaliser = log_sum_exp(a, row), loss = normaliser - logit(a, row, a.targets[row]);
    if (a.token_loss != nullptr) a.token_loss[row] = loss;
    *a.loss += loss * T(a.scale) * row_weight(a, row);
    if (a.dx != nullptr || a.dweight != nullptr) add_row_gradients(a, row, normaliser);
  }
}

template <class T>
void cross_entropy(const CrossEntropy<T>& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    const T* x = a.logits + row * a.vocab;
    a.token_loss[row] = 0;
    if (a.targets[row] < 0) continue;
    const T largest = *std::max_element(x, x + a.vocab);
    T sum = 0;
    for (int64_t j = 0; j < a.vocab; ++j) sum += std::exp(x[j] - largest);
    a.token_loss[row] = std::log(sum) + largest - x[a.targets[row]];
    *a.loss += a.token_loss[row] * T(a.scale) * row_weight(a, row);
  }
}

}  // namespace maru::kernels::reference
