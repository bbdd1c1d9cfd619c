// A number with its slopes in two variables, for formulas that are written for any number type; and what such formulas
// ask of a type beside +, −, · and a constant: exp, log_sigmoid, log1mexp, real_part.
#pragma once
#include <algorithm>
#include <cmath>

namespace maru::train {

inline double log_sigmoid(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); }

/// log(1 − eˣ) of x < 0, without cancellation on either side of −log 2 (Mächler 2012, "Accurately computing
/// log(1 − exp(−|a|))", eq. 7).
inline double log1mexp(double x) {
  return x < -0.6931471805599453 ? std::log1p(-std::exp(x)) : std::log(-std::expm1(x));
}

struct Dual {
  double value = 0, first = 0, second = 0;
  Dual(double x) : value(x) {}  // NOLINT(google-explicit-constructor): a constant
  Dual(double x, double one, double other) : value(x), first(one), second(other) {}
  /// f of this, whose value and slope are given.
  Dual through(double f, double slope) const { return {f, slope * first, slope * second}; }

  friend Dual operator+(const Dual& x, const Dual& y) {
    return {x.value + y.value, x.first + y.first, x.second + y.second};
  }
  friend Dual operator-(const Dual& x) { return x.through(-x.value, -1); }
  friend Dual operator-(const Dual& x, const Dual& y) { return x + -y; }
  friend Dual operator*(const Dual& x, const Dual& y) {
    return {x.value * y.value, x.first * y.value + x.value * y.first, x.second * y.value + x.value * y.second};
  }
};

inline Dual log_sigmoid(const Dual& x) { return x.through(log_sigmoid(x.value), std::exp(log_sigmoid(-x.value))); }
inline Dual exp(const Dual& x) { return x.through(std::exp(x.value), std::exp(x.value)); }
inline Dual log1mexp(const Dual& x) { return x.through(log1mexp(x.value), 1 / -std::expm1(-x.value)); }
inline double real_part(const Dual& x) { return x.value; }

template <class T>
T sigmoid(const T& x) {
  return exp(log_sigmoid(x));
}

}  // namespace maru::train
