// Random numbers whose bits depend on the seed alone: the same on every machine, compiler and thread count.
// (std::normal_distribution and friends differ between standard libraries, so they are not used.)
#pragma once
#include <array>
#include <cstdint>
#include <string_view>

namespace maru {

/// SplitMix64 finaliser: a bijection of 64 bits that scatters well (Steele, Lea & Flood 2014).
uint64_t mix64(uint64_t x);
/// A seed derived from another seed and a name, so that streams are independent and order does not matter.
uint64_t derive_seed(uint64_t seed, std::string_view name);

/// xoshiro256++ (Blackman & Vigna 2019). Its state can be saved and restored. Not thread-safe.
class Random {
 public:
  using State = std::array<uint64_t, 4>;
  explicit Random(uint64_t seed = 0);
  explicit Random(const State& state) : state_(state) {}
  const State& state() const { return state_; }
  uint64_t next();
  /// Uniform in [0, 1), 53 bits.
  double uniform();
  /// Uniform in [0, bound), without modulo bias (Lemire 2019). bound > 0.
  uint64_t below(uint64_t bound);
  /// Standard normal (Box-Muller, the cosine half only, so that no second value hides in the state).
  double normal();

 private:
  State state_;
};

}  // namespace maru
