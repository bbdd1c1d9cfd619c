// The weights exp((x - highest) / temperature) of a vocabulary's logits, and choosing among them. The same bits on
// every machine: vectors of four, in a fixed order.
#pragma once
#include <cstdint>
#include <span>
#include <vector>

namespace maru::infer {

/// Throws kInternal when a logit is NaN or +inf, or none is above -inf.
float highest_of(std::span<const float> logits);

/// The highest `count` logits, highest first, of equals the lower id.
std::vector<int32_t> highest_ids(std::span<const float> logits, size_t count);

struct Candidate {
  float weight;
  int32_t token;
};
/// Order of likelihood; of equals the lower id comes first.
inline bool is_likelier(const Candidate& a, const Candidate& b) {
  return a.weight != b.weight ? a.weight > b.weight : a.token < b.token;
}

/// Weights of all tokens, and their sums.
class TokenWeights {
 public:
  void reserve(size_t vocab_size);
  /// That of the highest is 1; below exp(-87) they are 0. Relative error of a weight below 3e-7.
  void fill(std::span<const float> logits, float highest, double temperature);
  double total() const { return total_; }
  std::span<const float> values() const { return values_; }
  /// The token that stands where `share` (0 to 1) of the total is reached.
  int32_t at_share(double share) const;

 private:
  std::vector<float> values_;
  std::vector<double> block_sums_;
  double total_ = 0;
};

/// Appends those of at least `lowest`, above 0.
void append_from(std::span<const float> weights, float lowest, std::vector<Candidate>& to);
/// Appends the `count` likeliest, above 0.
void append_likeliest(std::span<const float> weights, size_t count, std::vector<Candidate>& to);
/// Keeps the fewest likeliest whose weights together reach `wanted` (Holtzman et al. 2020, arXiv 1904.09751, §3.1).
///
/// Cost   O(candidates) on average.
void keep_nucleus(std::vector<Candidate>& candidates, double wanted);
double total_of(std::span<const Candidate> candidates);

}  // namespace maru::infer
