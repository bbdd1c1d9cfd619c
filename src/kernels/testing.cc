#include "kernels/testing.h"

#include <fmt/format.h>

#include <algorithm>
#include <cfloat>

namespace maru::kernels {

std::vector<int32_t> Inputs::integers(int64_t n, int64_t bound) {
  std::vector<int32_t> values(static_cast<size_t>(n));
  for (int32_t& v : values) v = static_cast<int32_t>(random_.below(static_cast<uint64_t>(bound)));
  return values;
}

double Inputs::rounded(double x) const {
  const float f = static_cast<float>(x);
  return round_ == Round::kBf16 ? to_float(to_bfloat16(f)) : f;
}

double sum_roundings(int64_t n) { return 8 + 6 * std::sqrt(static_cast<double>(n)); }

std::vector<double> magnitude(const std::vector<double>& x) {
  std::vector<double> sizes(x.size());
  for (size_t i = 0; i < x.size(); ++i) sizes[i] = std::abs(x[i]);
  return sizes;
}

double largest(const std::vector<double>& x) {
  double top = 0;
  for (double v : x) top = std::abs(v) > top ? std::abs(v) : top;
  return top;
}

void Comparison::element(const std::string& name, size_t i, double actual, double expected, double unit,
                         double arithmetic) {
  if (actual == expected || (std::isnan(actual) && std::isnan(expected))) return;
  // FLT_MIN: results below the smallest normal number may be flushed to zero (vcvtneps2bf16 does).
  const double allowed = unit * std::abs(expected) + (1 + unit) * arithmetic + FLT_MIN;
  const double distance = std::abs(actual - expected) / allowed;
  const double error = std::isnan(distance) ? std::numeric_limits<double>::infinity() : distance;
  if (error <= outcome_.error) return;
  outcome_.error = error;
  outcome_.detail = fmt::format("{}[{}] = {:.9g}, expected {:.9g} ± {:.3g}", name, i, actual, expected, allowed);
}

void Comparison::exact(const std::string& name, std::string_view actual, std::string_view expected,
                       size_t element_bytes) {
  outcome_.bits = hash64(actual, outcome_.bits);
  if (actual == expected) return;
  const auto differ = std::mismatch(actual.begin(), actual.end(), expected.begin(), expected.end());
  const size_t byte = static_cast<size_t>(differ.first - actual.begin());
  outcome_.error = std::numeric_limits<double>::infinity();
  outcome_.detail = fmt::format("{}[{}] has other bits than expected", name, byte / element_bytes);
}

std::vector<double> direction(int64_t n, int index) {
  constexpr int kDense = 2;
  Random random(derive_seed(static_cast<uint64_t>(index), "direction"));
  std::vector<double> v(static_cast<size_t>(n), 0.0);
  if (index >= kDense && n > 0) v[random.below(static_cast<uint64_t>(n))] = 1;
  if (index < kDense)
    for (double& x : v) x = random.normal();
  return v;
}

double directional_error(double numeric, const std::vector<double>& dx, const std::vector<double>& v) {
  double analytic = 0, terms = 0, dx_squares = 0, v_squares = 0;
  for (size_t i = 0; i < dx.size(); ++i) {
    analytic += dx[i] * v[i];
    terms += std::abs(dx[i] * v[i]);
    dx_squares += dx[i] * dx[i];
    v_squares += v[i] * v[i];
  }
  if (numeric == analytic) return 0;
  const double rms = std::sqrt(dx_squares / std::max<double>(1, static_cast<double>(dx.size())));
  return std::abs(numeric - analytic) / (terms + 1e-6 * rms * std::sqrt(v_squares));
}

}  // namespace maru::kernels
