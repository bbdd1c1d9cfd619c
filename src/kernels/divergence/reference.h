// The divergence of two distributions in its plainest form.
#pragma once
#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/divergence/divergence.h"

namespace maru::kernels::reference {

/// log softmax(x / temperature) of the first n.
template <class T>
std::vector<T> log_softmax(const T* x, int64_t n, double temperature) {
  double largest = -INFINITY;
  for (int64_t i = 0; i < n; ++i) largest = std::max(largest, std::real(x[i]) / temperature);
  T sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += std::exp(x[i] / T(temperature) - largest);
  const T normaliser = std::log(sum) + largest;
  std::vector<T> logs;
  for (int64_t i = 0; i < n; ++i) logs.push_back(x[i] / T(temperature) - normaliser);
  return logs;
}

/// log((1 - beta) · e^s + beta · e^t), 0 < beta < 1.
template <class T>
T log_mixture(T s, T t, double beta) {
  const double largest = std::max(std::real(s), std::real(t));
  return std::log(T(1 - beta) * std::exp(s - largest) + T(beta) * std::exp(t - largest)) + largest;
}

/// Of one token, from its log-probabilities: its part of D, and dD by its probability of the student.
template <class T>
struct DivergenceOfToken {
  T part, slope;
};
template <class T>
DivergenceOfToken<T> divergence_of_token(T s, T t, double beta) {
  if (beta == 0) return {std::exp(t) * (t - s), -std::exp(t - s)};
  if (beta == 1) return {std::exp(s) * (s - t), s - t};
  const T m = log_mixture(s, t, beta);
  return {T(beta) * std::exp(t) * (t - m) + T(1 - beta) * std::exp(s) * (s - m), T(1 - beta) * (s - m)};
}

template <class T>
void divergence_row(const Divergence<T>& a, int64_t row) {
  T* const student = a.student + row * a.student_vocab;
  const int64_t shared = std::min(a.student_vocab, a.teacher_vocab);
  const std::vector<T> s = log_softmax(student, shared, a.temperature);
  const std::vector<T> t = log_softmax(a.teacher + row * a.teacher_vocab, shared, a.temperature);
  const std::vector<T> plain = log_softmax(student, a.student_vocab, 1);
  T loss = T(-a.next_token) * plain[a.targets[row]], mean = 0;
  for (int64_t j = 0; j < shared; ++j) {
    const DivergenceOfToken<T> token = divergence_of_token(s[j], t[j], a.beta);
    loss += token.part, mean += std::exp(s[j]) * token.slope;
  }
  a.token_loss[row] = loss;
  const T weight = T(a.scale) * (a.row_weights != nullptr ? a.row_weights[row] : T(1));
  *a.loss += loss * weight;
  for (int64_t j = 0; j < a.student_vocab && a.gradients; ++j) {
    T gradient = T(a.next_token) * (std::exp(plain[j]) - T(j == a.targets[row] ? 1 : 0));
    if (j < shared)
      gradient += std::exp(s[j]) * (divergence_of_token(s[j], t[j], a.beta).slope - mean) / T(a.temperature);
    const T before_cap = a.softcap == 0 ? T(1) : T(1) - student[j] * student[j] / T(a.softcap * a.softcap);
    student[j] = gradient * before_cap * weight;
  }
}

template <class T>
void divergence(const Divergence<T>& a) {
  for (int64_t row = 0; row < a.rows; ++row) {
    a.token_loss[row] = 0;
    if (a.targets[row] >= 0)
      divergence_row(a, row);
    else if (a.gradients)
      std::fill_n(a.student + row * a.student_vocab, a.student_vocab, T(0));
  }
}

}  // namespace maru::kernels::reference
