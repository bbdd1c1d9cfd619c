#include "base/random.h"

#include <cmath>
#include <numbers>

#include "base/hash.h"

namespace maru {

uint64_t mix64(uint64_t x) {
  x += 0x9e3779b97f4a7c15ull;
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ull;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebull;
  return x ^ (x >> 31);
}

uint64_t derive_seed(uint64_t seed, std::string_view name) { return mix64(seed ^ hash64(name)); }

Random::Random(uint64_t seed) {
  for (uint64_t& word : state_) word = seed = mix64(seed);
}

uint64_t Random::next() {
  const auto rotate = [](uint64_t x, int k) { return (x << k) | (x >> (64 - k)); };
  State& s = state_;
  const uint64_t result = rotate(s[0] + s[3], 23) + s[0], t = s[1] << 17;
  s[2] ^= s[0];
  s[3] ^= s[1];
  s[1] ^= s[2];
  s[0] ^= s[3];
  s[2] ^= t;
  s[3] = rotate(s[3], 45);
  return result;
}

double Random::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

uint64_t Random::below(uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  Wide product = Wide{next()} * bound;
  for (const uint64_t floor = -bound % bound; static_cast<uint64_t>(product) < floor;) product = Wide{next()} * bound;
  return static_cast<uint64_t>(product >> 64);
}

double Random::normal() {
  const double u = 1 - uniform(), v = uniform();  // u in (0, 1]
  return std::sqrt(-2 * std::log(u)) * std::cos(2 * std::numbers::pi * v);
}

}  // namespace maru
