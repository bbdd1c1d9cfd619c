#include "models/rope_scaling.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

namespace maru {
namespace {

using Frequencies = std::vector<double>;

Frequencies plain(double theta, int64_t rotary_dim) {
  Frequencies f(static_cast<size_t>(rotary_dim / 2));
  for (size_t i = 0; i < f.size(); ++i)
    f[i] = std::pow(theta, -2.0 * static_cast<double>(i) / static_cast<double>(rotary_dim));
  return f;
}

double original_context(const RopeScaling& s, int64_t context) {
  return static_cast<double>(s.original_max_position_embeddings > 0 ? s.original_max_position_embeddings : context);
}

double dynamic_theta(const RopeScaling& s, double theta, int64_t rotary_dim, int64_t context) {
  const double stretch = std::max(1.0, static_cast<double>(context) / original_context(s, context));
  const auto dim = static_cast<double>(rotary_dim);
  return theta * std::pow(s.factor * stretch - (s.factor - 1), dim / (dim - 2));
}

void scale_llama3(const RopeScaling& s, double original, Frequencies& frequencies) {
  for (double& f : frequencies) {
    const double turns = original * f / (2 * std::numbers::pi);  // original context over wavelength
    if (turns > s.high_freq_factor) continue;
    const double kept = std::clamp((turns - s.low_freq_factor) / (s.high_freq_factor - s.low_freq_factor), 0.0, 1.0);
    f = (1 - kept) * f / s.factor + kept * f;
  }
}

/// The pair that turns `turns` times in the original context.
double pair_of_turns(double turns, double theta, double rotary_dim, double original) {
  return rotary_dim * std::log(original / (turns * 2 * std::numbers::pi)) / (2 * std::log(theta));
}

void scale_yarn(const RopeScaling& s, double theta, int64_t rotary_dim, double original, Frequencies& frequencies) {
  const auto dim = static_cast<double>(rotary_dim);
  double low = pair_of_turns(s.beta_fast, theta, dim, original);
  double high = pair_of_turns(s.beta_slow, theta, dim, original);
  if (s.truncate) low = std::floor(low), high = std::ceil(high);
  low = std::max(low, 0.0);
  high = std::min(high, dim - 1);
  if (low == high) high += 0.001;
  for (size_t i = 0; i < frequencies.size(); ++i) {
    const double stretched = std::clamp((static_cast<double>(i) - low) / (high - low), 0.0, 1.0);
    frequencies[i] *= stretched / s.factor + (1 - stretched);
  }
}

double yarn_magnitude(const RopeScaling& s) {
  const auto of = [&](double mscale) { return s.factor <= 1 ? 1.0 : 0.1 * mscale * std::log(s.factor) + 1; };
  if (s.attention_factor != 0) return s.attention_factor;
  return s.mscale != 0 && s.mscale_all_dim != 0 ? of(s.mscale) / of(s.mscale_all_dim) : of(1);
}

void divide_by_factors(const RopeScaling& s, bool is_long, Frequencies& frequencies) {
  const std::vector<double>& factors = is_long ? s.long_factor : s.short_factor;
  if (factors.size() != frequencies.size())
    throw Failure(ErrorCode::kInvalidArgument,
                  fmt::format("model: rope_scaling.{} has {} numbers, expected one for each of {} pairs",
                              is_long ? "long_factor" : "short_factor", factors.size(), frequencies.size()));
  for (size_t i = 0; i < frequencies.size(); ++i) frequencies[i] /= factors[i];
}

double longrope_magnitude(const RopeScaling& s, double original) {
  if (s.attention_factor != 0) return s.attention_factor;
  return s.factor <= 1 ? 1 : std::sqrt(1 + std::log(s.factor) / std::log(original));
}

}  // namespace

RopeFrequencies rope_frequencies(const RopeScaling& s, double theta, int64_t rotary_dim, int64_t context) {
  const double original = original_context(s, context);
  if (s.rope_type == "dynamic") theta = dynamic_theta(s, theta, rotary_dim, context);
  RopeFrequencies rope{plain(theta, rotary_dim)};
  if (s.rope_type == "linear")
    for (double& f : rope.frequencies) f /= s.factor;
  if (s.rope_type == "llama3") scale_llama3(s, original, rope.frequencies);
  if (s.rope_type == "yarn") {
    scale_yarn(s, theta, rotary_dim, original, rope.frequencies);
    rope.magnitude = yarn_magnitude(s);
  }
  if (s.rope_type == "longrope") {
    divide_by_factors(s, static_cast<double>(context) > original, rope.frequencies);
    rope.magnitude = longrope_magnitude(s, original);
  }
  return rope;
}

}  // namespace maru
