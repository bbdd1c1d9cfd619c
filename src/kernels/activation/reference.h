// Activation functions in their plainest form.
#pragma once
#include <cmath>
#include <complex>

#include "kernels/activation/activation.h"

namespace maru::kernels::reference {

constexpr double kPi = 3.14159265358979323846;

// Not erf, which would cancel in the tail of the normal distribution.
inline double erfc(double x) { return std::erfc(x); }
/// To first order in the imaginary part, which is all that a complex step looks at.
inline std::complex<double> erfc(std::complex<double> x) {
  return {std::erfc(x.real()), -x.imag() * 2 / std::sqrt(kPi) * std::exp(-x.real() * x.real())};
}

template <class T>
T logistic(T x) {
  return T(1) / (T(1) + std::exp(-x));
}

/// Standard normal distribution and density.
template <class T>
T normal_cdf(T x) {
  return T(0.5) * erfc(-x / T(std::sqrt(2.0)));
}
template <class T>
T normal_pdf(T x) {
  return std::exp(-x * x / T(2)) / T(std::sqrt(2 * kPi));
}

/// The gelu's tanh form is x · logistic of this.
template <class T>
T gelu_argument(T x) {
  return T(2 * std::sqrt(2 / kPi)) * (x + T(0.044715) * x * x * x);
}
template <class T>
T gelu_argument_slope(T x) {
  return T(2 * std::sqrt(2 / kPi)) * (T(1) + T(3 * 0.044715) * x * x);
}

template <class T>
T activate(Activation function, T x) {
  switch (function) {
    case Activation::kGelu: return x * normal_cdf(x);
    case Activation::kGeluTanh: return x * logistic(gelu_argument(x));
    case Activation::kRelu: return std::real(x) > 0 ? x : T(0);
    case Activation::kTanh: return std::tanh(x);
    case Activation::kSigmoid: return logistic(x);
    case Activation::kSilu: break;
  }
  return x * logistic(x);
}

template <class T>
T slope(Activation function, T x) {
  const T s = logistic(function == Activation::kGeluTanh ? gelu_argument(x) : x);
  switch (function) {
    case Activation::kGelu: return normal_cdf(x) + x * normal_pdf(x);
    case Activation::kGeluTanh: return s + x * s * (T(1) - s) * gelu_argument_slope(x);
    case Activation::kRelu: return std::real(x) > 0 ? T(1) : T(0);
    case Activation::kTanh: return T(1) - std::tanh(x) * std::tanh(x);
    case Activation::kSigmoid: return s * (T(1) - s);
    case Activation::kSilu: break;
  }
  return s * (T(1) + x * (T(1) - s));
}

template <class T>
void activation_forward(const ActivationForward<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = activate(a.function, a.x[i]);
}

template <class T>
void activation_backward(const ActivationBackward<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.dx[i] = (a.add_dx ? a.dx[i] : T(0)) + a.dy[i] * slope(a.function, a.x[i]);
}

template <class T>
void soft_cap(const SoftCap<T>& a) {
  for (int64_t i = 0; i < a.count; ++i) a.y[i] = T(a.softcap) * std::tanh(T(a.scale / a.softcap) * a.y[i]);
}

template <class T>
void gated_forward(const GatedForward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const int64_t i = r * a.stride + c;
      a.y[r * a.cols + c] = activate(a.function, a.gate[i]) * a.up[i];
    }
}

template <class T>
void gated_backward(const GatedBackward<T>& a) {
  for (int64_t r = 0; r < a.rows; ++r)
    for (int64_t c = 0; c < a.cols; ++c) {
      const int64_t i = r * a.stride + c;
      const T gate = a.gate[i], dy = a.dy[r * a.cols + c], value = activate(a.function, gate);
      if (a.dgate != nullptr) a.dgate[i] = (a.add_dgate ? a.dgate[i] : T(0)) + dy * a.up[i] * slope(a.function, gate);
      if (a.dup != nullptr) a.dup[i] = (a.add_dup ? a.dup[i] : T(0)) + dy * value;
    }
}

}  // namespace maru::kernels::reference
