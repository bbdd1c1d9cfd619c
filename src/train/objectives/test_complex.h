// A complex number as formulas of any number type take numbers: the slope of what is analytic is Im f(x + ih) / h,
// without cancellation (Squire & Trapp 1998).
#pragma once
#include <complex>

namespace maru::train {

inline constexpr double kComplexStep = 1e-100;

struct Complex {
  std::complex<double> z;
  Complex(double x) : z(x) {}  // NOLINT(google-explicit-constructor): a constant
  explicit Complex(std::complex<double> x) : z(x) {}
  friend Complex operator+(const Complex& x, const Complex& y) { return Complex(x.z + y.z); }
  friend Complex operator-(const Complex& x, const Complex& y) { return Complex(x.z - y.z); }
  friend Complex operator-(const Complex& x) { return Complex(-x.z); }
  friend Complex operator*(const Complex& x, const Complex& y) { return Complex(x.z * y.z); }
};
inline Complex exp(const Complex& x) { return Complex(std::exp(x.z)); }
inline Complex log1mexp(const Complex& x) { return Complex(std::log(1.0 - std::exp(x.z))); }
inline Complex log_sigmoid(const Complex& x) {
  if (x.z.real() < 0) return Complex(x.z - std::log(1.0 + std::exp(x.z)));
  return Complex(-std::log(1.0 + std::exp(-x.z)));
}
inline double real_part(const Complex& x) { return x.z.real(); }

}  // namespace maru::train
